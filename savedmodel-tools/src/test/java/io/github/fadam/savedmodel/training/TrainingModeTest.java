package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;

/** Models run as their authors trained them: make_training_models.py has Python's side. */
class TrainingModeTest {

  @TempDir private Path directory;

  private static GoldenModel golden(String name) {
    return GoldenModel.named("../training/" + name);
  }

  private static FineTuner.Builder builder(GoldenModel golden) {
    return builder(golden, golden.directory());
  }

  private static FineTuner.Builder builder(GoldenModel golden, Path model) {
    FineTuner.Builder builder =
        FineTuner.of(model)
            .signature(golden.signature())
            .optimizer(graph -> new Sgd(graph, golden.learningRate()));
    golden.giveLosses(builder);
    return builder;
  }

  private static FineTuner.Builder training(GoldenModel golden) {
    FineTuner.Builder builder = builder(golden).mode(Mode.TRAINING);
    if (golden.directory().endsWith("tf1_switch") || golden.directory().endsWith("tf1_if")) {
      builder.feed("is_training", true).feed("drop_rate", 0.0);
    }
    return builder;
  }

  private static FitOptions steps(GoldenModel golden, int steps) {
    return FitOptions.steps(steps).batchSize(golden.rows()).shuffle(false);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"tfkeras_regularized", "tfkeras_two", "keras3_endpoints", "tf1_switch", "tf1_if"})
  void fiveStepsAreThoseOfPython(String name) throws IOException {
    GoldenModel golden = golden(name);
    Path exported = directory.resolve("exported");
    try (FineTuner tuner = training(golden).build()) {
      assertOutputs(golden, "output:", tuner);
      assertEquals(
          golden.trainable().stream().sorted().toList(),
          tuner.trained().stream().map(TrainingModeTest::name).sorted().toList());
      History history = tuner.fit(golden.data(), steps(golden, 5));
      double[] expected = golden.numbers("losses");
      for (int i = 0; i < 5; i++) {
        assertEquals(expected[i], history.losses().get(i), 1e-5 * expected[i]);
      }
      assertVariables(golden, "weight:", tuner);
      assertOutputs(golden, "output:trained:", tuner);
      assertEquals(List.of(), tuner.warnings());
      tuner.export(exported);
    }
    try (FineTuner again = builder(golden, exported).build()) {
      assertOutputs(golden, "output:trained:", again);
    }
  }

  private static String name(ModelVariable variable) {
    return variable.name().replaceFirst("^endpoints/", "");
  }

  private static void assertVariables(GoldenModel golden, String prefix, FineTuner tuner) {
    int compared = 0;
    for (ModelVariable variable : tuner.model().variablesOf(golden.signature())) {
      double[] expected = golden.numbers(prefix + name(variable));
      try (TFloat32 value = (TFloat32) tuner.value(variable)) {
        assertClose(variable.name(), expected, value);
        compared++;
      }
    }
    assertEquals(golden.names(prefix).size(), compared);
  }

  private static void assertOutputs(GoldenModel golden, String prefix, FineTuner tuner) {
    try (Predictions predictions = tuner.predict(golden.data(), golden.rows())) {
      for (Map.Entry<String, List<Tensor>> output : predictions.batches().entrySet()) {
        assertClose(
            output.getKey(),
            golden.numbers(prefix + output.getKey()),
            (TFloat32) output.getValue().get(0));
      }
    }
  }

  private static void assertClose(String what, double[] expected, TFloat32 found) {
    assertEquals(expected.length, found.size(), what);
    int[] i = {0};
    found.scalars().forEach(v -> assertEquals(expected[i[0]++], v.getFloat(), 1e-5, what));
  }

  @Test
  void halfOfTheUnitsAreDropped() {
    GoldenModel golden = golden("tfkeras_dropout");
    List<Double> losses = new ArrayList<>();
    try (FineTuner tuner =
        builder(golden).optimizer(graph -> new Sgd(graph, 1e-30)).mode(Mode.TRAINING).build()) {
      losses.addAll(tuner.fit(golden.data(), steps(golden, 20).seed(3)).losses());
      assertEquals(0, tuner.evaluate(golden.data(), golden.rows()).loss(), 1e-10);
    }
    // Each of 400 equal units is doubled or dropped: their sum has the variance 1 / 400.
    double mean = losses.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    assertEquals(1.0 / 400, mean, 0.1 / 400, losses.toString());
    assertEquals(losses.size(), losses.stream().distinct().count());
  }

  @Test
  void aResumedRunHasTheSameStatistics() {
    GoldenModel golden = golden("tfkeras_regularized");
    FitOptions saved = steps(golden, 4).checkpoint(directory.resolve("state"));
    try (FineTuner whole = training(golden).build();
        FineTuner first = training(golden).build();
        FineTuner second = training(golden).build()) {
      List<Double> expected = whole.fit(golden.data(), steps(golden, 4)).losses();
      TrainingListener untilTwo =
          new TrainingListener() {
            @Override
            public boolean onStep(Step step) {
              return step.step() < 2;
            }
          };
      List<Double> found =
          new ArrayList<>(first.fit(golden.data(), saved.listener(untilTwo)).losses());
      found.addAll(second.fit(golden.data(), saved.resume(true)).losses());
      assertEquals(expected, found);
      for (ModelVariable variable : whole.model().variables()) {
        try (Tensor a = whole.value(variable);
            Tensor b = second.value(variable)) {
          assertEquals(a, b, variable.name());
        }
      }
    }
  }

  @Test
  void aRunInAnotherModeIsNotResumed() {
    GoldenModel golden = golden("tfkeras_regularized");
    FitOptions saved = steps(golden, 2).checkpoint(directory.resolve("state"));
    try (FineTuner first = training(golden).build();
        FineTuner second = builder(golden).build()) {
      first.fit(golden.data(), saved);
      Exception e =
          assertThrows(RuntimeException.class, () -> second.fit(golden.data(), saved.resume(true)));
      assertTrue(e.getMessage().contains("mode"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tfkeras_regularized", "keras3_endpoints", "tf1_switch", "tf1_if"})
  void inInferenceModeTheStatisticsStayAndTheTunerSaysSo(String name) {
    GoldenModel golden = golden(name);
    try (FineTuner tuner = builder(golden).build()) {
      tuner.fit(golden.data(), steps(golden, 2));
      int averages = 0;
      for (ModelVariable variable : tuner.model().variablesOf(golden.signature())) {
        if (variable.name().contains("moving_")) {
          try (TFloat32 value = (TFloat32) tuner.value(variable)) {
            double[] initial = golden.numbers("initial:" + name(variable));
            int[] i = {0};
            value.scalars().forEach(v -> assertEquals(initial[i[0]++], v.getFloat()));
            averages++;
          }
        }
      }
      assertEquals(2, averages);
      assertTrue(
          tuner.warnings().get(0).contains("batch normalisation")
              && tuner.warnings().get(0).contains("--mode training"),
          tuner.warnings().toString());
    }
  }

  @Test
  void theModelsOwnLossesCanBeLeftOut() {
    GoldenModel golden = golden("tfkeras_regularized");
    try (FineTuner with = builder(golden).build();
        FineTuner without = builder(golden).regularization(false).build()) {
      double measured = with.evaluate(golden.data(), golden.rows()).loss();
      double loss = with.fit(golden.data(), steps(golden, 1)).losses().get(0);
      assertEquals(measured, without.fit(golden.data(), steps(golden, 1)).losses().get(0), 1e-6);
      assertTrue(loss > measured + 0.1, loss + " and " + measured);
    }
  }

  @Test
  void aModelWithoutTrainingFunctionIsRefused() {
    FineTuner.Builder builder =
        FineTuner.of(GoldenModel.named("keras3_cnn").directory()).mode(Mode.TRAINING);
    String message = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
    assertTrue(message.contains("serving_default") && message.contains("add_endpoint"), message);
    try (FineTuner tuner = FineTuner.of(GoldenModel.named("keras3_cnn").directory()).build()) {
      assertTrue(tuner.warnings().get(0).contains("without a function"));
    }
  }

  @Test
  void aProgramOfTf1SaysWhichPlaceholdersItHas() {
    FineTuner.Builder builder = builder(golden("tf1_switch")).mode(Mode.TRAINING);
    String message = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
    assertTrue(
        message.contains("is_training (bool, has a default)")
            && message.contains("drop_rate (float, no default)"),
        message);
    builder.feed("is_training", true);
    message = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
    assertTrue(message.contains("drop_rate") && !message.contains("is_training"), message);
  }

  @Test
  void valuesThatDoNotFitAreNamedAllAtOnce() {
    FineTuner.Builder builder =
        builder(golden("tf1_switch"))
            .mode(Mode.TRAINING)
            .feed("is_trainin", true)
            .feed("drop_rate", "much")
            .feed("x", 1);
    String message = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
    assertTrue(message.contains("did you mean 'is_training'"), message);
    assertTrue(message.contains("much for drop_rate (float"), message);
    assertTrue(message.contains("x, an input of the signature"), message);
  }

  @Test
  void whatIsForTrainingIsRefusedInInferenceMode() {
    FineTuner.Builder fed = builder(golden("tf1_switch")).feed("is_training", true);
    assertTrue(
        assertThrows(IllegalArgumentException.class, fed::build)
            .getMessage()
            .contains("--mode training"));
    FineTuner.Builder named = builder(golden("keras3_endpoints")).trainingSignature("train");
    assertTrue(
        assertThrows(IllegalArgumentException.class, named::build)
            .getMessage()
            .contains("--mode training"));
    FineTuner.Builder unlike =
        FineTuner.of(GoldenModel.named("tf_module").directory())
            .output("logits")
            .loss(Losses.named("sparse_categorical_crossentropy", true))
            .mode(Mode.TRAINING)
            .trainingSignature("words");
    String message = assertThrows(IllegalArgumentException.class, unlike::build).getMessage();
    assertTrue(message.contains("words"), message);
  }

  @Test
  void dropoutOfTf1IsOnInTrainingOnly() {
    GoldenModel golden = golden("tf1_switch");
    try (FineTuner tuner =
        builder(golden)
            .optimizer(graph -> new Sgd(graph, 1e-30))
            .mode(Mode.TRAINING)
            .feed("is_training", true)
            .feed("drop_rate", 0.5)
            .build()) {
      List<Double> losses = tuner.fit(golden.data(), steps(golden, 4)).losses();
      assertEquals(4, losses.stream().distinct().count(), losses.toString());
      assertNotEquals(losses.get(0), tuner.evaluate(golden.data(), golden.rows()).loss());
      assertFalse(tuner.model().placeholdersOf("serving_default").isEmpty());
    }
  }
}
