package io.github.fadam.savedmodel.training;

import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * Where and when a run is saved.
 *
 * @param directory where the checkpoints are
 * @param everySteps number of steps between two, or empty for every epoch
 * @param keepLast number of the newest ones that stay
 * @param resume whether to go on from the newest one
 */
record CheckpointPlan(Path directory, OptionalLong everySteps, int keepLast, boolean resume) {

  boolean isDue(long step, boolean epochHasEnded) {
    return everySteps.isPresent() ? step % everySteps.getAsLong() == 0 : epochHasEnded;
  }
}
