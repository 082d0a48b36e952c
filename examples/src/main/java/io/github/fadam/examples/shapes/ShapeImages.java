package io.github.fadam.examples.shapes;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Labelled images of a world the demo's model was not trained for: the shapes are turned, smaller
 * and thicker, lie on a background that is not black and noisy, and half of them are dark on
 * bright.
 */
public final class ShapeImages {

  /** Height and width of an image in pixels. */
  public static final int SIZE = 28;

  private final float[][][][] images;
  private final int[] labels;

  private ShapeImages(float[][][][] images, int[] labels) {
    this.images = images;
    this.labels = labels;
  }

  /**
   * The images, not copied.
   *
   * @return grey values in [0, 1], {@code [count][28][28][1]}
   */
  public float[][][][] images() {
    return images;
  }

  /**
   * What the images show, not copied.
   *
   * @return places in {@link ShapeClass#values()}, one per image
   */
  public int[] labels() {
    return labels;
  }

  /**
   * Draws images. All classes come equally often, as far as the count allows, in random order.
   *
   * @param count how many, at least 1
   * @param seed the same seed gives the same images, to the bit, on every machine
   * @return the images
   * @throws IllegalArgumentException if the count is not positive
   */
  public static ShapeImages shifted(int count, long seed) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "Expected a positive number of images, found " + count + ".");
    }
    Random random = new Random(seed);
    ShapeClass[] classes = ShapeClass.values();
    List<Integer> order = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      order.add(i % classes.length);
    }
    Collections.shuffle(order, random);
    float[][][][] images = new float[count][][][];
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      images[i] = draw(classes[order.get(i)], random);
      labels[i] = order.get(i);
    }
    return new ShapeImages(images, labels);
  }

  private static float[][][] draw(ShapeClass shape, Random random) {
    double radius = between(7, 11.5, random);
    double slack = SIZE / 2.0 - radius - 1;
    double centreX = SIZE / 2.0 + between(-slack, slack, random);
    double centreY = SIZE / 2.0 + between(-slack, slack, random);
    double angle = between(-0.6, 0.6, random);
    double width = between(1.5, 3, random);
    double background = between(0, 0.25, random);
    double contrast = between(0.5, 0.75, random);
    boolean inverted = random.nextBoolean();
    List<Stroke> strokes =
        shape.strokes().stream()
            .map(stroke -> stroke.placed(angle, radius, centreX, centreY))
            .toList();
    float[][][] image = new float[SIZE][SIZE][1];
    for (int row = 0; row < SIZE; row++) {
      for (int column = 0; column < SIZE; column++) {
        double distance = Double.POSITIVE_INFINITY;
        for (Stroke stroke : strokes) {
          distance = Math.min(distance, stroke.distance(column + 0.5, row + 0.5));
        }
        double ink = bounded(width / 2 + 0.5 - distance);
        double value = bounded(background + contrast * ink + 0.08 * random.nextGaussian());
        image[row][column][0] = (float) (inverted ? 1 - value : value);
      }
    }
    return image;
  }

  private static double between(double low, double high, Random random) {
    return low + (high - low) * random.nextDouble();
  }

  private static double bounded(double value) {
    return Math.min(Math.max(value, 0), 1);
  }
}
