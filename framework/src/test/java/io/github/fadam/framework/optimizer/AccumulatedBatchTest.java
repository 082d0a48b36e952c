package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.optimizer.PropertyTable.Scale;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * A column of the {@link PropertyTable}: micro-batches of a real loss, accumulated, are the big
 * batch. SGD's trajectories can be compared; a normalised rule takes a step of full size in the
 * direction of a gradient's rounding, so that after the first step only its loss can.
 */
class AccumulatedBatchTest {

  private static final int INPUTS = 3;
  private static final int MICRO_BATCH = 4;
  private static final int MICRO_STEPS = 3;
  private static final int STEPS = 60;

  /** Fits a matrix and a vector to a linear function, in two types and two kinds at once. */
  private static final class Regression implements AutoCloseable {
    final Graph graph = new Graph();
    final Ops tf = Ops.create(graph);
    final Placeholder<TFloat64> batch =
        tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, INPUTS)));
    final Map<String, Operand<?>> reads = new LinkedHashMap<>();
    final Operand<TFloat64> loss;
    final RuleOptimizer optimizer;
    final Op step;
    final Session session;

    Regression(Function<Graph, RuleOptimizer> maker) {
      Operand<TFloat64> sum = tf.constant(0.0);
      for (Kind kind : Kind.values()) {
        sum = tf.math.add(sum, loss(kind, TFloat32.class));
        sum = tf.math.add(sum, loss(kind, TFloat64.class));
      }
      loss = sum;
      optimizer = maker.apply(graph);
      step = optimizer.minimize(loss);
      optimizer
          .state()
          .forEach(
              (name, variable) -> {
                if (name.matches(".*/(f|R|C|m)")) {
                  reads.put(name, variable.read(tf));
                }
              });
      session = new Session(graph);
    }

    private <T extends TNumber> Operand<TFloat64> loss(Kind kind, Class<T> type) {
      Operand<T> w = variable(kind, type, "w", Shape.of(INPUTS, 2));
      Operand<T> b = variable(kind, type, "b", Shape.of(2));
      Operand<T> x = tf.dtypes.cast(batch, type);
      Operand<T> target =
          tf.linalg.matMul(
              x, tf.dtypes.cast(tf.constant(new double[][] {{1, -2}, {0.5, 3}, {-1, 0}}), type));
      Operand<T> apart = tf.math.sub(tf.math.add(tf.linalg.matMul(x, w), b), target);
      return tf.dtypes.cast(
          tf.math.mean(tf.math.mul(apart, apart), tf.constant(new int[] {0, 1})), TFloat64.class);
    }

    private <T extends TNumber> Operand<T> variable(
        Kind kind, Class<T> type, String name, Shape shape) {
      Ops init = tf.withInitScope();
      Operand<T> first =
          init.dtypes.cast(
              init.reshape(init.constant(noise(shape.size(), 1)), init.constant(shape.asArray())),
              type);
      TrainableVariable variable =
          TrainableVariable.create(tf, kind, name + "." + type.getSimpleName() + kind, first);
      Operand<T> read = VariableUpdate.typed(variable.read(tf));
      reads.put(variable.name(), read);
      return tf.identity(read);
    }

    void run(double[] rows) {
      try (TFloat64 fed = tensor(rows)) {
        session.runner().feed(batch, fed).addTarget(step).run().close();
      }
    }

    double loss(double[] rows) {
      try (TFloat64 fed = tensor(rows);
          Result result = session.runner().feed(batch, fed).fetch(loss).run()) {
        return ((TFloat64) result.get(0)).getDouble();
      }
    }

    private static TFloat64 tensor(double[] rows) {
      return TFloat64.tensorOf(Shape.of(rows.length / INPUTS, INPUTS), DataBuffers.of(rows));
    }

    Map<String, double[]> values() {
      return FedStep.read(session, reads);
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  private static RuleOptimizer optimizer(Row row, Graph graph, int microSteps) {
    return row.withoutDecay(graph).learningRate(row.quadraticRate).accumulate(microSteps).build();
  }

  @ParameterizedTest
  @EnumSource
  void microBatchesAreTheBigBatch(Row row) {
    try (Regression big = new Regression(graph -> optimizer(row, graph, 1));
        Regression small = new Regression(graph -> optimizer(row, graph, MICRO_STEPS))) {
      double[] held = noise(20L * INPUTS, 5);
      double before = big.loss(held);
      for (int t = 0; t < STEPS; t++) {
        double[] rows = noise((long) MICRO_STEPS * MICRO_BATCH * INPUTS, 100 + t);
        big.run(rows);
        int length = MICRO_BATCH * INPUTS;
        for (int k = 0; k < MICRO_STEPS; k++) {
          small.run(Arrays.copyOfRange(rows, k * length, (k + 1) * length));
        }
        if (t == 0 || (row.scale == Scale.LINEAR && t < 20)) {
          assertNear(big.values(), small.values());
        }
      }
      double after = big.loss(held);
      assertTrue(after < 0.2 * before, () -> "training goes on: " + after + " of " + before);
      assertEquals(after, small.loss(held), 0.02 * after + 1e-6);
    }
  }

  private static void assertNear(Map<String, double[]> expected, Map<String, double[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (name, values) -> {
          for (int i = 0; i < values.length; i++) {
            assertEquals(
                values[i], found.get(name)[i], 1e-6 * Math.max(1, Math.abs(values[i])), name);
          }
        });
  }
}
