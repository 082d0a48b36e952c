package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Checkpoints;
import io.github.fadam.framework.checkpoint.Progress;
import io.github.fadam.framework.checkpoint.Retention;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Stream;

/** All that training changes, bit for bit as it was at one time, in a directory of its own. */
final class StateCopy implements AutoCloseable {

  private final Path directory;

  private StateCopy(Path directory) {
    this.directory = directory;
  }

  /**
   * Copies.
   *
   * @throws UncheckedIOException if there is no place for temporary files
   */
  static StateCopy of(LoadedTraining training) {
    try {
      StateCopy copy = new StateCopy(Files.createTempDirectory("fadam-state"));
      try (Checkpoints checkpoints = copy.open(training)) {
        checkpoints.save(training.session(), Progress.at(0, 0, 0));
      } catch (RuntimeException | Error e) {
        copy.close();
        throw e;
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "Expected a place for a copy of the variables, found none; set -Djava.io.tmpdir.", e);
    }
  }

  /** Makes the same model with the same optimizer what the copied one was. */
  void restore(LoadedTraining training) {
    try (Checkpoints checkpoints = open(training)) {
      checkpoints.restore(training.session());
    }
  }

  private Checkpoints open(LoadedTraining training) {
    return Checkpoints.open(directory, training.state(), Retention.keepLast(1), Map.of());
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Could not remove the temporary " + directory, e);
    }
  }
}
