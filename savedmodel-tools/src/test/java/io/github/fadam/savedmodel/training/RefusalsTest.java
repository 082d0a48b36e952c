package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.testing.Models;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/** What is refused says all that is wrong, with what was meant and what to do. */
class RefusalsTest {

  private static void assertSays(String message, String... parts) {
    for (String part : parts) {
      assertTrue(message.contains(part), part + " in: " + message);
    }
  }

  private static String refusal(FineTuner.Builder builder) {
    return assertThrows(IllegalArgumentException.class, builder::build).getMessage();
  }

  @Test
  void everyNameThatIsWrongIsNamed() {
    assertSays(
        refusal(
            FineTuner.of(Models.directory("multi_io"))
                .loss("knd", Losses.sparseCategoricalCrossentropy())
                .loss("siz", Losses.meanSquaredError())
                .trainable("wide/*", "kin/*")
                .frozen("sice/*")
                .feed("is_training", true)),
        "knd",
        "did you mean 'kind'",
        "siz",
        "did you mean 'size'",
        "'kin/*' matches no variable",
        "'sice/*' matches no variable",
        "is_training");
  }

  /** Shapes, outputs, patterns, placeholders, signatures and columns, each with what is near. */
  @Test
  void mistakesOfAllKindsAreSaidTogether() {
    DataSource data =
        ArrayData.builder()
            .column("left", new float[6], Shape.of(3))
            .column("rihgt", new float[8], Shape.of(4))
            .column("label", new long[2], Shape.scalar())
            .build();
    String message =
        refusal(
            FineTuner.of(Models.directory("multi_io"))
                .inputShape("left", Shape.of(-1, 5))
                .inputShape("rigth", Shape.of(-1, 4))
                .output("knid")
                .frozen("wied/*")
                .unfreeze("sice/*")
                .feed("is_training", true)
                .trainingSignature("sreve")
                .data(data));
    assertSays(
        message,
        "Found 8 problems:",
        "fits the signature's [-1, 3], found [-1, 5]",
        "found one of 'rigth'; did you mean 'right'?",
        "found knid; did you mean 'kind'?",
        "'wied/*' matches no variable",
        "'sice/*' matches no variable",
        "is_training, while it depends on none",
        "'sreve'",
        "did you mean 'serve'",
        "rename rihgt to right?",
        "rename label to labels, or say --labels label (labels)?");
    assertEquals(9, message.lines().count(), message);
  }

  @Test
  void labelsAreMissedTogetherWithTheRest() {
    DataSource data =
        ArrayData.builder()
            .column("left", new float[6], Shape.of(3))
            .column("right", new float[8], Shape.of(4))
            .column("label", new long[2], Shape.scalar())
            .build();
    assertSays(
        refusal(
            FineTuner.of(Models.directory("multi_io"))
                .output("kind")
                .trainable("wied/*")
                .data(data, data)),
        "Found 2 problems:",
        "'wied/*' matches no variable",
        "rename label to labels, or say --labels label (labels)?");
  }

  @Test
  void whereThereIsNoSuchSignatureTheRestIsStillSaid() {
    assertSays(
        refusal(
            FineTuner.of(Models.directory("multi_io"))
                .signature("sreve")
                .trainingSignature("trian")
                .frozen("wied/*")
                .unfreeze("kind/*")),
        "Found 3 problems:",
        "did you mean 'serve'",
        "'trian'",
        "'wied/*' matches no variable");
    SavedModelException one =
        assertThrows(
            SavedModelException.class,
            () -> FineTuner.of(Models.directory("multi_io")).signature("sreve").build());
    assertSays(one.getMessage(), "did you mean 'serve'");
    IllegalArgumentException evaluated =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                ModelEvaluator.of(Models.directory("multi_io"))
                    .output("knid")
                    .inputShape("rigth", Shape.of(-1, 4))
                    .build());
    assertSays(evaluated.getMessage(), "Found 2 problems:", "'kind'", "'right'");
  }

  @Test
  void whichOfSeveralOutputsIsMeantHasToBeSaid() {
    assertSays(
        refusal(FineTuner.of(Models.directory("multi_io")).loss(Losses.meanSquaredError())),
        "kind, size",
        "--output (output)");
    assertSays(
        refusal(
            FineTuner.of(Models.directory("multi_io"))
                .loss(Losses.meanSquaredError())
                .loss("size", Losses.meanSquaredError())),
        "found both");
  }

  @Test
  void onlyOneProblemIsSaidAsItIs() {
    String message =
        refusal(
            FineTuner.of(Models.directory("keras3_cnn"))
                .loss(Losses.sparseCategoricalCrossentropy())
                .trainable("haed/*"));
    assertTrue(message.startsWith("Pattern 'haed/*'"), message);
    assertFalse(message.contains("problems"), message);
  }

  @Test
  void whatTheAuthorFrozeTrainsOnlyWhenItIsSaid() {
    String message = refusal(frozen().trainable("body/*"));
    assertSays(message, "body/kernel", "trainable_variables", "--unfreeze 'body/*'");
    try (FineTuner tuner = frozen().unfreeze("body/*").trainable("body/*").build()) {
      assertEquals(
          List.of("body/bias", "body/kernel"),
          tuner.trained().stream()
              .map(ModelVariable::name)
              .map(n -> n.replaceFirst("^frozen/", ""))
              .sorted()
              .toList());
      assertTrue(
          tuner.warnings().stream().anyMatch(w -> w.contains("the model's author froze them")));
      ModelVariable variable = tuner.trained().get(0);
      DataSource data =
          ArrayData.builder()
              .column("features", new float[] {1, 2, 3, 4, 4, 3, 2, 1}, Shape.of(4))
              .column("labels", new long[] {0, 2}, Shape.scalar())
              .build();
      try (Tensor before = tuner.value(variable)) {
        tuner.fit(data, FitOptions.steps(2));
        try (Tensor after = tuner.value(variable)) {
          assertFalse(before.equals(after), variable.name());
        }
      }
    }
  }

  private static FineTuner.Builder frozen() {
    return FineTuner.of(Models.directory("keras3_frozen"))
        .loss(Losses.named("sparse_categorical_crossentropy", true))
        .optimizer(graph -> new Sgd(graph, 0.1));
  }

  @Test
  void everyOperationWithoutGradientIsNamed() {
    String message =
        refusal(
            FineTuner.of(Models.directory("../training/tf1_loop"))
                .signature("chosen")
                .loss(Losses.meanSquaredError()));
    assertSays(message, "cond/mul/Switch", "cond/mul_1/Switch", "cond/Merge");
  }

  @Test
  void allColumnsThatDoNotFitAreNamed() {
    DataSource data =
        ArrayData.builder()
            .column("imagee", new float[8], Shape.of(4))
            .column("sizes", new float[2], Shape.scalar())
            .column("wide", new float[6], Shape.of(3))
            .build();
    DataBinding.Builder builder =
        DataBinding.of(data)
            .input("image", DataType.DT_FLOAT, Shape.of(-1, 4))
            .input("size", DataType.DT_FLOAT, Shape.of(-1))
            .input("wide", DataType.DT_FLOAT, Shape.of(-1, 5));
    assertSays(
        assertThrows(IllegalArgumentException.class, builder::build).getMessage(),
        "image, size",
        "rename imagee to image?",
        "rename sizes to size?",
        "Expected rows of shape [5] in column wide");
  }
}
