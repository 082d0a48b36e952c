package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.fadam.framework.checkpoint.Checkpoints;
import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.framework.checkpoint.Retention;
import io.github.fadam.framework.checkpoint.TrainingState;
import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.schedule.Schedules;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;

/**
 * A column of the {@link PropertyTable}: saved, built anew and restored, every optimizer goes on
 * bit for bit. Everything that has state is on, and the save is in the middle of an accumulation.
 */
class ResumeTest {

  private static final int RUNS = 5;
  private static final Map<String, FedStep.Fed> VARIABLES =
      PropertyTable.sideBySide(
          Map.of(
              "matrix",
              new FedStep.Start(Shape.of(3, 4), noise(12, 1)),
              "scalar",
              new FedStep.Start(Shape.scalar(), noise(1, 2))));

  private static FedStep step(Row row) {
    return new FedStep(
        graph -> {
          RuleOptimizerBuilder<?> builder = row.builder(graph);
          builder.accumulate(2).squares(Squares.PER_MICRO_STEP).ema(0.9);
          builder.guard(Guard.skipNonFinite());
          return builder.learningRate(Schedules.linear(0.02, 0, 9)).build();
        },
        VARIABLES);
  }

  private static void run(FedStep step, int from, int to) {
    for (int t = from; t < to; t++) {
      Map<String, double[]> gradients = new LinkedHashMap<>();
      int seed = 7 + t;
      VARIABLES.forEach(
          (name, fed) -> gradients.put(name, noise(fed.start().shape().size(), seed)));
      if (t == 2) {
        gradients.replaceAll((name, values) -> Arrays.stream(values).map(v -> v / 0).toArray());
      }
      step.run(gradients);
    }
  }

  @ParameterizedTest
  @EnumSource
  void resumedIsUninterruptedBitForBit(Row row, @TempDir Path directory) {
    try (FedStep uninterrupted = step(row);
        FedStep fresh = step(row)) {
      run(uninterrupted, 0, RUNS);
      try (Checkpoints checkpoints = open(directory, uninterrupted)) {
        checkpoints.save(uninterrupted.session(), Progress.at(RUNS, 0, RUNS));
      }
      Map<String, double[]> saved = uninterrupted.everything();
      run(uninterrupted, RUNS, 2 * RUNS);
      run(fresh, RUNS, 2 * RUNS);
      Map<String, double[]> expected = uninterrupted.everything();
      try (FedStep resumed = step(row);
          Checkpoints checkpoints = open(directory, resumed)) {
        assertEquals(RUNS, checkpoints.restore(resumed.session()).orElseThrow().step());
        assertSame(saved, resumed.everything());
        run(resumed, RUNS, 2 * RUNS);
        assertSame(expected, resumed.everything());
      }
      // The case that breaks it: the same batches from a fresh state.
      String name = "matrix.float64.RESOURCE";
      assertFalse(Arrays.equals(expected.get(name), fresh.everything().get(name)));
    }
  }

  private static Checkpoints open(Path directory, FedStep step) {
    return Checkpoints.open(
        directory, TrainingState.of(step.optimizer()), Retention.keepLast(1), Map.of());
  }

  private static void assertSame(Map<String, double[]> expected, Map<String, double[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((key, values) -> assertArrayEquals(values, found.get(key), key));
  }
}
