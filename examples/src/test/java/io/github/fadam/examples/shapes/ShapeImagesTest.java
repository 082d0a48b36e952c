package io.github.fadam.examples.shapes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeImagesTest {

  private static final String CLASSES =
      "/io/github/fadam/examples/shapes-model/assets.extra/classes.txt";

  @Test
  void theSameSeedGivesTheSameImages() {
    ShapeImages first = ShapeImages.shifted(40, 7);
    ShapeImages again = ShapeImages.shifted(40, 7);
    assertArrayEquals(first.labels(), again.labels());
    assertTrue(Arrays.deepEquals(first.images(), again.images()));
  }

  @Test
  void anotherSeedGivesOtherImages() {
    ShapeImages first = ShapeImages.shifted(40, 7);
    ShapeImages other = ShapeImages.shifted(40, 8);
    assertFalse(Arrays.equals(first.labels(), other.labels()));
    assertFalse(Arrays.deepEquals(first.images(), other.images()));
  }

  /** The checksum was taken once; every machine has to reach it. */
  @Test
  void imagesAreTheSameOnEveryMachine() {
    CRC32 checksum = new CRC32();
    for (float[][][] image : ShapeImages.shifted(20, 1).images()) {
      for (float[][] row : image) {
        for (float[] pixel : row) {
          int bits = Float.floatToIntBits(pixel[0]);
          for (int shift = 0; shift < 32; shift += 8) {
            checksum.update(bits >>> shift);
          }
        }
      }
    }
    assertEquals(3416935457L, checksum.getValue());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 25, 100})
  void classesComeEquallyOften(int count) {
    int[] found = new int[ShapeClass.values().length];
    for (int label : ShapeImages.shifted(count, 3).labels()) {
      found[label]++;
    }
    assertEquals(count, Arrays.stream(found).sum());
    int most = Arrays.stream(found).max().orElseThrow();
    int least = Arrays.stream(found).min().orElseThrow();
    assertTrue(most - least <= 1, () -> Arrays.toString(found));
  }

  @Test
  void labelsAreNotInOrder() {
    int[] labels = ShapeImages.shifted(100, 3).labels();
    int[] sorted = labels.clone();
    Arrays.sort(sorted);
    assertFalse(Arrays.equals(sorted, labels));
  }

  @Test
  void valuesFillTheRangeAndNeverLeaveIt() {
    int bright = 0;
    for (float[][][] image : ShapeImages.shifted(100, 5).images()) {
      assertEquals(ShapeImages.SIZE, image.length);
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      double sum = 0;
      for (float[][] row : image) {
        assertEquals(ShapeImages.SIZE, row.length);
        for (float[] pixel : row) {
          assertEquals(1, pixel.length);
          assertTrue(pixel[0] >= 0 && pixel[0] <= 1, () -> "value " + pixel[0]);
          low = Math.min(low, pixel[0]);
          high = Math.max(high, pixel[0]);
          sum += pixel[0];
        }
      }
      assertTrue(high - low > 0.4, "nothing is drawn");
      if (sum > ShapeImages.SIZE * ShapeImages.SIZE / 2.0) {
        bright++;
      }
    }
    assertTrue(bright > 25 && bright < 75, "dark on bright: " + bright + " of 100");
  }

  @Test
  void labelsAreThoseOfTheModel() throws IOException {
    try (InputStream file = ShapeImagesTest.class.getResourceAsStream(CLASSES)) {
      String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(
          text.lines().toList(),
          Arrays.stream(ShapeClass.values()).map(ShapeClass::label).toList());
    }
  }

  /** A shape that leaves the unit circle could be cut off at the image's edge. */
  @ParameterizedTest
  @EnumSource
  void shapesStayWithinTheUnitCircle(ShapeClass shape) {
    for (Stroke stroke : shape.strokes()) {
      assertTrue(stroke.reach() <= 1.1, () -> shape + " reaches " + stroke.reach());
      assertTrue(stroke.reach() >= 0.5, () -> shape + " reaches " + stroke.reach());
    }
  }

  @Test
  void distanceIsThatFromTheNearestPoint() {
    Stroke line = new Stroke(0, 0, 4, 0, 4, 3);
    assertEquals(2, line.distance(1, 2), 1e-12);
    assertEquals(0, line.distance(4, 1.5), 1e-12);
    assertEquals(5, line.distance(7, 7), 1e-12);
    assertEquals(5, line.distance(-3, -4), 1e-12);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1})
  void aCountThatIsNotPositiveIsRefused(int count) {
    var error = assertThrows(IllegalArgumentException.class, () -> ShapeImages.shifted(count, 1));
    assertTrue(error.getMessage().contains("positive number of images, found " + count));
  }
}
