package io.github.fadam.savedmodel.training;

import java.util.Map;

/** Hears of a training run's progress, and may end it. All calls come from the training thread. */
public interface TrainingListener {

  /**
   * A step that was made.
   *
   * @param step number of the step in this run, from 1; one that the guard skipped counts
   * @param totalSteps number of steps that the run will have
   * @param epoch number of the epoch in this run that the step's first batch is of, from 1
   * @param loss loss before the update, as {@link History#losses} has it
   * @param rows number of rows of the step's batches
   * @param skipped number of steps that the guard has skipped, as {@link History#skippedSteps} has
   *     it
   */
  record Step(long step, long totalSteps, long epoch, double loss, long rows, long skipped) {}

  /**
   * A step was made.
   *
   * @param step the step
   * @return false to end the run after this step
   */
  default boolean onStep(Step step) {
    return true;
  }

  /**
   * An epoch has ended.
   *
   * @param epoch what it brought
   * @return false to end the run
   */
  default boolean onEpoch(History.Epoch epoch) {
    return true;
  }

  /**
   * Whether the listener has nothing to go by without validation data.
   *
   * @return true to have a run without it refused
   */
  default boolean needsValidation() {
    return false;
  }

  /**
   * What the listener remembers, for a checkpoint.
   *
   * @return name to value; nothing where it remembers nothing
   */
  default Map<String, String> state() {
    return Map.of();
  }

  /**
   * Takes back what {@link #state} gave, before a resumed run's first step.
   *
   * @param state name to value; empty where the saved run had no such listener
   */
  default void restore(Map<String, String> state) {}
}
