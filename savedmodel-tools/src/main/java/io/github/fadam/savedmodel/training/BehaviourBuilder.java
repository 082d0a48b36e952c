package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.gradient.GradientRegistry;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.util.List;
import java.util.Optional;

/**
 * What is trained of a model, and how it runs meanwhile.
 *
 * @param <B> the concrete builder, which every setter returns
 */
public abstract sealed class BehaviourBuilder<B extends BehaviourBuilder<B>>
    extends ObjectiveBuilder<B> permits FineTuner.Builder {

  private final Trainables.Choice choice = Trainables.Choice.open();
  private Mode mode = Mode.INFERENCE;
  private Optional<String> trainingSignature = Optional.empty();
  private boolean regularization = true;

  BehaviourBuilder(SavedModel model) {
    super(model);
  }

  /**
   * Sets how the model runs in training steps. Default: {@link Mode#INFERENCE}.
   *
   * <p>In {@link Mode#TRAINING} steps run, of these the first that there is: the signature that
   * {@link #trainingSignature} names; the signature itself with the placeholders that {@link #feed}
   * gives, and the updates that a program of TensorFlow 1 has collected; a signature that is called
   * {@code train}, {@code training} or {@code call_training} and takes and gives the same; the
   * function of the model's objects that takes {@code training=True}.
   *
   * @param mode the mode
   * @return this builder
   */
  public B mode(Mode mode) {
    this.mode = mode;
    return self();
  }

  /**
   * Names the signature that training steps run in {@link Mode#TRAINING}, an endpoint of a Keras 3
   * {@code ExportArchive}, say. It has to take and give what {@link #signature} does, which is
   * measured and exported.
   *
   * @param key the signature's key
   * @return this builder
   */
  public B trainingSignature(String key) {
    trainingSignature = Optional.of(key);
    return self();
  }

  /**
   * Says whether the model's own losses, of its weights and activities, are added to the loss of
   * training steps where the model has them. They are not part of what {@link FineTuner#evaluate}
   * measures.
   *
   * @param regularization false to leave them out; they are in by default
   * @return this builder
   */
  public B regularization(boolean regularization) {
    this.regularization = regularization;
    return self();
  }

  @Override
  Optional<RunGraph> steps(PlaceholderValues values) {
    if (mode == Mode.INFERENCE && trainingSignature.isPresent()) {
      throw new IllegalArgumentException(
          "Expected training mode with a training signature, found inference mode; add --mode"
              + " training (mode(Mode.TRAINING)).");
    }
    if (mode == Mode.INFERENCE && !values.decideInference()) {
      throw new IllegalArgumentException(
          "Expected training mode with values for training, found inference mode; add --mode"
              + " training (mode(Mode.TRAINING)).");
    }
    RunGraph run =
        RunGraph.steps(model(), declared().key(), values, mode, trainingSignature, regularization);
    return mode == Mode.INFERENCE && run.losses().isEmpty() ? Optional.empty() : Optional.of(run);
  }

  /**
   * Restricts training to variables whose names match. Default: all that the author meant to be
   * trained and the signature reads.
   *
   * @param patterns name patterns; a variable that matches any is trained
   * @return this builder
   */
  public B trainable(String... patterns) {
    choice.trainable().addAll(List.of(patterns));
    return self();
  }

  /**
   * Keeps variables whose names match as they are, whatever {@link #trainable} says.
   *
   * @param patterns name patterns
   * @return this builder
   */
  public B frozen(String... patterns) {
    choice.frozen().addAll(List.of(patterns));
    return self();
  }

  /**
   * Trains variables although the model's author froze them, as far as the other patterns let them
   * train.
   *
   * @param patterns name patterns
   * @return this builder
   */
  public B unfreeze(String... patterns) {
    choice.unfrozen().addAll(List.of(patterns));
    return self();
  }

  @Override
  void checkSettings(Refusals refusals) {
    refusals.pass(() -> trainingSignature.ifPresent(model()::signature));
  }

  @Override
  void checkWithoutSignature(Refusals refusals) {
    Trainables.checks(model().variables(), choice).forEach(refusals::pass);
  }

  @Override
  void checkSignature(Refusals refusals, boolean fed) {
    refusals.pass(this::trained);
    if (fed && trainingSignature.stream().allMatch(model().signatures()::containsKey)) {
      refusals.pass(() -> steps(placeholders()));
    }
  }

  List<ModelVariable> trained() {
    return Trainables.select(model(), declared().key(), choice);
  }

  /** Registers the gradients, which the first training of a process has to. */
  @Override
  void whileRestoring() {
    GradientRegistry.registeredOps();
  }

  Mode mode() {
    return mode;
  }
}
