package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.schedule.Schedules;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;

/**
 * Columns of the {@link PropertyTable}: what stands around the rule does the same around every
 * rule. Both types and both kinds of variables are side by side in one graph.
 */
class AroundEveryRuleTest {

  private static final int ROWS = 3;
  private static final int COLUMNS = 4;
  private static final int MICRO_STEPS = 3;
  private static final double RATE = 0.01;
  private static final Map<String, FedStep.Fed> VARIABLES;

  static {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    starts.put("kernel", new FedStep.Start(Shape.of(ROWS, COLUMNS), noise(ROWS * COLUMNS, 1)));
    starts.put("bias", new FedStep.Start(Shape.of(COLUMNS), noise(COLUMNS, 2)));
    VARIABLES = PropertyTable.sideBySide(starts);
  }

  private static FedStep step(Row row, UnaryOperator<RuleOptimizerBuilder<?>> options) {
    return new FedStep(
        graph -> options.apply(row.builder(graph).learningRate(RATE)).build(), VARIABLES);
  }

  private static Map<String, double[]> gradients(long seed) {
    return PropertyTable.gradients(VARIABLES, seed);
  }

  private static Map<String, double[]> with(
      Map<String, double[]> gradients, String prefix, double value) {
    Map<String, double[]> changed = new LinkedHashMap<>();
    gradients.forEach(
        (name, values) -> {
          double[] copy = values.clone();
          if (name.startsWith(prefix)) {
            copy[1] = value;
          }
          changed.put(name, copy);
        });
    return changed;
  }

  private static void assertSame(
      Map<String, double[]> expected, Map<String, double[]> found, String prefix) {
    assertTrue(expected.keySet().stream().anyMatch(key -> key.startsWith(prefix)));
    expected.forEach(
        (key, values) -> {
          if (key.startsWith(prefix)) {
            assertArrayEquals(values, found.get(key), key);
          }
        });
  }

  private static double[] mean(List<double[]> all) {
    double[] mean = new double[all.get(0).length];
    all.forEach(values -> Arrays.setAll(mean, i -> mean[i] + values[i] / all.size()));
    return mean;
  }

  private static double[] squared(double[] values) {
    return Arrays.stream(values).map(value -> value * value).toArray();
  }

  private static void forEachFisherSlot(
      Map<String, double[]> squares, BiConsumer<String, double[]> slots) {
    squares.forEach(
        (name, values) -> {
          slots.accept(name + "/f", values);
          if (name.startsWith("kernel")) {
            double[] rows = new double[ROWS];
            double[] columns = new double[COLUMNS];
            for (int i = 0; i < values.length; i++) {
              rows[i / COLUMNS] += values[i] / COLUMNS;
              columns[i % COLUMNS] += values[i] / ROWS;
            }
            slots.accept(name + "/R", rows);
            slots.accept(name + "/C", columns);
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void theFirstStepsFisherIsOfTheSquaresThatWereAskedFor(Row row) {
    List<Map<String, double[]>> micro = List.of(gradients(1), gradients(2), gradients(3));
    Map<Squares, Map<String, double[]>> states = new LinkedHashMap<>();
    for (Squares squares : Squares.values()) {
      try (FedStep step = step(row, b -> b.accumulate(MICRO_STEPS).squares(squares))) {
        micro.forEach(step::run);
        Map<String, double[]> state = step.everything();
        states.put(squares, state);
        Map<String, double[]> expected = new LinkedHashMap<>();
        for (String name : VARIABLES.keySet()) {
          List<double[]> all = micro.stream().map(gradients -> gradients.get(name)).toList();
          expected.put(
              name,
              squares == Squares.PER_MICRO_STEP
                  ? mean(all.stream().map(AroundEveryRuleTest::squared).toList())
                  : squared(mean(all)));
        }
        forEachFisherSlot(
            expected,
            (slot, values) -> {
              if (state.containsKey(slot)) {
                assertArrayEquals(values, state.get(slot), 1e-6, slot);
              }
            });
      }
    }
    boolean fisher = (row.matrixSlots + row.vectorSlots).matches(".*[fRC].*");
    for (String name : VARIABLES.keySet()) {
      boolean same =
          Arrays.equals(
              states.get(Squares.OF_THE_MEAN).get(name),
              states.get(Squares.PER_MICRO_STEP).get(name));
      assertEquals(!fisher, same, name + ": only a rule with a FIM looks at squares");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aStepOfEqualMicroStepsIsTheStepOfOneOfThem(Row row) {
    for (Squares squares : Squares.values()) {
      try (FedStep plain = step(row, b -> b);
          FedStep accumulated = step(row, b -> b.accumulate(4).squares(squares))) {
        for (int t = 0; t < 3; t++) {
          Map<String, double[]> gradients = gradients(t);
          plain.run(gradients);
          for (int k = 0; k < 4; k++) {
            accumulated.run(gradients);
          }
        }
        // A quarter and sums of up to four quarters are exact.
        assertSame(plain.everything(), accumulated.everything(), "");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void groupsAreSeparateOptimizers(Row row) {
    boolean clips = row.isBounded();
    ParameterGroup biases =
        ParameterGroup.matching("bias*")
            .learningRate(Schedules.linear(0.02, 0.01, 4))
            .learningRateMultiplier(0.5)
            .weightDecay(0.1);
    try (FedStep grouped = step(row, b -> b.group(clips ? biases.clip(0.5) : biases));
        FedStep kernels = step(row, b -> b);
        FedStep separate =
            step(
                row,
                b -> {
                  b.learningRate(Schedules.linear(0.01, 0.005, 4)).set("weight-decay", "0.1");
                  return clips ? b.set("clip", "0.5") : b;
                })) {
      for (int t = 0; t < 5; t++) {
        Map<String, double[]> gradients = gradients(t);
        grouped.run(gradients);
        kernels.run(gradients);
        separate.run(gradients);
      }
      Map<String, double[]> found = grouped.everything();
      assertSame(kernels.everything(), found, "kernel");
      assertSame(separate.everything(), found, "bias");
      kernels
          .values()
          .forEach(
              (name, values) ->
                  assertEquals(
                      name.startsWith("kernel"),
                      Arrays.equals(values.get("theta"), found.get(name)),
                      name + ": the group's options have to matter"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void frozenVariablesDoNotMoveByABitAndOthersMoveAsWithoutThem(Row row) {
    try (FedStep frozen = step(row, b -> b.group(ParameterGroup.matching("bias*").frozen()));
        FedStep plain = step(row, b -> b)) {
      Map<String, double[]> before = frozen.everything();
      for (int t = 0; t < 3; t++) {
        Map<String, double[]> gradients = gradients(t);
        plain.run(gradients);
        frozen.run(with(gradients, "bias", Double.NaN));
      }
      Map<String, double[]> after = frozen.everything();
      assertSame(before, after, "bias");
      assertSame(plain.everything(), after, "kernel");
      assertTrue(after.keySet().stream().noneMatch(key -> key.matches("bias.*/.*")), "no slots");
    }
  }

  /** With all that has state turned on, and in the middle of an accumulation too. */
  @ParameterizedTest
  @EnumSource
  void aGradientThatIsNotFiniteLeavesAllStateAndIsCounted(Row row) {
    UnaryOperator<RuleOptimizerBuilder<?>> options =
        b -> {
          b.accumulate(2).squares(Squares.PER_MICRO_STEP).ema(0.9);
          b.clipByGlobalNorm(1).centralize(true);
          return b.learningRate(Schedules.linear(RATE, 0, 9));
        };
    try (FedStep guarded =
            step(
                row,
                b -> {
                  b.guard(Guard.skipNonFinite());
                  return options.apply(b);
                });
        FedStep plain = step(row, options)) {
      double skipped = 0;
      for (int t = 0; t < 5; t++) {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
          Map<String, double[]> before = guarded.everything();
          guarded.run(with(gradients(50 + t), bad > 0 ? "kernel.float64.RES" : "bias", bad));
          Map<String, double[]> after = guarded.everything();
          skipped++;
          assertArrayEquals(new double[] {skipped}, after.remove("skipped"));
          assertArrayEquals(
              new double[] {1 + before.remove("skipped-in-a-row")[0]},
              after.remove("skipped-in-a-row"));
          assertSame(before, remaining(before, after), "");
        }
        guarded.run(gradients(t));
        plain.run(gradients(t));
        assertArrayEquals(new double[] {0}, guarded.state().get("skipped-in-a-row"));
      }
      assertSame(plain.everything(), guarded.everything(), "");
      assertArrayEquals(new double[] {2}, guarded.state().get("step"), "5 micro-steps of 2");
      // The case that breaks it.
      plain.run(with(gradients(9), "bias", Double.NaN));
      assertFalse(
          plain.values().values().stream()
              .flatMapToDouble(values -> Arrays.stream(values.get("theta")))
              .allMatch(Double::isFinite),
          "without a guard NaN arrives");
    }
  }

  private static Map<String, double[]> remaining(
      Map<String, double[]> before, Map<String, double[]> after) {
    before.remove("skipped");
    assertEquals(before.keySet(), after.keySet());
    return after;
  }

  @ParameterizedTest
  @EnumSource
  void zeroGradientsForEverChangeNothingButTheDecay(Row row) {
    try (FedStep step = step(row, b -> b.group(ParameterGroup.matching("bias*").weightDecay(0)))) {
      Map<String, double[]> start = step.everything();
      Map<String, double[]> zeros = new LinkedHashMap<>();
      VARIABLES.forEach(
          (name, fed) -> zeros.put(name, new double[(int) fed.start().shape().size()]));
      for (int t = 0; t < 2000; t++) {
        step.run(zeros);
      }
      Map<String, double[]> after = step.everything();
      after.forEach(
          (key, values) ->
              assertTrue(
                  Arrays.stream(values).allMatch(Double::isFinite),
                  () -> key + ": " + Arrays.toString(values)));
      for (String name : VARIABLES.keySet()) {
        if (name.startsWith("bias")) {
          assertArrayEquals(start.get(name), after.get(name), name + " has no reason to move");
        } else {
          double[] theta = after.get(name);
          for (int i = 0; i < theta.length; i++) {
            assertEquals(0, theta[i], Math.abs(start.get(name)[i]) + 1e-4, "decay only shrinks");
          }
        }
      }
      step.run(gradients(3));
      step.values()
          .forEach(
              (name, values) -> {
                double[] theta = values.get("theta");
                for (int i = 0; i < theta.length; i++) {
                  assertTrue(
                      Double.isFinite(theta[i]) && theta[i] != after.get(name)[i],
                      name + " has to move again");
                }
              });
    }
  }
}
