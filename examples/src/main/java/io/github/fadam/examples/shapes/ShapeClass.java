package io.github.fadam.examples.shapes;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** What an image shows, in the order of the model's labels. */
public enum ShapeClass {
  /** A circle. */
  CIRCLE,
  /** Two circles with one centre. */
  RING,
  /** A triangle with equal sides. */
  TRIANGLE,
  /** A square. */
  SQUARE,
  /** The outline of a star with five points. */
  STAR,
  /** Two lines that cross. */
  CROSS,
  /** A shaft with a head. */
  ARROW,
  /** Half a circle. */
  ARCH,
  /** A line that goes up and down. */
  ZIGZAG,
  /** A line that turns twice around its start. */
  SPIRAL;

  /**
   * The class's name in the model's list of classes.
   *
   * @return the name in lower case
   */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  List<Stroke> strokes() {
    return switch (this) {
      case CIRCLE -> List.of(arc(0.9, 0, 1, 24));
      case RING -> List.of(arc(0.95, 0, 1, 24), arc(0.5, 0, 1, 16));
      case TRIANGLE -> List.of(corners(1, 1, 1));
      case SQUARE ->
          List.of(new Stroke(-0.75, -0.75, 0.75, -0.75, 0.75, 0.75, -0.75, 0.75, -0.75, -0.75));
      case STAR -> List.of(corners(1, 0.45, 1, 0.45, 1, 0.45, 1, 0.45, 1, 0.45));
      case CROSS -> List.of(new Stroke(-0.9, 0, 0.9, 0), new Stroke(0, -0.9, 0, 0.9));
      case ARROW ->
          List.of(new Stroke(-0.95, 0, 0.95, 0), new Stroke(0.35, -0.55, 0.95, 0, 0.35, 0.55));
      case ARCH -> List.of(arc(0.9, 0.5, 1, 24));
      case ZIGZAG -> List.of(new Stroke(-0.95, 0.4, -0.45, -0.4, 0, 0.4, 0.45, -0.4, 0.95, 0.4));
      case SPIRAL -> List.of(spiral(32));
    };
  }

  private static Stroke arc(double radius, double from, double to, int pieces) {
    return Stroke.polar(
        IntStream.rangeClosed(0, pieces).mapToDouble(i -> from + (to - from) * i / pieces),
        Collections.nCopies(pieces + 1, radius));
  }

  private static Stroke corners(double... radii) {
    List<Double> closed =
        DoubleStream.concat(Arrays.stream(radii), DoubleStream.of(radii[0])).boxed().toList();
    return Stroke.polar(
        IntStream.rangeClosed(0, radii.length).mapToDouble(i -> (double) i / radii.length - 0.25),
        closed);
  }

  private static Stroke spiral(int pieces) {
    return Stroke.polar(
        IntStream.rangeClosed(0, pieces).mapToDouble(i -> 2.0 * i / pieces),
        IntStream.rangeClosed(0, pieces).mapToObj(i -> 0.1 + 0.9 * i / pieces).toList());
  }
}
