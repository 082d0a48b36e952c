package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.testing.Models;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.Shape;

/** A signature that drops out: its random numbers follow from the seed and the batch's number. */
class DropoutTest {

  private static final int STEPS = 8;

  @TempDir private Path directory;

  private static FineTuner tuner(String signature, double rate) {
    return FineTuner.of(Models.directory("../graphs/random"))
        .signature(signature)
        .loss(Losses.meanSquaredError())
        .optimizer(graph -> new Sgd(graph, rate))
        .build();
  }

  private static DataSource data() {
    Random random = new Random(3);
    float[] x = new float[6 * 4];
    float[] labels = new float[6 * 3];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return ArrayData.builder()
        .column("x", x, Shape.of(4))
        .column("labels", labels, Shape.of(3))
        .build();
  }

  private static FitOptions options(long seed) {
    return FitOptions.steps(STEPS).batchSize(6).shuffle(false).seed(seed);
  }

  private static List<Double> losses(long seed) {
    try (FineTuner tuner = tuner("dropout", 0.01)) {
      return tuner.fit(data(), options(seed)).losses();
    }
  }

  @Test
  void theSameSeedGivesTheSameRunAndAnotherSeedAnother() {
    List<Double> first = losses(5);
    assertEquals(first, losses(5));
    assertNotEquals(first, losses(6));
  }

  @Test
  void everyBatchDropsOthers() {
    try (FineTuner tuner = tuner("dropout", 1e-30)) {
      List<Double> losses = tuner.fit(data(), options(5)).losses();
      assertEquals(STEPS, losses.stream().distinct().count(), losses.toString());
      assertEquals(tuner.evaluate(data(), 6), tuner.evaluate(data(), 6));
    }
  }

  @Test
  void aResumedRunDropsWhatTheUninterruptedOneDoes() {
    try (FineTuner first = tuner("dropout", 0.01);
        FineTuner second = tuner("dropout", 0.01)) {
      TrainingListener untilThree =
          new TrainingListener() {
            @Override
            public boolean onStep(Step step) {
              return step.step() < 3;
            }
          };
      FitOptions saved = options(5).checkpoint(directory);
      List<Double> found = new ArrayList<>(first.fit(data(), saved.listener(untilThree)).losses());
      found.addAll(second.fit(data(), saved.resume(true)).losses());
      assertEquals(losses(5), found);
      assertEquals(List.of(), second.warnings());
    }
  }

  @Test
  void randomNumbersThatCannotBeRepeatedAreNamed() {
    try (FineTuner tuner = tuner("gamma", 0.01)) {
      assertTrue(tuner.warnings().get(0).contains("RandomGamma"), tuner.warnings().toString());
    }
  }
}
