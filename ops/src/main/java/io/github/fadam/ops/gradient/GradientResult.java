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
 * @param rows for each variable that was to be differentiated by rows and that the loss reaches,
 *     the gradient by the rows that are looked up; these have no entry in {@code gradients}
 * @param unreached the variables that no differentiable path connects with the loss, in the order
 *     in which they were given
 */
public record GradientResult(
    Map<TrainableVariable, Output<?>> gradients,
    Map<TrainableVariable, RowGradient> rows,
    List<TrainableVariable> unreached) {

  /**
   * Copies the maps, in their order, and the list.
   *
   * @param gradients gradient by variable
   * @param rows gradient by rows by variable
   * @param unreached variables without gradient
   */
  public GradientResult {
    gradients = Collections.unmodifiableMap(new LinkedHashMap<>(gradients));
    rows = Collections.unmodifiableMap(new LinkedHashMap<>(rows));
    unreached = List.copyOf(unreached);
  }
}
