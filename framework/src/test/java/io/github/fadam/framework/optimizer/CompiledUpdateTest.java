package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;

/**
 * Column of the {@link PropertyTable}: compiled is as not compiled, given the same gradients, for
 * both types and both kinds of variables, with everything that may stand around a rule.
 */
class CompiledUpdateTest {

  private static final int STEPS = 20;
  private static final double RATE = 0.01;
  private static final Map<String, FedStep.Fed> VARIABLES;

  static {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    starts.put("kernel", new FedStep.Start(Shape.of(5, 7), noise(35, 1)));
    starts.put("bias", new FedStep.Start(Shape.of(7), noise(7, 2)));
    VARIABLES = PropertyTable.sideBySide(starts);
  }

  private static FedStep step(
      Row row, Kernel kernel, UnaryOperator<RuleOptimizerBuilder<?>> options) {
    return new FedStep(
        graph ->
            options
                .apply(
                    row.builder(graph)
                        .kernel(kernel)
                        .learningRate(Schedules.linear(RATE, RATE / 2, 10)))
                .build(),
        VARIABLES);
  }

  private static Map<String, double[]> gradients(long seed) {
    return PropertyTable.gradients(VARIABLES, seed);
  }

  private static void assertNear(Map<String, double[]> expected, Map<String, double[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (key, values) -> {
          // A value that lies between two numbers of bfloat16 may be rounded either way.
          double rounding = key.endsWith("/m") && isBfloat(values) ? 1.0 / 128 : 1e-5;
          for (int i = 0; i < values.length; i++) {
            assertEquals(
                values[i],
                found.get(key)[i],
                rounding * (Math.abs(values[i]) + RATE),
                key + "[" + i + "]");
          }
        });
  }

  private static boolean isBfloat(double[] values) {
    for (double value : values) {
      if ((Float.floatToIntBits((float) value) & 0xffff) != 0) {
        return false;
      }
    }
    return true;
  }

  @ParameterizedTest
  @EnumSource
  void compiledIsAsNotCompiled(Row row) {
    try (FedStep plain = step(row, Kernel.GRAPH, b -> b);
        FedStep compiled = step(row, Kernel.XLA, b -> b)) {
      for (int t = 0; t < STEPS; t++) {
        plain.run(gradients(t));
        compiled.run(gradients(t));
      }
      assertNear(plain.everything(), compiled.everything());
      assertEquals(1, calls(compiled), "one function for all variables");
      assertEquals(0, calls(plain));
    }
  }

  /** All rows in the full run. */
  private static List<Row> someRows() {
    return Boolean.getBoolean("fadam.full")
        ? List.of(Row.values())
        : List.of(Row.FADAM, Row.FADAFACTOR_BFLOAT16, Row.NESTEROV);
  }

  @ParameterizedTest
  @MethodSource("someRows")
  void compiledIsAsNotCompiledWithEverythingAroundIt(Row row) {
    UnaryOperator<RuleOptimizerBuilder<?>> options =
        b -> {
          b.accumulate(2).squares(Squares.PER_MICRO_STEP).ema(0.9).centralize(true);
          b.clipByValue(0.9).clipByNorm(3).clipByGlobalNorm(4);
          b.guard(Guard.skipNonFinite());
          return b.group(
              ParameterGroup.matching("bias*").weightDecay(0).learningRateMultiplier(0.5));
        };
    try (FedStep plain = step(row, Kernel.GRAPH, options);
        FedStep compiled = step(row, Kernel.XLA, options)) {
      for (int t = 0; t < STEPS; t++) {
        Map<String, double[]> gradients = gradients(t);
        if (t == 7) {
          gradients.get("kernel.float64.RESOURCE")[3] = Double.NaN;
        }
        plain.run(gradients);
        compiled.run(gradients);
      }
      Map<String, double[]> state = plain.everything();
      assertEquals(9, state.get("step")[0]);
      assertEquals(1, state.get("skipped")[0]);
      assertNear(state, compiled.everything());
      assertTrue(compiled.optimizer().swapWeights(compiled.session()));
      plain.optimizer().swapWeights(plain.session());
      assertNear(plain.everything(), compiled.everything());
      TFInvalidArgumentException refused =
          assertThrows(TFInvalidArgumentException.class, () -> compiled.run(gradients(0)));
      assertTrue(refused.getMessage().contains("swapWeights"), refused.getMessage());
      assertNear(plain.everything(), compiled.everything());
    }
  }

  private static long calls(FedStep step) {
    return nodes(step.tf(), "StatefulPartitionedCall");
  }

  private static long nodes(Ops tf, String type) {
    long[] count = {0};
    ((Graph) tf.scope().env())
        .operations()
        .forEachRemaining(operation -> count[0] += operation.type().equals(type) ? 1 : 0);
    return count[0];
  }

  /** A loss of one's own, differentiated in the same graph or in the compiled function. */
  private static final class Fitting implements AutoCloseable {
    final Graph graph = new Graph();
    final Ops tf = Ops.create(graph);
    final Placeholder<TFloat32> x =
        tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 3)));
    final TrainableVariable kernel;
    final TrainableVariable unused;
    final Operand<TFloat32> loss;
    final RuleOptimizer optimizer;

    Fitting(Row row, Kind kind, UnaryOperator<RuleOptimizerBuilder<?>> options) {
      Ops init = tf.withInitScope();
      kernel =
          TrainableVariable.create(
              tf,
              kind,
              "kernel",
              init.constant(new float[][] {{1, -1}, {0.5f, 2}, {-0.25f, 0.125f}}));
      unused = TrainableVariable.create(tf, kind, "unused", init.constant(new float[] {1}));
      @SuppressWarnings("unchecked") // the variable is of floats
      Operand<TFloat32> value = (Operand<TFloat32>) kernel.read(tf);
      Operand<TFloat32> y = tf.linalg.matMul(x, value);
      loss =
          tf.withName("loss")
              .math
              .mean(
                  tf.math.square(tf.math.tanh(tf.math.sub(y, tf.constant(0.3f)))),
                  tf.constant(new int[] {0, 1}));
      optimizer = options.apply(row.builder(graph).learningRate(RATE)).build();
    }

    List<Double> train(Op step, Operand<?> stepLoss) {
      List<Double> seen = new ArrayList<>();
      try (Session session = new Session(graph)) {
        for (int t = 0; t < STEPS; t++) {
          try (TFloat32 fed = TFloat32.tensorOf(Shape.of(4, 3))) {
            double[] values = noise(12, t);
            int[] i = {0};
            fed.scalars().forEach(scalar -> scalar.setFloat((float) values[i[0]++]));
            try (Result result =
                session
                    .runner()
                    .feed(x, fed)
                    .fetch(stepLoss)
                    .fetch(optimizer.learningRate())
                    .addTarget(step)
                    .run()) {
              seen.add((double) ((TFloat32) result.get(0)).getFloat());
              seen.add(((TFloat64) result.get(1)).getDouble());
            }
          }
        }
        try (Result result =
            session
                .runner()
                .fetch(kernel.read(tf))
                .fetch(optimizer.step().read(tf))
                .fetch(unused.read(tf))
                .run()) {
          for (int i = 0; i < 3; i++) {
            for (double value : FedStep.numbers(result.get(i))) {
              seen.add(value);
            }
          }
        }
      }
      return seen;
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aWholeStepCompiledIsAsNotCompiled(Kind kind) {
    UnaryOperator<RuleOptimizerBuilder<?>> options =
        b ->
            b.learningRate(Schedules.linear(RATE, 0, 50))
                .set("loss-scale", LossScale.dynamic().toString())
                .set("ema", "0.9");
    for (Row row : List.of(Row.SGD, Row.FADAM, Row.FADAFACTOR)) {
      try (Fitting plain = new Fitting(row, kind, options);
          Fitting compiled = new Fitting(row, kind, options)) {
        List<Double> expected =
            plain.train(
                plain.optimizer.minimize(plain.loss, List.of(plain.kernel.handle())), plain.loss);
        long before = nodes(compiled.tf, "MatMul");
        CompiledStep step =
            compiled.optimizer.minimizeCompiled(
                compiled.loss,
                List.of(compiled.kernel.handle(), compiled.unused.handle()),
                List.of());
        assertEquals(before, nodes(compiled.tf, "MatMul"), "gradients are in the function only");
        assertFalse(step.outside().contains("loss"));
        List<Double> found = compiled.train(step.step(), step.loss());
        assertEquals(expected.size(), found.size());
        for (int i = 0; i < expected.size(); i++) {
          assertEquals(
              expected.get(i),
              found.get(i),
              1e-5 * (Math.abs(expected.get(i)) + RATE),
              row + " number " + i);
        }
      }
    }
  }

  @Test
  void lazyRowsAndNativeOperationsAreRefused() {
    try (Fitting fitting = new Fitting(Row.FADAM, Kind.RESOURCE, b -> b.kernel(Kernel.NATIVE))) {
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  fitting.optimizer.minimizeCompiled(
                      fitting.loss, List.of(fitting.kernel.handle()), List.of()));
      assertTrue(refused.getMessage().contains("native"), refused.getMessage());
    }
    try (Fitting fitting =
        new Fitting(Row.FADAM, Kind.RESOURCE, b -> b.lazyRows("kernel").kernel(Kernel.XLA))) {
      assertThrows(
          IllegalArgumentException.class,
          () ->
              fitting.optimizer.minimizeCompiled(
                  fitting.loss, List.of(fitting.kernel.handle()), List.of()));
    }
  }
}
