package io.github.fadam.framework.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two checkpoints; whatever happens to the newer one's bytes, the older one is restored. */
class DamagedCheckpointTest {

  private static final int SAMPLES = Boolean.getBoolean("fadam.full") ? 300 : 8;

  @TempDir private Path directory;
  private SmallTraining training;
  private Checkpoints checkpoints;
  private Map<String, String> older;
  private Map<String, String> newer;
  private Path newest;

  @BeforeEach
  void saveTwice() {
    training = new SmallTraining(Kind.RESOURCE, CheckpointsTest.optimizer("fadam"));
    checkpoints = Checkpoints.open(directory, training.state(), Retention.keepLast(3), Map.of());
    training.run(1);
    checkpoints.save(training.session(), training.progress());
    older = training.bits();
    training.run(1);
    newest = checkpoints.save(training.session(), training.progress());
    newer = training.bits();
  }

  @AfterEach
  void close() {
    checkpoints.close();
    training.close();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> children = Files.list(newest)) {
      List<Path> files = children.sorted().toList();
      assertEquals(4, files.size(), files.toString());
      return files;
    }
  }

  private void assertOlderIsRestored(String damage) {
    assertEquals(1, checkpoints.restore(training.session()).orElseThrow().step(), damage);
    assertEquals(older, training.bits(), damage);
  }

  private void assertNewerIsRestored() {
    assertEquals(2, checkpoints.restore(training.session()).orElseThrow().step());
    assertEquals(newer, training.bits());
  }

  @Test
  void flippedBitsAreNeverRestored() throws IOException {
    Random random = new Random(5);
    for (Path file : files()) {
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i < SAMPLES; i++) {
        byte[] flipped = whole.clone();
        int at = random.nextInt(whole.length);
        int bit = random.nextInt(8);
        flipped[at] ^= (byte) (1 << bit);
        Files.write(file, flipped);
        assertOlderIsRestored(file.getFileName() + " bit " + bit + " of byte " + at);
      }
      Files.write(file, whole);
    }
    assertNewerIsRestored();
  }

  @Test
  void truncatedExtendedAndMissingFilesAreNeverRestored() throws IOException {
    Random random = new Random(6);
    for (Path file : files()) {
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i < SAMPLES; i++) {
        int length = i == 0 ? 0 : random.nextInt(whole.length);
        Files.write(file, Arrays.copyOf(whole, length));
        assertOlderIsRestored(file.getFileName() + " cut to " + length);
      }
      Files.write(file, Arrays.copyOf(whole, whole.length + 1));
      assertOlderIsRestored(file.getFileName() + " extended");
      Files.delete(file);
      assertOlderIsRestored(file.getFileName() + " missing");
      Files.createDirectory(file);
      assertOlderIsRestored(file.getFileName() + " is a directory");
      Files.delete(file);
      Files.write(file, whole);
    }
    assertNewerIsRestored();
  }

  @Test
  void onlyDamagedOnesAreAnErrorThatNamesThemAll() throws IOException {
    for (long step : checkpoints.steps()) {
      Files.delete(StoredCheckpoint.of(directory, step).directory().resolve("state.index"));
    }
    Map<String, String> before = training.bits();
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session()));
    assertTrue(e.getMessage().contains("step-0000000001: state.index"), e.getMessage());
    assertTrue(e.getMessage().contains("step-0000000002: state.index"), e.getMessage());
    assertEquals(before, training.bits());
  }

  @Test
  void aDamagedOneIsReplacedWhenTheRunComesThereAgainAndPushesNoWholeOneOut() throws IOException {
    Files.write(newest.resolve("state.index"), new byte[7]);
    training.continueAt(checkpoints.restore(training.session()).orElseThrow());
    training.run(1);
    assertEquals(newer, training.bits());
    checkpoints.save(training.session(), training.progress());
    assertNewerIsRestored();

    Files.write(newest.resolve("state.index"), new byte[7]);
    assertOlderIsRestored("again");
    try (Checkpoints strict = reopened(1)) {
      training.continueAt(strict.restore(training.session()).orElseThrow());
      training.run(5);
      strict.save(training.session(), training.progress());
      assertEquals(List.of(2L, 6L), strict.steps());
    }
  }

  private Checkpoints reopened(int last) {
    checkpoints.close();
    return Checkpoints.open(directory, training.state(), Retention.keepLast(last), Map.of());
  }

  @Test
  void aRenamedDirectoryIsNoCheckpointOfThatStep() throws IOException {
    Files.move(newest, directory.resolve("step-0000000005"));
    assertOlderIsRestored("renamed");
  }

  @Test
  void aLaterFormatIsAnErrorAndNotSkipped() throws IOException {
    Manifest manifest = new StoredCheckpoint(newest, 2).manifest();
    StoredCheckpoint.write(
        newest,
        new Manifest(
            99,
            "9.9",
            manifest.optimizer(),
            manifest.run(),
            manifest.progress(),
            manifest.tensors(),
            manifest.files()));
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session()));
    assertTrue(e.getMessage().contains("format 99"), e.getMessage());
  }
}
