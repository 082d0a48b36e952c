package io.github.fadam.ops.fisher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;

class FactoredFisherTest {

  private static float[] run(
      Shape shape, float[] values, BiFunction<Ops, Operand<TFloat32>, Operand<TFloat32>> of) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
      Operand<TFloat32> y = of.apply(tf, x);
      try (Session session = new Session(graph);
          TFloat32 fed = TFloat32.tensorOf(shape, DataBuffers.of(values));
          Result result = session.runner().feed(x, fed).fetch(y).run()) {
        float[] found = new float[(int) result.get(0).shape().size()];
        int[] i = {0};
        if (found.length > 0) {
          ((TFloat32) result.get(0)).scalars().forEach(s -> found[i[0]++] = s.getFloat());
        }
        return found;
      }
    }
  }

  @Test
  void shapesLoseOneOfTheLastTwoDimensions() {
    assertEquals(Shape.of(2, 3), FactoredFisher.rowShape(Shape.of(2, 3, 4)));
    assertEquals(Shape.of(2, 4), FactoredFisher.columnShape(Shape.of(2, 3, 4)));
    assertThrows(IllegalArgumentException.class, () -> FactoredFisher.rowShape(Shape.of(3)));
    assertThrows(IllegalArgumentException.class, () -> FactoredFisher.columnShape(Shape.scalar()));
    assertThrows(
        IllegalArgumentException.class,
        () -> FactoredFisher.rowShape(Shape.of(Shape.UNKNOWN_SIZE, 3)));
  }

  @ParameterizedTest
  @EnumSource
  void factorsAreMeansOfEachMatrix(Form form) {
    Shape shape = Shape.of(2, 2, 3);
    float[] x = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};
    assertArrayEquals(
        new float[] {2, 5, 20, 50},
        run(shape, x, (tf, g) -> FactoredFisher.of(tf, form, g).rows()));
    assertArrayEquals(
        new float[] {2.5f, 3.5f, 4.5f, 25, 35, 45},
        run(shape, x, (tf, g) -> FactoredFisher.of(tf, form, g).columns()));
    float[] product = run(shape, x, (tf, g) -> FactoredFisher.of(tf, form, g).power(tf, 1));
    assertEquals(2 * 2.5 / 3.5, product[0], 1e-6);
    assertEquals(50 * 45 / 35.0, product[11], 1e-5);
  }

  /** R C would be 1e-48, which is 0 in float32. */
  @ParameterizedTest
  @EnumSource
  void aProductOfSmallFactorsIsNotLost(Form form) {
    float[] tiny = {1e-24f, 2e-24f, 2e-24f, 4e-24f};
    for (double p : new double[] {0.3, 0.5, 1}) {
      float[] found =
          run(Shape.of(2, 2), tiny, (tf, g) -> FactoredFisher.of(tf, form, g).power(tf, p));
      for (int i = 0; i < 4; i++) {
        double expected = Math.pow(tiny[i], p);
        assertEquals(expected, found[i], 1e-6 * expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void sumsThatOverflowSaturate(Form form) {
    float[] large = new float[3 * 10_000];
    Arrays.fill(large, Float.MAX_VALUE / 4);
    Shape shape = Shape.of(3, 10_000);
    for (float row : run(shape, large, (tf, g) -> FactoredFisher.of(tf, form, g).rows())) {
      assertEquals(Float.MAX_VALUE / 4, row);
    }
    for (float root : run(shape, large, (tf, g) -> FactoredFisher.of(tf, form, g).power(tf, 0.5))) {
      assertEquals(Math.sqrt(Float.MAX_VALUE / 4), root, 1e13);
    }
  }

  @ParameterizedTest
  @EnumSource
  void nothingGivesZeroAndEmptyStaysEmpty(Form form) {
    for (double p : new double[] {0.3, 0.5, 1}) {
      assertArrayEquals(
          new float[6],
          run(
              Shape.of(2, 3),
              new float[6],
              (tf, g) -> FactoredFisher.of(tf, form, g).power(tf, p)));
      for (Shape shape : List.of(Shape.of(0, 3), Shape.of(3, 0), Shape.of(0, 2, 3))) {
        assertEquals(
            0,
            run(shape, new float[0], (tf, g) -> FactoredFisher.of(tf, form, g).power(tf, p))
                .length);
      }
    }
    assertArrayEquals(
        new float[3],
        run(Shape.of(3, 0), new float[0], (tf, g) -> FactoredFisher.of(tf, form, g).rows()));
  }

  @ParameterizedTest
  @EnumSource
  void sumsOverManyBlocksAreExactlyThoseOfTheNumbers(Form form) {
    // Small whole numbers: every order of summation gives the same float.
    for (Shape shape : List.of(Shape.of(3, 9_001), Shape.of(9_001, 3), Shape.of(2, 8_192, 2))) {
      float[] x = new float[(int) shape.size()];
      Random random = new Random(3);
      for (int i = 0; i < x.length; i++) {
        x[i] = random.nextInt(4);
      }
      int rank = shape.numDimensions();
      int m = (int) shape.get(rank - 2);
      int n = (int) shape.get(rank - 1);
      double[] rows = new double[x.length / n];
      double[] columns = new double[x.length / m];
      for (int i = 0; i < x.length; i++) {
        rows[i / n] += x[i];
        columns[i / (m * n) * n + i % n] += x[i];
      }
      assertNear(rows, n, run(shape, x, (tf, g) -> FactoredFisher.of(tf, form, g).rows()));
      assertNear(columns, m, run(shape, x, (tf, g) -> FactoredFisher.of(tf, form, g).columns()));
    }
  }

  private static void assertNear(double[] sums, int count, float[] found) {
    assertEquals(sums.length, found.length);
    for (int i = 0; i < sums.length; i++) {
      assertEquals((float) (sums[i] / count), found[i]);
    }
  }

  @Test
  void theBitsDoNotDependOnTheNumberOfThreads() throws Exception {
    List<List<String>> found = new ArrayList<>();
    for (int threads : new int[] {1, 2, 3, 8}) {
      found.add(digests(threads));
    }
    assertEquals(1, found.stream().map(lines -> part(lines, false)).distinct().count());
    // The case that breaks it: TensorFlow's own sum over everything.
    assertTrue(
        found.stream().map(lines -> part(lines, true)).distinct().count() > 1, found::toString);
  }

  private static List<String> part(List<String> lines, boolean sum) {
    return lines.stream().filter(line -> line.startsWith(Digests.SUM) == sum).toList();
  }

  private static List<String> digests(int threads) throws Exception {
    Process child =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-cp",
                System.getProperty("java.class.path"),
                Digests.class.getName(),
                Integer.toString(threads))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(child.waitFor(5, TimeUnit.MINUTES));
    assertEquals(0, child.exitValue(), output);
    return output.lines().toList();
  }

  /** Prints digests of factors and powers; a process of its own has a thread pool of its own. */
  static final class Digests {

    static final String SUM = "sum ";

    private static final List<Shape> SHAPES =
        List.of(
            Shape.of(4_097, 4_095),
            Shape.of(1, 5_000_001),
            Shape.of(5_000_001, 1),
            Shape.of(3, 5_000, 300),
            Shape.of(70_001, 64));

    private Digests() {}

    public static void main(String[] arguments) throws Exception {
      int threads = Integer.parseInt(arguments[0]);
      ConfigProto config =
          ConfigProto.newBuilder()
              .setIntraOpParallelismThreads(threads)
              .setInterOpParallelismThreads(threads)
              .setUsePerSessionThreads(true)
              .build();
      for (Shape shape : SHAPES) {
        try (Graph graph = new Graph()) {
          Ops tf = Ops.create(graph);
          Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
          FactoredFisher<TFloat32> factors = FactoredFisher.of(tf, Form.OPERATIONS, x);
          int[] all = {0, 1};
          boolean summed = shape.equals(SHAPES.get(0));
          try (Session session = new Session(graph, true, config);
              TFloat32 fed = noise(shape)) {
            Session.Runner runner =
                session
                    .runner()
                    .feed(x, fed)
                    .fetch(factors.rows())
                    .fetch(factors.columns())
                    .fetch(factors.power(tf, 0.5));
            if (summed) {
              runner.fetch(tf.sum(tf.math.sub(x, tf.constant(0.5f)), tf.constant(all)));
            }
            try (Result result = runner.run()) {
              for (int i = 0; i < result.size(); i++) {
                String what = i == 3 ? SUM : shape + " " + i + " ";
                System.out.println(what + digest(result.get(i)));
              }
            }
          }
        }
      }
    }

    private static TFloat32 noise(Shape shape) {
      Random random = new Random(9);
      float[] values = new float[(int) shape.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat();
      }
      return TFloat32.tensorOf(shape, DataBuffers.of(values));
    }

    private static String digest(Tensor tensor) throws Exception {
      byte[] bytes = new byte[(int) tensor.numBytes()];
      tensor.asRawTensor().data().read(bytes);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
    }
  }
}
