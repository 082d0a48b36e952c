package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.ops.gradient.UnsupportedGradientException;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** A table of which a step updates the rows that the batch looked up, and nothing else. */
class LazyRowsTest {

  private static final int ROWS = 9;
  private static final int WIDTH = 4;
  private static final String TABLE = "table";

  /** A table, one lookup, and a loss whose gradient by the looked up rows is what is fed. */
  private static final class Lookup implements AutoCloseable {
    private final Graph graph = new Graph();
    private final Ops tf = Ops.create(graph);
    private final Placeholder<TInt32> indices =
        tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1)));
    private final Placeholder<TFloat32> gradients =
        tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, WIDTH)));
    private final Map<String, Operand<?>> reads = new LinkedHashMap<>();
    private final RuleOptimizer optimizer;
    private final Op step;
    private final Session session;

    Lookup(Kind kind, Function<Graph, RuleOptimizer> optimizer) {
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              kind,
              TABLE,
              tf.withInitScope()
                  .reshape(
                      tf.withInitScope().constant(values()),
                      tf.withInitScope().constant(new long[] {ROWS, WIDTH})));
      Operand<TFloat32> rows = gather(kind, table);
      this.optimizer = optimizer.apply(graph);
      step = this.optimizer.minimize(tf.math.mul(rows, gradients));
      reads.put(TABLE, table.read(tf));
      this.optimizer.state().forEach((name, slot) -> reads.put(name, slot.read(tf)));
      session = new Session(graph);
    }

    @SuppressWarnings("unchecked")
    private Operand<TFloat32> gather(Kind kind, TrainableVariable table) {
      return kind == Kind.RESOURCE
          ? tf.resourceGather(table.handle(), indices, TFloat32.class)
          : tf.gather((Operand<TFloat32>) table.read(tf), indices, tf.constant(0));
    }

    void step(int[] rows, float[] gradient) {
      try (TInt32 index = TInt32.vectorOf(rows);
          TFloat32 values = TFloat32.tensorOf(Shape.of(rows.length, WIDTH))) {
        for (int i = 0; i < gradient.length; i++) {
          values.setFloat(gradient[i], i / WIDTH, i % WIDTH);
        }
        session.runner().feed(indices, index).feed(gradients, values).addTarget(step).run().close();
      }
    }

    /** The table and all slots of its shape, by name. */
    Map<String, double[]> state() {
      Map<String, double[]> state = new LinkedHashMap<>();
      Session.Runner runner = session.runner();
      reads.values().forEach(runner::fetch);
      try (Result result = runner.run()) {
        int i = 0;
        for (String name : reads.keySet()) {
          Tensor value = result.get(i++);
          if (value.shape().equals(Shape.of(ROWS, WIDTH))) {
            state.put(name, FedStep.numbers(value));
          }
        }
      }
      return state;
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  private static float[] values() {
    float[] values = new float[ROWS * WIDTH];
    Random random = new Random(5);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] random(Random random, int rows) {
    float[] values = new float[rows * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  private static double[] row(double[] matrix, int row) {
    return Arrays.copyOfRange(matrix, row * WIDTH, (row + 1) * WIDTH);
  }

  static Stream<Arguments> optimizers() {
    List<Arguments> all = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      for (String name : List.of("fadam", "adam", "adamw", "sgd")) {
        all.add(Arguments.of(name, kind));
      }
    }
    all.add(Arguments.of("fadafactor", Kind.RESOURCE));
    return all.stream();
  }

  private static RuleOptimizer optimizer(String name, Graph graph, String lazyRows) {
    RuleOptimizerBuilder<?> builder =
        Optimizers.named(name).apply(graph).set("lazy-rows", lazyRows);
    if (name.equals("sgd")) {
      builder.set("momentum", "0.9");
    }
    if (name.equals("fadafactor")) {
      builder.set("min-dimension-to-factor", "1000");
    }
    return builder.build();
  }

  /** A small dense table of only those rows, with the summed gradients, goes the same way. */
  @ParameterizedTest
  @MethodSource("optimizers")
  void theRowsThatAreLookedUpAreUpdatedAsATableOfTheirOwn(String name, Kind kind) {
    int[] lookedUp = {3, 7, 3, 1};
    int[] distinct = {3, 7, 1};
    double[] start = doubles(values());
    double[] rows = new double[distinct.length * WIDTH];
    for (int i = 0; i < distinct.length; i++) {
      System.arraycopy(start, distinct[i] * WIDTH, rows, i * WIDTH, WIDTH);
    }
    Random random = new Random(8);
    try (Lookup lazy = new Lookup(kind, graph -> optimizer(name, graph, TABLE));
        FedStep small =
            new FedStep(
                graph -> optimizer(name, graph, "none"),
                kind,
                TFloat32.class,
                Map.of(TABLE, new FedStep.Start(Shape.of(distinct.length, WIDTH), rows)))) {
      Map<String, double[]> before = lazy.state();
      for (int step = 0; step < 5; step++) {
        float[] gradient = random(random, lookedUp.length);
        double[] summed = Arrays.copyOf(doubles(gradient), rows.length);
        for (int i = 0; i < WIDTH; i++) {
          summed[i] = gradient[i] + gradient[2 * WIDTH + i];
          summed[2 * WIDTH + i] = gradient[3 * WIDTH + i];
        }
        lazy.step(lookedUp, gradient);
        small.run(Map.of(TABLE, summed));
      }
      Map<String, double[]> after = lazy.state();
      after.forEach(
          (tensor, values) -> {
            String slot = tensor.equals(TABLE) ? "theta" : tensor.substring(TABLE.length() + 1);
            double[] expected = small.values().get(TABLE).get(slot);
            for (int i = 0; i < distinct.length; i++) {
              assertArrayEquals(row(expected, i), row(values, distinct[i]), 2e-6, tensor);
            }
            for (int untouched : new int[] {0, 2, 4, 5, 6, 8}) {
              assertArrayEquals(
                  row(before.get(tensor), untouched), row(values, untouched), 0, tensor);
            }
          });
      assertTrue(!Arrays.equals(before.get(TABLE), after.get(TABLE)));
    }
  }

  /** What has no memory and no decay does not notice whether zeros are left out. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void plainDescentIsTheDenseOne(Kind kind) {
    Random random = new Random(9);
    try (Lookup lazy = new Lookup(kind, g -> Sgd.builder(g).lazyRows(TABLE).build());
        Lookup dense = new Lookup(kind, g -> Sgd.builder(g).build())) {
      for (int step = 0; step < 10; step++) {
        int[] rows = random.ints(6, 0, ROWS).toArray();
        float[] gradient = random(random, rows.length);
        lazy.step(rows, gradient);
        dense.step(rows, gradient);
      }
      assertArrayEquals(dense.state().get(TABLE), lazy.state().get(TABLE), 1e-6);
    }
  }

  /** The bias-corrected decay of a row's first step is that of the step's number. */
  @Test
  void theStepCountsForAllRowsTogether() {
    try (Lookup lazy =
        new Lookup(Kind.RESOURCE, g -> FAdam.builder(g).weightDecay(0).lazyRows(TABLE).build())) {
      lazy.step(new int[] {0}, new float[] {1, 1, 1, 1});
      lazy.step(new int[] {1}, new float[] {3, 3, 3, 3});
      double beta2Hat = 0.999 * (1 - 0.999) / (1 - 0.999 * 0.999);
      double[] f = lazy.state().get(TABLE + "/f");
      assertArrayEquals(new double[] {1, 1, 1, 1}, row(f, 0), 1e-6);
      double expected = beta2Hat + (1 - beta2Hat) * 9;
      assertArrayEquals(
          new double[] {expected, expected, expected, expected}, row(f, 1), 1e-5 * expected);
    }
  }

  @Test
  void aSkippedStepLeavesTheLookedUpRowsToo() {
    try (Lookup lazy =
        new Lookup(
            Kind.RESOURCE,
            g ->
                FAdam.builder(g)
                    .guard(Guard.skipNonFinite())
                    .clipByGlobalNorm(1)
                    .lazyRows(TABLE)
                    .build())) {
      lazy.step(new int[] {2, 4}, random(new Random(1), 2));
      Map<String, double[]> before = lazy.state();
      float[] gradient = random(new Random(2), 2);
      gradient[3] = Float.NaN;
      lazy.step(new int[] {2, 5}, gradient);
      lazy.state().forEach((name, values) -> assertArrayEquals(before.get(name), values, 0, name));
      lazy.step(new int[] {2, 5}, random(new Random(2), 2));
      assertNotEquals(before.get(TABLE)[2 * WIDTH], lazy.state().get(TABLE)[2 * WIDTH]);
    }
  }

  @Test
  void anEmptyBatchChangesNoRow() {
    try (Lookup lazy = new Lookup(Kind.RESOURCE, g -> FAdam.builder(g).lazyRows(TABLE).build())) {
      Map<String, double[]> before = lazy.state();
      lazy.step(new int[0], new float[0]);
      lazy.state().forEach((name, values) -> assertArrayEquals(before.get(name), values, 0, name));
      lazy.step(new int[] {2}, random(new Random(2), 1));
      for (double value : lazy.state().get(TABLE)) {
        assertTrue(Double.isFinite(value));
      }
    }
  }

  @Test
  void whatWouldTouchEveryRowIsRefused() {
    try (Graph graph = new Graph()) {
      for (String option : List.of("accumulate=2", "ema=0.9", "centralize=true")) {
        String[] pair = option.split("=", -1);
        IllegalArgumentException error =
            assertThrows(
                IllegalArgumentException.class,
                () -> FAdam.builder(graph).lazyRows("t").set(pair[0], pair[1]).build());
        assertTrue(error.getMessage().contains(pair[0]), error::getMessage);
      }
    }
    for (String name : List.of("fadafactor", "adafactor")) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  new Lookup(
                      Kind.RESOURCE,
                      g -> Optimizers.named(name).apply(g).set("lazy-rows", TABLE).build()));
      assertTrue(error.getMessage().contains("min-dimension-to-factor"), error::getMessage);
    }
    assertTrue(
        assertThrows(
                IllegalArgumentException.class,
                () -> new Lookup(Kind.RESOURCE, g -> FAdam.builder(g).lazyRows("tabel").build()))
            .getMessage()
            .contains("table"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aTableThatIsAlsoUsedWholeIsRefusedByName(Kind kind) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              kind,
              TABLE,
              tf.withInitScope().zeros(tf.constant(new int[] {3, 2}), TFloat32.class));
      @SuppressWarnings("unchecked")
      Operand<TFloat32> value = (Operand<TFloat32>) table.read(tf);
      Operand<TFloat32> rows = tf.gather(value, tf.constant(new int[] {0, 2}), tf.constant(0));
      Operand<TFloat32> loss = tf.linalg.matMul(rows, value, MatMul.transposeB(true));
      FAdam optimizer = FAdam.builder(graph).lazyRows(TABLE).build();
      int size = graph.toGraphDef().getNodeCount();
      UnsupportedGradientException error =
          assertThrows(UnsupportedGradientException.class, () -> optimizer.minimize(loss));
      assertTrue(error.getMessage().contains("MatMul"), error::getMessage);
      assertEquals(size, graph.toGraphDef().getNodeCount());
    }
  }

  @Test
  void gradientsOfOthersHaveNoRows() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              Kind.RESOURCE,
              TABLE,
              tf.withInitScope().constant(NdArrays.ofFloats(Shape.of(3, 2))));
      FAdam optimizer = FAdam.builder(graph).lazyRows(TABLE).build();
      Operand<TFloat32> gradient = tf.constant(NdArrays.ofFloats(Shape.of(3, 2)));
      IllegalStateException error =
          assertThrows(
              IllegalStateException.class,
              () -> optimizer.applyGradients(List.of(FedStep.pair(gradient, table)), "step"));
      assertTrue(error.getMessage().contains("computeGradients"), error::getMessage);
    }
  }
}
