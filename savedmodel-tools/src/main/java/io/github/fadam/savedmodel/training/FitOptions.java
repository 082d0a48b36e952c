package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.DataSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How long, in which batches and watched by whom to train. Immutable: every method returns a new
 * value.
 */
public final class FitOptions {

  /** Rows in a batch where nothing else is said. */
  public static final int DEFAULT_BATCH_SIZE = 32;

  /** Number of checkpoints that stay where nothing else is said. */
  public static final int DEFAULT_KEPT_CHECKPOINTS = 3;

  private final OptionalLong epochs;
  private final OptionalLong steps;
  private final int batchSize;
  private final boolean shuffle;
  private final long seed;
  private final Optional<DataSource> validation;
  private final List<TrainingListener> listeners;
  private final Optional<CheckpointPlan> checkpoint;

  private FitOptions(
      OptionalLong epochs,
      OptionalLong steps,
      int batchSize,
      boolean shuffle,
      long seed,
      Optional<DataSource> validation,
      List<TrainingListener> listeners,
      Optional<CheckpointPlan> checkpoint) {
    this.epochs = epochs;
    this.steps = steps;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.seed = seed;
    this.validation = validation;
    this.listeners = List.copyOf(listeners);
    this.checkpoint = checkpoint;
  }

  /**
   * Trains for a number of epochs, in shuffled batches of {@link #DEFAULT_BATCH_SIZE} with seed 0.
   *
   * @param epochs number of times every row is used, at least 1; where the optimizer accumulates,
   *     the last step is filled up from the epoch after
   * @return the options
   * @throws IllegalArgumentException if it is below 1
   */
  public static FitOptions epochs(long epochs) {
    return new FitOptions(
        OptionalLong.of(requirePositive("epochs", epochs)),
        OptionalLong.empty(),
        DEFAULT_BATCH_SIZE,
        true,
        0,
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  /**
   * Trains for a number of steps, in shuffled batches of {@link #DEFAULT_BATCH_SIZE} with seed 0.
   *
   * @param steps number of updates, at least 1; the data is used as often as it takes
   * @return the options
   * @throws IllegalArgumentException if it is below 1
   */
  public static FitOptions steps(long steps) {
    return new FitOptions(
        OptionalLong.empty(),
        OptionalLong.of(requirePositive("steps", steps)),
        DEFAULT_BATCH_SIZE,
        true,
        0,
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  /**
   * Sets the number of rows in a batch. The last batch of an epoch has the rows that are left.
   * Where the optimizer accumulates, it is the micro-batch: a step takes {@code
   * RuleOptimizer.microSteps()} of them, across the end of an epoch too.
   *
   * @param batchSize at least 1
   * @return new options
   * @throws IllegalArgumentException if it is below 1
   */
  public FitOptions batchSize(int batchSize) {
    requirePositive("batch size", batchSize);
    return new FitOptions(
        epochs, steps, batchSize, shuffle, seed, validation, listeners, checkpoint);
  }

  /**
   * Says whether the rows are shuffled anew in every epoch.
   *
   * @param shuffle false for the data's own order
   * @return new options
   */
  public FitOptions shuffle(boolean shuffle) {
    return new FitOptions(
        epochs, steps, batchSize, shuffle, seed, validation, listeners, checkpoint);
  }

  /**
   * Sets the seed of the shuffling and of the model's random numbers (dropout). The same seed and
   * data give the same batches and the same numbers.
   *
   * @param seed any number
   * @return new options
   */
  public FitOptions seed(long seed) {
    return new FitOptions(
        epochs, steps, batchSize, shuffle, seed, validation, listeners, checkpoint);
  }

  /**
   * Sets data to evaluate on after every epoch.
   *
   * @param data the data, with the same columns as the training data
   * @return new options
   */
  public FitOptions validation(DataSource data) {
    return new FitOptions(
        epochs, steps, batchSize, shuffle, seed, Optional.of(data), listeners, checkpoint);
  }

  /**
   * Adds a listener.
   *
   * @param listener hears of the progress and may end the run
   * @return new options
   */
  public FitOptions listener(TrainingListener listener) {
    List<TrainingListener> more = new ArrayList<>(listeners);
    more.add(listener);
    return new FitOptions(epochs, steps, batchSize, shuffle, seed, validation, more, checkpoint);
  }

  /**
   * Saves the run after every epoch and when it ends, also when the thread is interrupted. The last
   * {@link #DEFAULT_KEPT_CHECKPOINTS} checkpoints stay, and the one with the lowest validation
   * loss.
   *
   * @param directory where to; must hold no checkpoints of another run
   * @return new options
   */
  public FitOptions checkpoint(Path directory) {
    return with(
        new CheckpointPlan(directory, OptionalLong.empty(), DEFAULT_KEPT_CHECKPOINTS, false));
  }

  /**
   * Saves after every so many steps instead of every epoch.
   *
   * @param steps number of updates, at least 1
   * @return new options
   * @throws IllegalArgumentException if it is below 1 or {@link #checkpoint} names no directory
   */
  public FitOptions checkpointEvery(long steps) {
    requirePositive("steps between checkpoints", steps);
    CheckpointPlan plan = plan();
    return with(
        new CheckpointPlan(
            plan.directory(), OptionalLong.of(steps), plan.keepLast(), plan.resume()));
  }

  /**
   * Sets how many checkpoints stay.
   *
   * @param checkpoints number of the newest ones, at least 1
   * @return new options
   * @throws IllegalArgumentException if it is below 1 or {@link #checkpoint} names no directory
   */
  public FitOptions keepLast(int checkpoints) {
    requirePositive("checkpoints to keep", checkpoints);
    CheckpointPlan plan = plan();
    return with(
        new CheckpointPlan(plan.directory(), plan.everySteps(), checkpoints, plan.resume()));
  }

  /**
   * Says whether the run goes on from the newest whole checkpoint, where there is one. With the
   * same model, data, batches, seed and optimizer, losses and variables are those of a run that was
   * never interrupted, bit for bit on the same machine with the same thread counts.
   *
   * @param resume false to refuse a directory that holds checkpoints, the default
   * @return new options
   * @throws IllegalArgumentException if {@link #checkpoint} names no directory
   */
  public FitOptions resume(boolean resume) {
    CheckpointPlan plan = plan();
    return with(new CheckpointPlan(plan.directory(), plan.everySteps(), plan.keepLast(), resume));
  }

  private CheckpointPlan plan() {
    return checkpoint.orElseThrow(
        () ->
            new IllegalArgumentException(
                "Expected a directory for checkpoints first, found none; call"
                    + " checkpoint(directory)."));
  }

  private FitOptions with(CheckpointPlan plan) {
    return new FitOptions(
        epochs, steps, batchSize, shuffle, seed, validation, listeners, Optional.of(plan));
  }

  Optional<CheckpointPlan> checkpoint() {
    return checkpoint;
  }

  void requireValidationWhereNeeded() {
    listeners.stream()
        .filter(TrainingListener::needsValidation)
        .filter(listener -> validation.isEmpty())
        .findFirst()
        .ifPresent(
            listener -> {
              throw new IllegalArgumentException(
                  "Expected validation data, which "
                      + listener.getClass().getSimpleName()
                      + " goes by, found none; give some with --validation (validation).");
            });
  }

  /**
   * The length of a run, which schedules need.
   *
   * @param rows number of rows of the training data, at least 1
   * @param microSteps number of batches that a step takes, {@code RuleOptimizer.microSteps()}
   * @return number of steps
   */
  public long totalSteps(long rows, int microSteps) {
    return steps.orElseGet(
        () -> {
          long batches = Math.multiplyExact(epochs.getAsLong(), (rows + batchSize - 1) / batchSize);
          return (batches + microSteps - 1) / microSteps;
        });
  }

  int batchSize() {
    return batchSize;
  }

  long seed() {
    return seed;
  }

  OptionalLong order() {
    return shuffle ? OptionalLong.of(seed) : OptionalLong.empty();
  }

  Optional<DataSource> validation() {
    return validation;
  }

  List<TrainingListener> listeners() {
    return listeners;
  }

  private static long requirePositive(String option, long value) {
    if (value < 1) {
      throw new IllegalArgumentException("Expected " + option + " of at least 1, found " + value);
    }
    return value;
  }
}
