package io.github.fadam.savedmodel.training;

import java.util.List;
import java.util.Optional;

/**
 * What a training run did.
 *
 * @param losses loss of every step's batch, before the step's update
 * @param epochs the epochs, the last one possibly not complete
 * @param secondsPerStep median wall time of a step in seconds, the first left out where there are
 *     more, 0 where none were made; feeding and fetching included
 * @param ended why the run ended
 * @param resumedFrom number of steps that were restored from a checkpoint and are not in {@code
 *     losses}; 0 for a run from the beginning
 */
public record History(
    List<Double> losses,
    List<Epoch> epochs,
    double secondsPerStep,
    Ending ended,
    long resumedFrom) {

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
   * One epoch.
   *
   * @param number from 1
   * @param steps steps made in it
   * @param loss mean of the batches' losses, each before its update and weighted by its rows
   * @param validation evaluation after the epoch, where there is validation data
   */
  public record Epoch(long number, long steps, double loss, Optional<Evaluation> validation) {}

  /**
   * Copies the lists.
   *
   * @param losses see the record
   * @param epochs see the record
   * @param secondsPerStep see the record
   * @param ended see the record
   * @param resumedFrom see the record
   */
  public History {
    losses = List.copyOf(losses);
    epochs = List.copyOf(epochs);
  }
}
