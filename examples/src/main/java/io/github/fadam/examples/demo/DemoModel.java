package io.github.fadam.examples.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/** The classifier that Python trained and exported, see train_shapes.py. */
final class DemoModel {

  private static final String RESOURCES = "/io/github/fadam/examples/shapes-model/";

  private static final List<String> FILES =
      List.of(
          "saved_model.pb",
          "fingerprint.pb",
          "variables/variables.index",
          "variables/variables.data-00000-of-00001",
          "assets.extra/classes.txt");

  private DemoModel() {}

  /** Writes the model out of the jar: TensorFlow reads directories. */
  static void copyTo(Path directory) throws IOException {
    for (String file : FILES) {
      Path target = directory.resolve(file);
      Files.createDirectories(target.getParent());
      try (InputStream in = DemoModel.class.getResourceAsStream(RESOURCES + file)) {
        Files.copy(in, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}
