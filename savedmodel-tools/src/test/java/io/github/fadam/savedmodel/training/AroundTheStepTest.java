package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.fadam.framework.gradient.NonFiniteGradientsException;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/** The loop follows what an optimizer does around its rule. */
class AroundTheStepTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");

  @TempDir private Path directory;

  /** Options by name and value. */
  private static FineTuner tuner(String... settings) {
    return tuner(Xla.OFF, settings);
  }

  private static FineTuner tuner(Xla xla, String... settings) {
    return FineTuner.of(CNN.directory())
        .xla(xla)
        .optimizer(
            graph -> {
              Sgd.Builder builder = Sgd.builder(graph).learningRate(0.1);
              for (int i = 0; i < settings.length; i += 2) {
                builder.set(settings[i], settings[i + 1]);
              }
              return builder.build();
            })
        .build();
  }

  /** Six rows, of which the marked ones overflow in the model. */
  private static DataSource data(int... bad) {
    double[] image = CNN.numbers("image");
    float[] pixels = new float[image.length];
    int row = image.length / 6;
    for (int i = 0; i < pixels.length; i++) {
      int of = i / row;
      boolean overflows = Arrays.stream(bad).anyMatch(b -> b == of);
      pixels[i] = overflows ? 3e38f : (float) image[i];
    }
    return ArrayData.builder()
        .column("image", pixels, Shape.of(8, 8, 1))
        .column("labels", labels(), Shape.scalar())
        .build();
  }

  private static long[] labels() {
    return Arrays.stream(CNN.numbers("labels")).mapToLong(n -> (long) n).toArray();
  }

  private static DataSource without(int left) {
    double[] image = CNN.numbers("image");
    int row = image.length / 6;
    int[] kept = IntStream.range(0, image.length).filter(i -> i / row != left).toArray();
    float[] pixels = new float[kept.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) image[kept[i]];
    }
    long[] labels = labels();
    return ArrayData.builder()
        .column("image", pixels, Shape.of(8, 8, 1))
        .column(
            "labels",
            LongStream.range(0, 6).filter(i -> i != left).map(i -> labels[(int) i]).toArray(),
            Shape.scalar())
        .build();
  }

  private static FitOptions inOrder(FitOptions options, int batchSize) {
    return options.batchSize(batchSize).shuffle(false);
  }

  private static Map<String, double[]> values(FineTuner tuner) {
    Map<String, double[]> values = new LinkedHashMap<>();
    for (ModelVariable variable : tuner.trained()) {
      List<Double> elements = new ArrayList<>();
      try (TFloat32 value = (TFloat32) tuner.value(variable)) {
        value.scalars().forEach(x -> elements.add((double) x.getFloat()));
      }
      values.put(variable.name(), elements.stream().mapToDouble(Double::doubleValue).toArray());
    }
    return values;
  }

  private static void assertValues(
      Map<String, double[]> expected, Map<String, double[]> found, double tolerance) {
    expected.forEach((name, value) -> assertArrayEquals(value, found.get(name), tolerance, name));
  }

  /** Listens to everything. */
  private static final class Steps implements TrainingListener {
    private final List<Step> steps = new ArrayList<>();

    @Override
    public boolean onStep(Step step) {
      return steps.add(step);
    }

    List<Long> of(ToLongFunction<Step> figure) {
      return steps.stream().map(figure::applyAsLong).toList();
    }
  }

  @Test
  void accumulatedStepsEqualThoseOfTheBigBatch() {
    try (FineTuner big = tuner();
        FineTuner small = tuner("accumulate", "3")) {
      History expected = big.fit(CNN.data(), inOrder(FitOptions.epochs(4), 6));
      History found = small.fit(CNN.data(), inOrder(FitOptions.epochs(4), 2));
      assertEquals(4, found.losses().size());
      for (int i = 0; i < 4; i++) {
        assertEquals(expected.losses().get(i), found.losses().get(i), 1e-6);
        assertEquals(expected.epochs().get(i).loss(), found.epochs().get(i).loss(), 1e-6);
      }
      assertValues(values(big), values(small), 1e-6);
    }
    try (FineTuner big = tuner();
        FineTuner other = tuner("accumulate", "2")) {
      big.fit(CNN.data(), inOrder(FitOptions.epochs(4), 6));
      other.fit(CNN.data(), inOrder(FitOptions.epochs(4), 2));
      assertTrue(
          Math.abs(values(big).get("cnn/head/bias")[0] - values(other).get("cnn/head/bias")[0])
              > 1e-4,
          "two of three batches are another step");
    }
  }

  @Test
  void aStepRunsOnAcrossTheEndOfAnEpoch() {
    Steps listener = new Steps();
    try (FineTuner tuner = tuner("accumulate", "2")) {
      History history = tuner.fit(CNN.data(), inOrder(FitOptions.epochs(3).listener(listener), 2));
      assertEquals(5, history.losses().size(), "nine batches, and one to fill up");
      assertEquals(List.of(1L, 1L, 2L, 3L, 3L), listener.of(TrainingListener.Step::epoch));
      assertEquals(List.of(4L, 4L, 4L, 4L, 4L), listener.of(TrainingListener.Step::rows));
      assertEquals(5, listener.steps.get(0).totalSteps());
      assertEquals(
          List.of(1L, 2L, 3L), history.epochs().stream().map(History.Epoch::number).toList());
      assertEquals(
          List.of(2L, 1L, 2L), history.epochs().stream().map(History.Epoch::steps).toList());
    }
  }

  @Test
  void epochsThatEndInOneStepAreOneEntry() {
    try (FineTuner tuner = tuner("accumulate", "7")) {
      History history = tuner.fit(CNN.data(), inOrder(FitOptions.epochs(4), 2));
      assertEquals(2, history.losses().size());
      assertEquals(List.of(2L, 4L), history.epochs().stream().map(History.Epoch::number).toList());
    }
  }

  @Test
  void aGuardLeavesOutWhatIsNotFinite() {
    Steps listener = new Steps();
    try (FineTuner guarded = tuner("guard", "skip");
        FineTuner expected = tuner();
        FineTuner unguarded = tuner()) {
      History history = guarded.fit(data(3), inOrder(FitOptions.epochs(2).listener(listener), 1));
      assertEquals(2, history.skippedSteps());
      assertEquals(12, history.losses().size());
      assertFalse(Double.isFinite(history.losses().get(3)));
      assertEquals(
          List.of(0L, 0L, 0L, 1L, 1L, 1L, 1L, 1L, 1L, 2L, 2L, 2L),
          listener.of(TrainingListener.Step::skipped));
      History other = expected.fit(without(3), inOrder(FitOptions.epochs(2), 1));
      assertEquals(0, other.skippedSteps());
      assertEquals(other.epochs().get(1).loss(), history.epochs().get(1).loss());
      assertValues(values(expected), values(guarded), 0);
      assertThrows(
          TrainingException.class, () -> unguarded.fit(data(3), inOrder(FitOptions.epochs(2), 1)));
    }
  }

  @Test
  void aSkippedMicroStepDoesNotEnterTheLoss() {
    try (FineTuner tuner = tuner("guard", "skip", "accumulate", "6");
        FineTuner plain = tuner("accumulate", "6")) {
      History history = tuner.fit(data(2), inOrder(FitOptions.steps(1), 1));
      assertEquals(1, history.skippedSteps());
      double left = plain.evaluate(without(2), 5).loss();
      assertEquals(left, history.losses().get(0), 1e-6);
      assertValues(values(plain), values(tuner), 0);
      // The window is complete with the first batch of the next one.
      tuner.fit(CNN.data(), inOrder(FitOptions.steps(1), 1));
      assertNotEquals(values(plain).get("cnn/head/bias")[0], values(tuner).get("cnn/head/bias")[0]);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"OFF", "STEP"})
  void aGuardGivesUpWhenToldTo(Xla xla) {
    try (FineTuner tuner = tuner(xla, "guard", "2")) {
      assertEquals(6, tuner.fit(data(0, 2, 4), inOrder(FitOptions.epochs(2), 1)).skippedSteps());
      Steps listener = new Steps();
      assertThrows(
          NonFiniteGradientsException.class,
          () -> tuner.fit(data(4, 5), inOrder(FitOptions.epochs(2).listener(listener), 1)));
      assertEquals(5, listener.steps.size());
    }
  }

  @Test
  void lossesAreReportedWithoutTheirScale() {
    try (FineTuner plain = tuner();
        FineTuner fixed = tuner("loss-scale", "1024");
        FineTuner following = tuner("loss-scale", "dynamic:1.3e36,3,65536")) {
      FitOptions options = inOrder(FitOptions.epochs(3), 2);
      History expected = plain.fit(CNN.data(), options);
      assertEquals(expected.losses(), fixed.fit(CNN.data(), options).losses());
      assertValues(values(plain), values(fixed), 0);
      History history = following.fit(CNN.data(), options);
      assertEquals(expected.losses().get(0), history.losses().get(0));
      assertTrue(history.losses().stream().allMatch(loss -> loss < 10), history.toString());
    }
  }

  @Test
  void theModelIsTheAverageAndTrainingGoesOnWithTheWeights() throws IOException {
    double decay = 0.5;
    FitOptions one = inOrder(FitOptions.steps(1), 6).validation(CNN.data());
    try (FineTuner plain = tuner();
        FineTuner averaged = tuner("ema", Double.toString(decay))) {
      assertEquals(plain.evaluate(CNN.data(), 6), averaged.evaluate(CNN.data(), 6));
      Map<String, double[]> average = values(plain);
      for (int step = 0; step < 3; step++) {
        History expected = plain.fit(CNN.data(), one);
        History found = averaged.fit(CNN.data(), one);
        assertEquals(expected.losses(), found.losses(), "training is the same");
        values(plain)
            .forEach(
                (name, value) -> {
                  double[] mean = average.get(name);
                  for (int i = 0; i < mean.length; i++) {
                    mean[i] = decay * mean[i] + (1 - decay) * value[i];
                  }
                });
        assertValues(average, values(averaged), 1e-6);
        assertEquals(
            Optional.of(averaged.evaluate(CNN.data(), 6)), found.epochs().get(0).validation());
        assertNotEquals(
            plain.evaluate(CNN.data(), 6).loss(), averaged.evaluate(CNN.data(), 6).loss());
      }
      Path target = directory.resolve("averaged");
      averaged.export(target);
      assertThrows(IOException.class, () -> averaged.export(target));
      try (FineTuner exported = FineTuner.of(target).build()) {
        assertValues(values(averaged), values(exported), 0);
        assertEquals(averaged.evaluate(CNN.data(), 6), exported.evaluate(CNN.data(), 6));
      }
      assertEquals(plain.fit(CNN.data(), one).losses(), averaged.fit(CNN.data(), one).losses());
    }
  }

  @Test
  void aCheckpointHoldsWeightsAndAveragesAndIsMeasuredByTheAverages() throws IOException {
    FitOptions saved =
        inOrder(FitOptions.epochs(2), 3).validation(CNN.data()).checkpoint(directory);
    FitOptions one = inOrder(FitOptions.steps(1), 6);
    try (FineTuner tuner = tuner("ema", "0.9");
        FineTuner restored = tuner("ema", "0.9")) {
      History history = tuner.fit(CNN.data(), saved);
      double loss = history.epochs().get(1).validation().orElseThrow().loss();
      JsonNode manifest =
          new ObjectMapper().readTree(directory.resolve("step-0000000004/manifest.json").toFile());
      assertEquals(loss, manifest.at("/progress/metrics/validation-loss").asDouble());
      assertEquals(0, restored.fit(CNN.data(), saved.resume(true)).losses().size());
      assertValues(values(tuner), values(restored), 0);
      assertEquals(loss, restored.evaluate(CNN.data(), 3).loss());
      List<Double> next = tuner.fit(CNN.data(), one).losses();
      assertEquals(next, restored.fit(CNN.data(), one).losses());
      assertNotEquals(loss, next.get(0), "the weights are not their averages");
    }
  }
}
