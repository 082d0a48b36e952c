package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Activation;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/**
 * The activation behind an output, looked through so that the loss can be computed from logits,
 * where the logarithm of a probability near 0 loses its digits.
 *
 * @param kind the activation
 * @param input what goes into it; the output itself where there is none
 */
record FinalActivation(Activation kind, Output<?> input) {

  static FinalActivation of(Output<?> output) {
    Output<?> current = output;
    while (current.op().type().equals("Identity")) {
      current = input(current);
    }
    return switch (current.op().type()) {
      case "Softmax" -> new FinalActivation(Activation.SOFTMAX, input(current));
      case "Sigmoid" -> new FinalActivation(Activation.SIGMOID, input(current));
      default -> new FinalActivation(Activation.NONE, output);
    };
  }

  private static Output<?> input(Output<?> output) {
    return ((GraphOperation) output.op()).input(0);
  }
}
