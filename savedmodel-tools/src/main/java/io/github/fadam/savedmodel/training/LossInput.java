package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Activation;
import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.loss.Losses;
import org.tensorflow.Output;

/**
 * The loss of an output and the tensor that it takes.
 *
 * @param loss the loss, from logits where these were found
 * @param tensor the output, or the logits behind it
 * @param unproven whether the loss takes probabilities and nothing shows that the output is that
 */
record LossInput(Loss loss, Output<?> tensor, boolean unproven) {

  /**
   * Chooses the loss where none is given, and looks through a final activation that fits it.
   *
   * @throws IllegalArgumentException if no loss is given and the output does not tell, or the loss
   *     takes logits and the output is behind an activation
   */
  static LossInput of(Objective objective, Output<?> output) {
    FinalActivation activation = FinalActivation.of(output);
    Loss loss = objective.loss().orElseGet(() -> inferred(objective.output(), activation));
    if (loss.activation() == Activation.NONE) {
      return new LossInput(loss, output, false);
    }
    boolean activated = activation.kind() == loss.activation();
    if (loss.fromLogits()) {
      if (activated) {
        throw new IllegalArgumentException(
            "Expected logits for "
                + loss.name()
                + ", but output "
                + objective.output()
                + " comes out of a "
                + activation.kind()
                + "; leave out --from-logits (fromLogits): it is looked through by itself.");
      }
      return new LossInput(loss, output, false);
    }
    return activated
        ? new LossInput(loss.ofLogits(), activation.input(), false)
        : new LossInput(loss, output, true);
  }

  private static Loss inferred(String output, FinalActivation activation) {
    return switch (activation.kind()) {
      case SOFTMAX -> Losses.sparseCategoricalCrossentropy();
      case SIGMOID -> Losses.binaryCrossentropy();
      case NONE ->
          throw new IllegalArgumentException(
              "Expected a loss for output "
                  + output
                  + ": no softmax or sigmoid in front of it says which; name one with --loss"
                  + " (loss).");
    };
  }
}
