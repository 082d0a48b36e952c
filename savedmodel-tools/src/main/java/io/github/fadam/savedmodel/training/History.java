package io.github.fadam.savedmodel.training;

import java.util.List;
import java.util.Optional;

/**
 * What a training run did.
 *
 * @param losses loss of every step, before its update: the mean over the rows of its batches. A
 *     batch that the guard skipped does not count; where it skipped all of a step's batches, their
 *     loss is here as it was, NaN or infinite perhaps
 * @param epochs the epochs, the last one possibly not complete
 * @param secondsPerStep median wall time of a step in seconds, the first left out where there are
 *     more, 0 where none were made; feeding and fetching included
 * @param secondsInSession median wall time that a step spends in the session's runs, in seconds;
 *     what is left of {@code secondsPerStep} takes the data from Java and the loss back
 * @param ended why the run ended
 * @param resumedFrom number of steps that were restored from a checkpoint and are not in {@code
 *     losses}; 0 for a run from the beginning
 * @param skippedSteps number of steps that the optimizer skipped because a gradient was not finite,
 *     in this run since {@code resumedFrom}; where steps are accumulated, the number of micro-steps
 */
public record History(
    List<Double> losses,
    List<Epoch> epochs,
    double secondsPerStep,
    double secondsInSession,
    Ending ended,
    long resumedFrom,
    long skippedSteps) {

  /** Why a run ended. */
  public enum Ending {
    /** All epochs or steps were made. */
    COMPLETE,
    /** A listener asked for it. */
    LISTENER,
    /** The training thread was interrupted; its interrupt status is set. */
    INTERRUPTED
  }

  /**
   * One epoch. It ends with the step that its last batch goes into; where steps are accumulated,
   * that step may have batches of the next epoch as well. Epochs that end with the same step have
   * one entry.
   *
   * @param number from 1, of the last where several end together
   * @param steps steps made in it
   * @param loss mean of the steps' losses, each before its update and weighted by its rows; losses
   *     that are not finite are left out, NaN where there is no other
   * @param validation evaluation after the epoch, where there is validation data
   */
  public record Epoch(long number, long steps, double loss, Optional<Evaluation> validation) {}

  /**
   * Copies the lists.
   *
   * @param losses see the record
   * @param epochs see the record
   * @param secondsPerStep see the record
   * @param secondsInSession see the record
   * @param ended see the record
   * @param resumedFrom see the record
   * @param skippedSteps see the record
   */
  public History {
    losses = List.copyOf(losses);
    epochs = List.copyOf(epochs);
  }
}
