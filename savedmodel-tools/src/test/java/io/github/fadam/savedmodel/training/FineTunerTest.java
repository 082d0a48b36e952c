package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.testing.Models;
import io.github.fadam.savedmodel.training.History.Ending;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

class FineTunerTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");

  @TempDir private Path directory;

  @Test
  void trainsOnlyWhatMatchesAndLeavesTheRestToTheBit() {
    try (FineTuner tuner = FineTuner.of(CNN.directory()).trainable("head/*").build()) {
      assertEquals(
          List.of("cnn/head/kernel", "cnn/head/bias"),
          tuner.trained().stream().map(ModelVariable::name).toList());
      assertEquals(24 * 3 + 3, tuner.trainedParameters());
      tuner.fit(CNN.data(), FitOptions.steps(3));
      for (ModelVariable variable : tuner.model().variablesOf(CNN.signature())) {
        double[] initial = CNN.numbers("initial:" + variable.name());
        double[] value = value(tuner, variable);
        if (tuner.trained().contains(variable)) {
          assertNotEquals(List.of(), differences(initial, value));
        } else {
          assertEquals(List.of(), differences(initial, value), variable.name());
        }
      }
    }
  }

  @Test
  void frozenWinsOverTrainable() {
    try (FineTuner tuner =
        FineTuner.of(CNN.directory()).trainable("*").frozen("stem/*", "norm/*").build()) {
      assertEquals(
          List.of("cnn/body/kernel", "cnn/body/bias", "cnn/head/kernel", "cnn/head/bias"),
          tuner.trained().stream().map(ModelVariable::name).toList());
    }
  }

  @Test
  void theSameSeedGivesTheSameBitsAndAnotherSeedOthers() {
    assertEquals(losses(7), losses(7));
    assertNotEquals(losses(7), losses(8));
  }

  private static List<Double> losses(long seed) {
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      return tuner.fit(CNN.data(), FitOptions.epochs(3).batchSize(2).seed(seed)).losses();
    }
  }

  @Test
  void epochsEndWithTheSmallerBatchAndAreValidated() {
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      History history =
          tuner.fit(CNN.data(), FitOptions.epochs(2).batchSize(4).validation(CNN.data()));
      assertEquals(4, history.losses().size());
      assertEquals(2, history.epochs().size());
      assertEquals(2, history.epochs().get(1).steps());
      Evaluation last = history.epochs().get(1).validation().orElseThrow();
      assertEquals(tuner.evaluate(CNN.data(), 6), last);
      assertEquals(last.loss(), tuner.evaluate(CNN.data(), 1).loss(), 1e-6);
      assertEquals(6, last.rows());
      assertTrue(last.metrics().get("accuracy") >= 0 && last.metrics().get("accuracy") <= 1);
      assertEquals(Ending.COMPLETE, history.ended());
    }
  }

  @Test
  void severalOutputsAddUpTheirLosses() {
    GoldenModel model = GoldenModel.named("multi_io");
    try (FineTuner tuner =
        FineTuner.of(model.directory())
            .loss("kind", Losses.sparseCategoricalCrossentropy())
            .loss("size", Losses.meanSquaredError())
            .build()) {
      Evaluation evaluation = tuner.evaluate(model.data(), 6);
      assertEquals(
          evaluation.loss(),
          evaluation.metrics().get("kind:loss") + evaluation.metrics().get("size:loss"),
          1e-6);
      assertTrue(evaluation.metrics().containsKey("kind:accuracy"));
    }
  }

  @Test
  void listenersAndInterruptsEndARun() {
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      History stopped =
          tuner.fit(
              CNN.data(),
              FitOptions.steps(100)
                  .listener(
                      new TrainingListener() {
                        @Override
                        public boolean onStep(Step step) {
                          return step.step() < 3;
                        }
                      }));
      assertEquals(Ending.LISTENER, stopped.ended());
      assertEquals(3, stopped.losses().size());
      Thread.currentThread().interrupt();
      History interrupted = tuner.fit(CNN.data(), FitOptions.steps(100));
      assertTrue(Thread.interrupted());
      assertEquals(Ending.INTERRUPTED, interrupted.ended());
      assertEquals(1, interrupted.losses().size());
    }
  }

  @Test
  void theExportGivesWhatTheTunerGave() throws IOException {
    Path target = directory.resolve("tuned");
    double[] expected;
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      tuner.fit(CNN.data(), FitOptions.steps(5));
      expected = outputs(tuner);
      tuner.export(target);
      assertThrows(IOException.class, () -> tuner.export(target));
      tuner.export(target, true);
    }
    try (FineTuner again = FineTuner.of(target).build()) {
      assertArrayEquals(expected, outputs(again));
    }
    try (Stream<Path> left = Files.list(directory)) {
      assertEquals(List.of(target), left.toList());
    }
  }

  @Test
  void refusesNamesThatAreNotThere() {
    refuses(SavedModelException.class, "serving_default", b -> b.signature("serving_defaul"));
    refuses("matches no variable", b -> b.trainable("heads/*"));
    refuses("matches no variable", b -> b.frozen("heads/*"));
    refuses("found output_1", b -> b.output("output_1"));
    refuses("found logits", b -> b.loss("logits", Losses.meanSquaredError()));
    refuses("cover all", b -> b.frozen("*"));
    refuses("froze", b -> b.trainable("moving_mean"));
  }

  @Test
  void groupsSpeakOfTheModelsNames() {
    try (FineTuner tuner =
        FineTuner.of(CNN.directory())
            .optimizer(
                graph ->
                    Sgd.builder(graph)
                        .learningRate(0.1)
                        .group(ParameterGroup.matching("cnn/stem/*", "norm/*").frozen())
                        .build())
            .build()) {
      tuner.fit(CNN.data(), FitOptions.steps(2));
      for (ModelVariable variable : tuner.trained()) {
        double[] initial = CNN.numbers("initial:" + variable.name());
        boolean frozen = variable.name().matches("cnn/(stem|norm)/.*");
        assertEquals(
            frozen, differences(initial, value(tuner, variable)).isEmpty(), variable.name());
      }
    }
  }

  @Test
  void refusesLossesThatDoNotFitTheOutput() {
    refuses(
        "comes out of a SOFTMAX",
        b -> b.loss(Losses.named("sparse_categorical_crossentropy", true)));
    GoldenModel regression = GoldenModel.named("keras3_mlp");
    IllegalArgumentException unknown =
        assertThrows(
            IllegalArgumentException.class, () -> FineTuner.of(regression.directory()).build());
    assertTrue(unknown.getMessage().contains("--loss"), unknown.getMessage());
    try (FineTuner tuner =
        FineTuner.of(regression.directory()).loss(Losses.categoricalCrossentropy()).build()) {
      IllegalArgumentException logits =
          assertThrows(
              IllegalArgumentException.class,
              () -> tuner.fit(regression.data(), FitOptions.steps(1)));
      assertTrue(logits.getMessage().contains("--from-logits"), logits.getMessage());
    }
  }

  @Test
  void refusesDataBeforeTheFirstStep() {
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      float[][][][] images = new float[2][8][8][1];
      images[1][3][4][0] = Float.NaN;
      DataSource nan =
          ArrayData.builder().column("image", images).column("labels", new int[2]).build();
      DataSource small =
          ArrayData.builder()
              .column("image", new float[2][7][8][1])
              .column("labels", new int[2])
              .build();
      DataSource unlabelled = ArrayData.builder().column("image", new float[2][8][8][1]).build();
      DataSource misnamed =
          ArrayData.builder()
              .column("images", new float[2][8][8][1])
              .column("labels", new int[2])
              .build();
      for (DataSource data : List.of(nan, small, unlabelled, misnamed)) {
        assertThrows(IllegalArgumentException.class, () -> tuner.fit(data, FitOptions.steps(1)));
      }
      for (ModelVariable variable : tuner.trained()) {
        assertEquals(
            List.of(),
            differences(CNN.numbers("initial:" + variable.name()), value(tuner, variable)));
      }
    }
  }

  @Test
  void aLoopOverAnOpenNumberOfTimeStepsTrainsOnceThatIsGiven() {
    Supplier<FineTuner.Builder> loop =
        () ->
            FineTuner.of(Models.directory("../graphs/loops"))
                .signature("open_time")
                .loss(Losses.meanSquaredError());
    IllegalArgumentException open =
        assertThrows(IllegalArgumentException.class, () -> loop.get().build());
    assertTrue(open.getMessage().contains("inputShape"), open.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> loop.get().inputShape("y", Shape.of(-1, 5, 4)).build());
    DataSource five = ArrayData.builder().column("x", new float[2][5][4]).build();
    DataSource six = ArrayData.builder().column("x", new float[2][6][4]).build();
    try (FineTuner tuner = loop.get().inputShape("x", Shape.of(-1, 5, 4)).build()) {
      assertFalse(tuner.trained().isEmpty());
      tuner.predict(five, 2).close();
      IllegalArgumentException longer =
          assertThrows(IllegalArgumentException.class, () -> tuner.predict(six, 2));
      assertTrue(longer.getMessage().contains("5"), longer.getMessage());
    }
  }

  @Test
  void refusesLabelsThatAreNoClass() {
    DataSource data =
        ArrayData.builder()
            .column("image", new float[2][8][8][1])
            .column("labels", new int[] {0, 3})
            .build();
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> tuner.fit(data, FitOptions.steps(1)));
      assertTrue(
          refused.getMessage().contains("labels from 0 to 2")
              && refused.getMessage().contains("found 3 in row 1"),
          refused.getMessage());
    }
  }

  @Test
  void anEvaluatorMeasuresWhatNothingCanBeTrainedIn() {
    GoldenModel module = GoldenModel.named("tf_module");
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build();
        ModelEvaluator evaluator = ModelEvaluator.of(CNN.directory()).build();
        ModelEvaluator logits =
            ModelEvaluator.of(module.directory())
                .output("logits")
                .loss(Losses.named("sparse_categorical_crossentropy", true))
                .build()) {
      assertEquals(tuner.evaluate(CNN.data(), 3), evaluator.evaluate(CNN.data(), 3));
      assertEquals(module.numbers("losses")[0], logits.evaluate(module.data(), 6).loss(), 1e-6);
    }
  }

  @Test
  void stopsWhereTheLossIsNoNumber() {
    GoldenModel regression = GoldenModel.named("keras3_mlp");
    try (FineTuner tuner =
        FineTuner.of(regression.directory())
            .loss(Losses.meanSquaredError())
            .optimizer(graph -> new Sgd(graph, 1e30))
            .build()) {
      TrainingException stopped =
          assertThrows(
              TrainingException.class, () -> tuner.fit(regression.data(), FitOptions.steps(20)));
      assertTrue(stopped.getMessage().contains("learning rate"), stopped.getMessage());
    }
  }

  @Test
  void saysThatItIsClosed() {
    FineTuner tuner =
        FineTuner.of(CNN.directory()).optimizer(graph -> new FAdam(graph, 0.1)).build();
    tuner.close();
    tuner.close();
    assertThrows(IllegalStateException.class, () -> tuner.evaluate(CNN.data(), 1));
    assertFalse(Files.exists(directory.resolve("tuned")));
  }

  private static void refuses(String message, Consumer<FineTuner.Builder> change) {
    refuses(IllegalArgumentException.class, message, change);
  }

  private static void refuses(
      Class<? extends Exception> type, String message, Consumer<FineTuner.Builder> change) {
    Exception refused =
        assertThrows(
            type,
            () -> {
              FineTuner.Builder builder = FineTuner.of(CNN.directory());
              change.accept(builder);
              builder.build().close();
            });
    assertTrue(refused.getMessage().contains(message), refused.getMessage());
  }

  private static double[] outputs(FineTuner tuner) {
    try (Predictions predictions = tuner.predict(CNN.data(), 4)) {
      List<Double> all = new ArrayList<>();
      for (Tensor batch : predictions.batches().get("output_0")) {
        ((TFloat32) batch).scalars().forEach(v -> all.add((double) v.getFloat()));
      }
      assertEquals(Shape.of(2, 3), predictions.batches().get("output_0").get(1).shape());
      return all.stream().mapToDouble(Double::doubleValue).toArray();
    }
  }

  private static double[] value(FineTuner tuner, ModelVariable variable) {
    try (TFloat32 value = (TFloat32) tuner.value(variable)) {
      List<Double> all = new ArrayList<>();
      value.scalars().forEach(v -> all.add((double) v.getFloat()));
      return all.stream().mapToDouble(Double::doubleValue).toArray();
    }
  }

  private static List<Integer> differences(double[] a, double[] b) {
    assertEquals(a.length, b.length);
    List<Integer> differences = new ArrayList<>();
    for (int i = 0; i < a.length; i++) {
      if (a[i] != b[i]) {
        differences.add(i);
      }
    }
    return differences;
  }
}
