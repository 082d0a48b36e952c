package io.github.fadam.tpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.tpu.CheckReport.Outcome;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.ndarray.Shape;

class TrialProcessTest {

  private static final SavedModel MODEL = SavedModel.read(CommittedModels.directory("keras3_mlp"));

  @Test
  void aProcessThatEndsWithoutAnAnswerIsReported() {
    String signature = MODEL.defaultSignatureKey();
    Map<String, Shape> shapes = TrialInputs.shapes(MODEL.signature(signature), Map.of());
    TrialAnswer answer =
        TrialProcess.run(MODEL, signature, shapes, List.of("-XX:+NoSuchOptionExists"));
    assertEquals(Outcome.CRASHED, answer.trial().outcome());
    assertEquals(Outcome.CRASHED, answer.gradients().outcome());
    String message = answer.trial().message();
    assertTrue(message.contains("code 1") && message.contains("NoSuchOptionExists"), message);
  }

  @Test
  void shapesAreWrittenAsSizes() {
    assertEquals(Shape.of(2, 3), TrialProcess.shape("2,3"));
    assertEquals(Shape.scalar(), TrialProcess.shape(""));
    assertThrows(NumberFormatException.class, () -> TrialProcess.shape("2,x"));
  }

  @Test
  void shapesToTryAreComplete() {
    ModelCheck check = ModelCheck.of(MODEL);
    String input = MODEL.signature(MODEL.defaultSignatureKey()).inputs().keySet().iterator().next();
    Map<String, Shape> open = Map.of(input, Shape.unknown());
    assertThrows(IllegalArgumentException.class, () -> check.shapes(open));
  }
}
