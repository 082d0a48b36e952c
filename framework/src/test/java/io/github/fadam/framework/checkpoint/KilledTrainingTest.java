package io.github.fadam.framework.checkpoint;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kills a process that trains and saves after every run, at random moments, and lets the next one
 * go on. {@code -Dfadam.full=true} takes every optimizer, alone and with everything around its
 * step.
 */
class KilledTrainingTest {

  private static final String[] AROUND = {
    "accumulate", "3",
    "squares", "per-micro-step",
    "guard", "skip",
    "loss-scale", "dynamic:1024,4,2",
    "ema", "0.9"
  };

  @TempDir private Path directory;

  static Stream<Arguments> optimizers() {
    if (!Boolean.getBoolean("fadam.full")) {
      return Stream.of(Arguments.of("fadam", false, 3), Arguments.of("fadafactor", true, 2));
    }
    Stream<Arguments> alone =
        Stream.of("fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd")
            .map(name -> Arguments.of(name, false, name.equals("fadam") ? 200 : 5));
    Stream<Arguments> surrounded =
        Stream.of("fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd")
            .map(name -> Arguments.of(name, true, 5));
    return Stream.concat(alone, surrounded);
  }

  private static SmallTraining training(String optimizer, boolean surrounded) {
    return new SmallTraining(
        Kind.RESOURCE, CheckpointsTest.optimizer(optimizer, surrounded ? AROUND : new String[0]));
  }

  private static Checkpoints open(Path directory, SmallTraining training) {
    return Checkpoints.open(directory, training.state(), Retention.keepLast(2), Map.of());
  }

  /** Trains until it is killed. */
  static final class Trainer {
    private Trainer() {}

    public static void main(String[] arguments) {
      boolean surrounded = Boolean.parseBoolean(arguments[2]);
      try (SmallTraining training = training(arguments[1], surrounded);
          Checkpoints checkpoints = open(Path.of(arguments[0]), training)) {
        checkpoints.restore(training.session()).ifPresent(training::continueAt);
        System.out.println("begin");
        System.out.flush();
        while (true) {
          training.run(1);
          checkpoints.save(training.session(), training.progress());
          System.out.println("saved");
          System.out.flush();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void aTrainingThatWasKilledAgainAndAgainEqualsTheUninterruptedOne(
      String optimizer, boolean surrounded, int kills) throws Exception {
    Random random = new Random(3);
    long newest = 0;
    for (int kill = 0; kill < kills; kill++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Trainer.class.getName(),
                  directory.toString(),
                  optimizer,
                  Boolean.toString(surrounded))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (BufferedReader out = process.inputReader()) {
        assertEquals("begin", out.readLine(), "it has to restore and begin");
        if (kill == 0) {
          try (SmallTraining second = training(optimizer, surrounded)) {
            CheckpointException e =
                assertThrows(CheckpointException.class, () -> open(directory, second).close());
            assertTrue(e.getMessage().contains("process " + process.pid()), e.getMessage());
          }
        }
        if (kill % 2 == 1) {
          // On a slow machine the others may all die before their first checkpoint.
          assertEquals("saved", out.readLine(), "it has to save");
        }
        Thread.sleep(random.nextInt(300));
      } finally {
        process.destroyForcibly().waitFor();
      }
      List<StoredCheckpoint> left = StoredCheckpoint.in(directory);
      for (StoredCheckpoint checkpoint : left) {
        assertDoesNotThrow(checkpoint::verified, "what is visible is whole");
      }
      long step = left.isEmpty() ? 0 : left.get(0).step();
      assertTrue(step >= newest, "step " + newest + " was lost, " + step + " is the newest");
      newest = step;
    }
    assertTrue(newest > 0, "some process has to save, or this shows nothing");
    try (SmallTraining resumed = training(optimizer, surrounded);
        SmallTraining uninterrupted = training(optimizer, surrounded);
        Checkpoints checkpoints = open(directory, resumed)) {
      resumed.continueAt(checkpoints.restore(resumed.session()).orElseThrow());
      assertEquals(newest, resumed.steps());
      resumed.run(3);
      uninterrupted.run(Math.toIntExact(newest) + 3);
      assertEquals(uninterrupted.bits(), resumed.bits());
    }
  }
}
