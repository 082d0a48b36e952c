package io.github.fadam.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.types.TFloat32;

class ScratchTrainingTest {

  @Test
  void theSavedModelAnswersAsTheTrainedGraphWhichHasLearnedTheSine(@TempDir Path folder)
      throws IOException {
    Path target = folder.resolve("model");
    float[] answers = ScratchTraining.train(target, 0.5f, -1);
    assertEquals(Math.sin(1.5), answers[0], 0.15);
    try (SavedModelBundle bundle = SavedModelBundle.load(target.toString(), "serve");
        TFloat32 x = TFloat32.tensorOf(StdArrays.ndCopyOf(new float[][] {{0.5f}, {-1}}));
        Result result = bundle.session().runner().feed("x:0", x).fetch("y:0").run()) {
      assertEquals(answers[0], ((TFloat32) result.get(0)).getFloat(0, 0), 0);
      assertEquals(answers[1], ((TFloat32) result.get(0)).getFloat(1, 0), 0);
    }
  }
}
