package io.github.fadam.tpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The models that Python has made for the tests of the tools. */
final class CommittedModels {

  private static final Path DIRECTORY =
      Path.of("../savedmodel-tools/src/test/resources/models").toAbsolutePath().normalize();

  private CommittedModels() {}

  static Path directory(String name) {
    return DIRECTORY.resolve(name);
  }

  static List<Path> all() {
    try (Stream<Path> models = Files.list(DIRECTORY)) {
      return models.filter(Files::isDirectory).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
