package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/**
 * The gradients of a loss.
 *
 * @param gradients for each variable that the loss reaches its dense gradient, of the variable's
 *     dtype, summed over all reads; in the order in which the variables were given
 * @param unreached the variables that no differentiable path connects with the loss, in the order
 *     in which they were given
 */
public record GradientResult(
    Map<TrainableVariable, Output<?>> gradients, List<TrainableVariable> unreached) {

  /**
   * Copies the map, in its order, and the list.
   *
   * @param gradients gradient by variable
   * @param unreached variables without gradient
   */
  public GradientResult {
    gradients = Collections.unmodifiableMap(new LinkedHashMap<>(gradients));
    unreached = List.copyOf(unreached);
  }
}
