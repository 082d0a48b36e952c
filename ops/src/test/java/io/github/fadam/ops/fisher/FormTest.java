package io.github.fadam.ops.fisher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.fadam.ops.xla.XlaGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** What is written down for XLA has the numbers of the formula, compiled, at the edges too. */
class FormTest {

  /** Small ones, and such that are cut into pieces with and without a rest. */
  private static final List<Shape> SHAPES =
      List.of(
          Shape.scalar(),
          Shape.of(5),
          Shape.of(5_003),
          Shape.of(67, 131),
          Shape.of(16, 512),
          Shape.of(3, 3, 24, 40),
          Shape.of(9, 9, 9, 9));

  private static double[] noise(Shape shape, double scale, long seed) {
    Random random = new Random(seed);
    return DoubleStream.generate(() -> scale * (2 * random.nextDouble() - 1))
        .limit(shape.size())
        .toArray();
  }

  private static Tensor tensor(Class<? extends TNumber> type, Shape shape, double[] values) {
    int[] i = {0};
    if (type == TFloat64.class) {
      TFloat64 tensor = TFloat64.tensorOf(shape);
      tensor.scalars().forEach(scalar -> scalar.setDouble(values[i[0]++]));
      return tensor;
    }
    TFloat32 tensor = TFloat32.tensorOf(shape);
    tensor.scalars().forEach(scalar -> scalar.setFloat((float) values[i[0]++]));
    return tensor;
  }

  private static double[] numbers(Tensor tensor) {
    DoubleStream.Builder numbers = DoubleStream.builder();
    if (tensor instanceof TFloat64 doubles) {
      doubles.scalars().forEach(scalar -> numbers.add(scalar.getDouble()));
    } else {
      ((TFloat32) tensor).scalars().forEach(scalar -> numbers.add(scalar.getFloat()));
    }
    return numbers.build().toArray();
  }

  /** Clipped to each threshold, as one compiled function. */
  private static <T extends TNumber> List<double[]> clipped(
      Class<T> type, Shape shape, double[] thresholds, List<double[]> fed) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<T> x = tf.placeholder(type, Placeholder.shape(shape));
      XlaGraph.Builder builder = XlaGraph.of(graph);
      List<Operand<T>> results = new ArrayList<>();
      for (double threshold : thresholds) {
        Operand<T> c = tf.dtypes.cast(tf.constant(threshold), type);
        results.add(RmsClip.of(tf, Form.COMPILED, x, c));
        builder.fetch(results.get(results.size() - 1));
      }
      List<double[]> found = new ArrayList<>();
      try (XlaGraph compiled = builder.build();
          Session session = new Session(compiled.graph())) {
        for (double[] values : fed) {
          try (Tensor tensor = tensor(type, shape, values)) {
            Session.Runner runner = session.runner().feed(compiled.output(x), tensor);
            results.forEach(result -> runner.fetch(compiled.output(result)));
            try (Result all = runner.run()) {
              all.forEach(result -> found.add(numbers(result.getValue())));
            }
          }
        }
      }
      return found;
    }
  }

  private static double[] expected(double[] x, double threshold) {
    double largest = DoubleStream.of(x).map(Math::abs).max().orElseThrow();
    if (largest == 0) {
      return x;
    }
    double mean = DoubleStream.of(x).map(v -> v / largest * (v / largest)).average().orElseThrow();
    double factor = Math.min(largest, threshold / Math.sqrt(mean));
    return DoubleStream.of(x).map(v -> v / largest * factor).toArray();
  }

  private static void assertClipped(
      Class<? extends TNumber> type, double[] thresholds, double... scales) {
    double tiny = type == TFloat32.class ? Float.MIN_NORMAL : Double.MIN_NORMAL;
    double rounding = type == TFloat32.class ? 1e-6 : 1e-14;
    for (Shape shape : SHAPES) {
      List<double[]> fed = new ArrayList<>();
      for (double scale : scales) {
        fed.add(noise(shape, scale, 5));
      }
      List<double[]> found = clipped(type, shape, thresholds, fed);
      for (int i = 0; i < found.size(); i++) {
        double threshold = thresholds[i % thresholds.length];
        double[] expected = expected(fed.get(i / thresholds.length), threshold);
        for (int j = 0; j < expected.length; j++) {
          assertEquals(
              expected[j],
              found.get(i)[j],
              rounding * Math.abs(expected[j]) + 4 * tiny,
              shape + " of " + scales[i / thresholds.length] + " to " + threshold);
        }
      }
    }
  }

  @Test
  void aCompiledClipNeitherOverflowsNorLosesWhatIsSmall() {
    assertClipped(
        TFloat32.class,
        new double[] {1, 1e-30, 1e30, 1e-3},
        0,
        1e-25,
        1e-19,
        0.5,
        3,
        1e20,
        Float.MAX_VALUE);
    assertClipped(
        TFloat64.class, new double[] {1, 1e-200}, 0, 1e-250, 0.5, 3, 1e200, Double.MAX_VALUE);
  }

  @ParameterizedTest
  @EnumSource
  void oneElementThatIsNotFiniteIsFound(Form form) {
    Shape shape = Shape.of(67, 131);
    double[] largest = noise(shape, 1, 3);
    Arrays.setAll(largest, i -> Math.copySign(Float.MAX_VALUE, largest[i]));
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      var x = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
      Operand<TBool> finite = form.finite(tf, x);
      for (double other : new double[] {0, Double.NaN, Double.POSITIVE_INFINITY}) {
        // In the first piece, in the last one and in what is left of them.
        for (int at : new int[] {0, 127, 130, largest.length - 1}) {
          double[] values = largest.clone();
          values[at] = other;
          try (Tensor fed = tensor(TFloat32.class, shape, values);
              Result result = session.runner().feed(x, fed).fetch(finite).run()) {
            assertEquals(other == 0, ((TBool) result.get(0)).getBoolean(), other + " at " + at);
          }
        }
      }
    }
  }

  @Test
  void sumsOfPiecesAreThoseOfTheNumbers() {
    for (Shape shape : SHAPES) {
      // Small whole numbers: every order of summation gives the same number.
      double[] whole = DoubleStream.of(noise(shape, 8, 7)).map(Math::rint).toArray();
      double expected = DoubleStream.of(whole).map(v -> v * v).sum();
      try (Graph graph = new Graph();
          Session session = new Session(graph);
          Tensor fed = tensor(TFloat32.class, shape, whole)) {
        Ops tf = Ops.create(graph);
        var x = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
        var sum = FusedSum.ofSquares(tf, x);
        var along = FusedSum.along(tf, tf.math.square(x), 1, shape.size(), 1);
        try (Result result = session.runner().feed(x, fed).fetch(sum).fetch(along).run()) {
          assertEquals(expected, numbers(result.get(0))[0], shape.toString());
          assertEquals(expected, numbers(result.get(1))[0], shape.toString());
        }
      }
    }
  }
}
