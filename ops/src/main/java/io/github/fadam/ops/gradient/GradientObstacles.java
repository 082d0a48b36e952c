package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands between variables and a loss: answer of {@link Gradients#obstacles}.
 *
 * @param reasons every operation that stands in the way, in the order of the walk from the
 *     variables to the loss; those that an {@link UnsupportedGradientException} would carry. Empty
 *     if nothing does
 * @param reached the variables to which a differentiable path leads, in the order given
 * @param blocked those of {@code reached} that cannot be differentiated by, each with what stands
 *     in the way of it; without them the others have gradients
 */
public record GradientObstacles(
    List<Reason> reasons,
    List<TrainableVariable> reached,
    Map<TrainableVariable, List<Reason>> blocked) {

  /**
   * Copies the collections, keeping their order.
   *
   * @param reasons see the record
   * @param reached see the record
   * @param blocked see the record
   */
  public GradientObstacles {
    reasons = List.copyOf(reasons);
    reached = List.copyOf(reached);
    Map<TrainableVariable, List<Reason>> copy = new LinkedHashMap<>();
    blocked.forEach((variable, found) -> copy.put(variable, List.copyOf(found)));
    blocked = Collections.unmodifiableMap(copy);
  }
}
