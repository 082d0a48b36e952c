package io.github.fadam.examples.shapes;

import java.util.List;
import java.util.stream.DoubleStream;

/**
 * A line through points of the unit circle; y points down.
 *
 * <p>StrictMath and plain arithmetic only, so that an image is the same to the bit everywhere.
 */
final class Stroke {

  private final double[] x;
  private final double[] y;

  /** Takes x and y in turn. */
  Stroke(double... coordinates) {
    x = new double[coordinates.length / 2];
    y = new double[coordinates.length / 2];
    for (int i = 0; i < x.length; i++) {
      x[i] = coordinates[2 * i];
      y[i] = coordinates[2 * i + 1];
    }
  }

  /** Takes angles in turns and radii. */
  static Stroke polar(DoubleStream turns, List<Double> radii) {
    double[] angles = turns.map(turn -> 2 * Math.PI * turn).toArray();
    double[] coordinates = new double[2 * angles.length];
    for (int i = 0; i < angles.length; i++) {
      coordinates[2 * i] = radii.get(i) * StrictMath.cos(angles[i]);
      coordinates[2 * i + 1] = radii.get(i) * StrictMath.sin(angles[i]);
    }
    return new Stroke(coordinates);
  }

  /** The stroke, turned by an angle in radians, scaled and moved. */
  Stroke placed(double angle, double radius, double centreX, double centreY) {
    double cos = radius * StrictMath.cos(angle);
    double sin = radius * StrictMath.sin(angle);
    double[] coordinates = new double[2 * x.length];
    for (int i = 0; i < x.length; i++) {
      coordinates[2 * i] = centreX + cos * x[i] - sin * y[i];
      coordinates[2 * i + 1] = centreY + sin * x[i] + cos * y[i];
    }
    return new Stroke(coordinates);
  }

  /** Distance of the farthest point from the origin. */
  double reach() {
    double farthest = 0;
    for (int i = 0; i < x.length; i++) {
      farthest = Math.max(farthest, Math.sqrt(x[i] * x[i] + y[i] * y[i]));
    }
    return farthest;
  }

  /** Distance of a point from the nearest point of the line. */
  double distance(double pointX, double pointY) {
    double nearest = Double.POSITIVE_INFINITY;
    for (int i = 0; i + 1 < x.length; i++) {
      double alongX = x[i + 1] - x[i];
      double alongY = y[i + 1] - y[i];
      double fromX = pointX - x[i];
      double fromY = pointY - y[i];
      double length = alongX * alongX + alongY * alongY;
      double share = Math.min(Math.max((fromX * alongX + fromY * alongY) / length, 0), 1);
      double restX = fromX - share * alongX;
      double restY = fromY - share * alongY;
      nearest = Math.min(nearest, restX * restX + restY * restY);
    }
    return Math.sqrt(nearest);
  }
}
