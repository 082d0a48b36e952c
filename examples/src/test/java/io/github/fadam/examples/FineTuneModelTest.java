package io.github.fadam.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.examples.shapes.ShapeImages;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.data.NpzWriter;
import io.github.fadam.savedmodel.training.Evaluation;
import io.github.fadam.savedmodel.training.ModelEvaluator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

class FineTuneModelTest {

  private static final Path MODEL =
      Path.of("src/main/resources/io/github/fadam/examples/shapes-model");

  @TempDir private Path directory;

  @Test
  void theWrittenModelIsBetter() throws IOException {
    Path training = write("train.npz", ShapeImages.shifted(320, 1));
    Path validation = write("validation.npz", ShapeImages.shifted(200, 2));
    Path tuned = directory.resolve("tuned");
    FineTuneModel.main(
        new String[] {
          MODEL.toString(), training.toString(), validation.toString(), tuned.toString()
        });
    double before = accuracy(MODEL, validation);
    double after = accuracy(tuned, validation);
    assertTrue(after > before + 0.15, before + " before, " + after + " after");
  }

  private static double accuracy(Path model, Path data) throws IOException {
    try (ModelEvaluator evaluator = ModelEvaluator.of(model).build()) {
      Evaluation evaluation = evaluator.evaluate(DataFiles.open(data), 100);
      assertEquals(200, evaluation.rows());
      return evaluation.metrics().get("accuracy");
    }
  }

  private Path write(String name, ShapeImages images) throws IOException {
    Path file = directory.resolve(name);
    try (TFloat32 pixels = TFloat32.tensorOf(StdArrays.ndCopyOf(images.images()));
        TInt32 labels = TInt32.tensorOf(StdArrays.ndCopyOf(images.labels()))) {
      NpzWriter.write(file, Map.of("image", pixels, "labels", labels));
    }
    return file;
  }
}
