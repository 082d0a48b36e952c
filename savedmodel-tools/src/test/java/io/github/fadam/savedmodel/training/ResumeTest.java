package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.checkpoint.CheckpointException;
import io.github.fadam.framework.optimizer.Optimizers;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.testing.Models;
import io.github.fadam.savedmodel.training.History.Ending;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;

class ResumeTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");
  private static final int STEPS = 10;

  @TempDir private Path directory;

  private static FineTuner tuner(String optimizer) {
    return FineTuner.of(CNN.directory())
        .optimizer(graph -> Optimizers.named(optimizer).apply(graph).learningRate(0.01).build())
        .build();
  }

  private static FitOptions options(long steps) {
    return FitOptions.steps(steps).batchSize(2).seed(5).validation(CNN.data());
  }

  private FitOptions saved(long steps) {
    return options(steps).checkpoint(directory);
  }

  static TrainingListener until(long last) {
    return new TrainingListener() {
      @Override
      public boolean onStep(Step step) {
        return step.step() < last;
      }
    };
  }

  private static Map<String, byte[]> values(FineTuner tuner) {
    Map<String, byte[]> values = new LinkedHashMap<>();
    for (ModelVariable variable : tuner.model().variablesOf(tuner.signature().key())) {
      try (Tensor value = tuner.value(variable)) {
        values.put(variable.name(), Models.bytes(value));
      }
    }
    return values;
  }

  private static void assertSameBits(FineTuner expected, FineTuner found) {
    Map<String, byte[]> bits = values(found);
    values(expected).forEach((name, value) -> assertArrayEquals(value, bits.get(name), name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd"})
  void aResumedRunEqualsTheUninterruptedOneBitForBit(String optimizer) {
    try (FineTuner whole = tuner(optimizer);
        FineTuner first = tuner(optimizer);
        FineTuner second = tuner(optimizer)) {
      History expected = whole.fit(CNN.data(), options(STEPS));
      // 3 batches an epoch: the run ends in the middle of the second one
      History before = first.fit(CNN.data(), saved(STEPS).listener(until(5)));
      assertEquals(Ending.LISTENER, before.ended());
      History after = second.fit(CNN.data(), saved(STEPS).resume(true));
      assertEquals(5, after.resumedFrom());
      List<Double> losses = new ArrayList<>(before.losses());
      losses.addAll(after.losses());
      assertEquals(expected.losses(), losses);
      assertEquals(expected.epochs().subList(1, expected.epochs().size()), after.epochs());
      assertSameBits(whole, second);
    }
  }

  /**
   * Everything that keeps state around a rule at once: windows that end in the middle of an epoch,
   * a row that is skipped in every epoch and so shifts them, a scale that moves, an average.
   */
  private static FineTuner surrounded(String optimizer) {
    return FineTuner.of(CNN.directory())
        .optimizer(
            graph ->
                Optimizers.named(optimizer)
                    .apply(graph)
                    .learningRate(0.01)
                    .set("accumulate", "2")
                    .set("guard", "4")
                    .set("loss-scale", "dynamic:1024,3,2")
                    .set("ema", "0.9")
                    .build())
        .build();
  }

  private static DataSource withABadRow() {
    double[] image = CNN.numbers("image");
    float[] pixels = new float[image.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i / 64 == 4 ? 3e38f : (float) image[i];
    }
    return ArrayData.builder()
        .column("image", pixels, Shape.of(8, 8, 1))
        .column(
            "labels",
            Arrays.stream(CNN.numbers("labels")).mapToLong(label -> (long) label).toArray(),
            Shape.scalar())
        .build();
  }

  /** Two in the normal run, since every one loads the model three times. */
  static Stream<String> surroundedOptimizers() {
    return Boolean.getBoolean("fadam.full")
        ? Stream.of("fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd")
        : Stream.of("fadam", "fadafactor");
  }

  @ParameterizedTest
  @MethodSource("surroundedOptimizers")
  void allStateAroundTheStepComesBack(String optimizer) throws IOException {
    Path uninterrupted = directory.resolve("uninterrupted");
    Path resumed = directory.resolve("resumed");
    try (FineTuner whole = surrounded(optimizer);
        FineTuner first = surrounded(optimizer);
        FineTuner second = surrounded(optimizer)) {
      History expected = whole.fit(withABadRow(), options(STEPS).checkpoint(uninterrupted));
      History before =
          first.fit(withABadRow(), options(STEPS).checkpoint(resumed).listener(until(5)));
      History after = second.fit(withABadRow(), options(STEPS).checkpoint(resumed).resume(true));
      assertTrue(before.skippedSteps() > 0 && after.skippedSteps() > 0, "it has to skip");
      assertEquals(expected.skippedSteps(), before.skippedSteps() + after.skippedSteps());
      List<Double> losses = new ArrayList<>(before.losses());
      losses.addAll(after.losses());
      assertEquals(expected.losses(), losses);
      int epochs = after.epochs().size();
      assertEquals(
          expected.epochs().subList(expected.epochs().size() - epochs, expected.epochs().size()),
          after.epochs());
      assertSameBits(whole, second);
      String tensors = "step-0000000010/state.data-00000-of-00001";
      assertArrayEquals(
          Files.readAllBytes(uninterrupted.resolve(tensors)),
          Files.readAllBytes(resumed.resolve(tensors)),
          "variables, slots, accumulators, averages, scale and counters");
    }
  }

  @Test
  void reductionOnPlateauRemembersWhatItDid() {
    try (FineTuner whole = tuner("sgd");
        FineTuner first = tuner("sgd");
        FineTuner second = tuner("sgd")) {
      History expected = whole.fit(CNN.data(), reduced(options(24), whole));
      first.fit(CNN.data(), reduced(saved(24), first).listener(until(13)));
      History after = second.fit(CNN.data(), reduced(saved(24), second).resume(true));
      assertEquals(expected.losses().subList(13, 24), after.losses());
      assertSameBits(whole, second);
      try (FineTuner unwatched = tuner("sgd")) {
        assertTrue(
            !expected.losses().equals(unwatched.fit(CNN.data(), options(24)).losses()),
            "it has to reduce, or this shows nothing");
      }
    }
  }

  /** No epoch is better than another where the loss is no number: every second one reduces. */
  private static FitOptions reduced(FitOptions options, FineTuner tuner) {
    return options.validation(withABadRow()).listener(ReduceOnPlateau.of(tuner, 0.5, 2, 0));
  }

  @Test
  void aRunThatWasCompleteHasNothingToDo() {
    try (FineTuner tuner = tuner("fadam")) {
      tuner.fit(CNN.data(), saved(4));
    }
    try (FineTuner tuner = tuner("fadam")) {
      History history = tuner.fit(CNN.data(), saved(4).resume(true));
      assertEquals(List.of(), history.losses());
      assertEquals(Ending.COMPLETE, history.ended());
      assertEquals(4, history.resumedFrom());
      assertEquals(0, history.secondsPerStep());
      assertEquals(0, history.secondsInSession());
    }
  }

  @Test
  void anInterruptIsSavedAtTheEndOfTheStep() {
    try (FineTuner tuner = tuner("fadam")) {
      Thread.currentThread().interrupt();
      History history = tuner.fit(CNN.data(), saved(STEPS));
      assertTrue(Thread.interrupted());
      assertEquals(Ending.INTERRUPTED, history.ended());
      assertTrue(Files.isDirectory(directory.resolve("step-0000000001")));
    }
  }

  @Test
  void everySoManyStepsAreSavedAndTheLastStay() throws IOException {
    try (FineTuner tuner = tuner("fadam")) {
      tuner.fit(
          CNN.data(),
          FitOptions.steps(9).batchSize(2).checkpoint(directory).checkpointEvery(2).keepLast(2));
    }
    try (var children = Files.list(directory)) {
      assertEquals(
          List.of(".lock", "step-0000000008", "step-0000000009"),
          children.map(child -> child.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void aNewRunDoesNotMixWithAnOldOne() {
    try (FineTuner tuner = tuner("fadam")) {
      tuner.fit(CNN.data(), saved(2));
      Map<String, byte[]> before = values(tuner);
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> tuner.fit(CNN.data(), saved(STEPS)));
      assertTrue(e.getMessage().contains("--resume"), e.getMessage());
      values(tuner).forEach((name, value) -> assertArrayEquals(before.get(name), value, name));
    }
  }

  @Test
  void whatDiffersIsListed() {
    try (FineTuner tuner = tuner("fadam")) {
      tuner.fit(CNN.data(), saved(2));
    }
    try (FineTuner tuner = tuner("fadam")) {
      CheckpointException e =
          assertThrows(
              CheckpointException.class,
              () -> tuner.fit(CNN.data(), saved(4).batchSize(3).seed(6).resume(true)));
      assertEquals(
          List.of("batch-size: saved 2, here 3", "seed: saved 5, here 6"), e.differences());
    }
    try (FineTuner tuner =
        FineTuner.of(CNN.directory())
            .trainable("head/*")
            .optimizer(graph -> Optimizers.named("sgd").apply(graph).build())
            .build()) {
      CheckpointException e =
          assertThrows(
              CheckpointException.class, () -> tuner.fit(CNN.data(), saved(4).resume(true)));
      assertTrue(e.differences().contains("optimizer: saved FAdam, here Sgd"), e.getMessage());
      assertTrue(
          e.differences().contains("variables/cnn/stem/kernel: in the checkpoint and not here"),
          e.getMessage());
    }
  }

  @Test
  void aModelWithOtherValuesIsAnotherModel() throws IOException {
    Path other = directory.resolve("other");
    try (FineTuner tuner = tuner("sgd")) {
      tuner.fit(CNN.data(), options(1));
      tuner.export(other);
    }
    Path same = Models.copy("keras3_cnn", directory.resolve("same"));
    assertEquals(ModelFingerprint.of(CNN.directory()), ModelFingerprint.of(same));
    assertTrue(!ModelFingerprint.of(CNN.directory()).equals(ModelFingerprint.of(other)));
  }

  @Test
  void checkpointOptionsNeedADirectory() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> FitOptions.epochs(1).resume(true));
    assertTrue(e.getMessage().contains("checkpoint(directory)"), e.getMessage());
  }

  @Test
  void earlyStoppingRemembersWhatItSaw() {
    try (FineTuner whole = tuner("fadam");
        FineTuner first = tuner("fadam");
        FineTuner second = tuner("fadam")) {
      FitOptions options = options(300).listener(EarlyStopping.onMetric("accuracy", 2, 0));
      History expected = whole.fit(CNN.data(), options);
      assertEquals(Ending.LISTENER, expected.ended());
      int beforeTheLast = expected.losses().size() - 1;
      first.fit(
          CNN.data(),
          saved(300)
              .listener(EarlyStopping.onMetric("accuracy", 2, 0))
              .listener(until(beforeTheLast)));
      History after =
          second.fit(
              CNN.data(),
              saved(300).resume(true).listener(EarlyStopping.onMetric("accuracy", 2, 0)));
      assertEquals(
          expected.losses().subList(beforeTheLast, expected.losses().size()), after.losses());
    }
  }

  /** Trains slowly until it is killed. */
  static final class Trainer {
    private Trainer() {}

    public static void main(String[] arguments) {
      TrainingListener tell =
          new TrainingListener() {
            @Override
            public boolean onStep(Step step) {
              System.out.println("loss " + step.step() + " " + Double.toHexString(step.loss()));
              System.out.flush();
              return true;
            }
          };
      try (FineTuner tuner = tuner("fadam")) {
        tuner.fit(
            CNN.data(),
            options(100_000)
                .checkpoint(Path.of(arguments[0]))
                .checkpointEvery(2)
                .resume(true)
                .listener(tell));
      }
    }
  }

  @Test
  void aKilledProcessIsContinuedBitForBit() throws Exception {
    Map<Long, String> losses = new LinkedHashMap<>();
    long last = 0;
    for (int kill = 0; kill < 2; kill++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Trainer.class.getName(),
                  directory.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (BufferedReader out = process.inputReader()) {
        for (int i = 0; i < 7 + kill; i++) {
          String[] line = out.readLine().split(" ", -1);
          last = Long.parseLong(line[1]);
          String earlier = losses.put(last, line[2]);
          assertTrue(earlier == null || earlier.equals(line[2]), "step " + last + " again");
        }
      } finally {
        process.destroyForcibly().waitFor();
      }
    }
    assertTrue(last > 8, "the second process has to go on from the first one's");
    try (FineTuner whole = tuner("fadam")) {
      List<String> expected =
          whole.fit(CNN.data(), options(last)).losses().stream().map(Double::toHexString).toList();
      losses.forEach((step, loss) -> assertEquals(expected.get((int) (step - 1)), loss));
      assertEquals(last, losses.size());
    }
  }
}
