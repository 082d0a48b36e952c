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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills a process that trains and saves after every step, at random moments, and lets the next one
 * go on. {@code -Dfadam.full=true} kills 200 times.
 */
class KilledTrainingTest {

  private static final int KILLS = Boolean.getBoolean("fadam.full") ? 200 : 3;

  @TempDir private Path directory;

  private static SmallTraining training() {
    return new SmallTraining(Kind.RESOURCE, CheckpointsTest.optimizer("fadam"));
  }

  private static Checkpoints open(Path directory, SmallTraining training) {
    return Checkpoints.open(directory, training.state(), Retention.keepLast(2), Map.of());
  }

  /** Trains until it is killed. */
  static final class Trainer {
    private Trainer() {}

    public static void main(String[] arguments) {
      try (SmallTraining training = training();
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

  @Test
  void aTrainingThatWasKilledAgainAndAgainEqualsTheUninterruptedOne() throws Exception {
    Random random = new Random(3);
    long newest = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Trainer.class.getName(),
                  directory.toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (BufferedReader out = process.inputReader()) {
        assertEquals("begin", out.readLine(), "it has to restore and begin");
        if (kill == 0) {
          try (SmallTraining second = training()) {
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
    try (SmallTraining resumed = training();
        SmallTraining uninterrupted = training();
        Checkpoints checkpoints = open(directory, resumed)) {
      resumed.continueAt(checkpoints.restore(resumed.session()).orElseThrow());
      assertEquals(newest, resumed.steps());
      resumed.run(3);
      uninterrupted.run(Math.toIntExact(newest) + 3);
      assertEquals(uninterrupted.bits(), resumed.bits());
    }
  }
}
