package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.Trainability.Obstacle;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of a model before it is trained is what its training does. */
class TrainabilityTest {

  private static final Path RESOURCES = Path.of("src", "test", "resources");

  private static Trainability of(String model, String signature) {
    return Trainability.of(SavedModel.read(RESOURCES.resolve(model))).get(signature);
  }

  private static List<String> names(List<ModelVariable> variables) {
    return variables.stream().map(ModelVariable::name).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "models/keras3_cnn, serving_default, 8",
    "models/keras3_frozen, serving_default, 4",
    "models/tf1_ref, serving_default, 3",
    "models/tf1_resource, serving_default, 3",
    "models/tf_module, serving_default, 4",
    "models/tf_module, words, 4",
    "models/tfkeras_embedding, serving_default, -1",
    "training/tf1_switch, serving_default, 4",
    "training/tf1_loop, beside, 1",
  })
  void saysWhatTrains(String model, String signature, int trained) {
    Trainability answer = of(model, signature);
    assertTrue(answer.isReady(), answer.toString());
    assertEquals(trained < 0 ? answer.meant().size() : trained, answer.trains().size());
    assertEquals(answer.meant(), answer.trains());
    assertEquals(
        answer.meant(), Trainability.meant(SavedModel.read(RESOURCES.resolve(model)), signature));
    assertEquals(List.of(), answer.unreached());
    assertFalse(answer.freeOutputs().isEmpty());
  }

  @Test
  void leavesOutWhatTheAuthorFroze() {
    assertEquals(
        List.of("frozen/norm/gamma", "frozen/norm/beta", "frozen/head/kernel", "frozen/head/bias"),
        names(of("models/keras3_frozen", "serving_default").trains()));
  }

  @ParameterizedTest
  @CsvSource({
    "training/wrapped_loop, beside",
    "training/wrapped_loop, through",
    "training/tf1_loop, through",
    "training/tf1_loop, chosen",
  })
  void namesEverythingThatTheTrainingRefuses(String directory, String signature) {
    SavedModel model = SavedModel.read(RESOURCES.resolve(directory));
    Trainability answer = Trainability.of(model).get(signature);
    assertFalse(answer.isReady());
    assertEquals(List.of(), answer.trains());
    assertEquals(List.of(), answer.freeOutputs());
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                FineTuner.of(RESOURCES.resolve(directory))
                    .signature(signature)
                    .loss(Losses.meanSquaredError())
                    .build()
                    .close());
    assertFalse(answer.obstacles().isEmpty());
    for (Obstacle obstacle : answer.obstacles()) {
      assertEquals(List.of("layer/kernel"), names(obstacle.variables()));
      assertTrue(
          refusal.getMessage().contains("/" + obstacle.reason().opName() + "'")
              || refusal.getMessage().contains(" '" + obstacle.reason().opName() + "'"),
          obstacle + " in " + refusal.getMessage());
      obstacle.kept().ifPresent(why -> assertTrue(refusal.getMessage().contains(why)));
    }
    assertEquals(
        answer.obstacles().size(),
        refusal.getMessage().lines().filter(line -> line.startsWith("- ")).count());
  }

  @Test
  void saysWhyALoopStays() {
    Obstacle loop = of("training/wrapped_loop", "through").obstacles().get(0);
    assertEquals("through_call", loop.reason().opName());
    assertTrue(loop.kept().orElseThrow().contains("loop of TensorFlow 1"));
    assertEquals(5, of("training/tf1_loop", "through").obstacles().size(), "all at once");
  }

  @Test
  void saysWhyNothingTrains() {
    Map<String, Trainability> answers =
        Trainability.of(SavedModel.read(RESOURCES.resolve("models/tf_pieces")));
    assertTrue(
        answers.get("counted").refusal().orElseThrow().contains("no floating point variable"));
    Obstacle custom = answers.get("straight_through").obstacles().get(0);
    assertEquals("IdentityN", custom.reason().opType());
    assertEquals(List.of("kernel"), names(custom.variables()));
    assertTrue(answers.get("serving_default").isReady(), "one signature says nothing of another");
  }
}
