package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.ndarray.Shape;

/** Chooses the variables of which a step updates only the rows that the loss looked up. */
final class LazyRows {

  private LazyRows() {}

  /**
   * The variables that match.
   *
   * @throws IllegalArgumentException if a pattern matches none of them, or the rule keeps state
   *     that has no rows of its own
   */
  static Set<TrainableVariable> of(
      String optimizer,
      Rule rule,
      StepOptions options,
      Grouping grouping,
      List<TrainableVariable> variables) {
    Set<TrainableVariable> chosen =
        new LinkedHashSet<>(NamePattern.select(variables, grouping.names(), options.lazyRows()));
    chosen.forEach(variable -> requireRows(optimizer, rule, variable));
    return chosen;
  }

  private static void requireRows(String optimizer, Rule rule, TrainableVariable variable) {
    Shape shape = variable.shape();
    if (shape.isUnknown() || shape.hasUnknownDimension() || shape.numDimensions() == 0) {
      throw new IllegalArgumentException(
          "Expected variables with rows for lazy-rows, found "
              + variable.name()
              + " of shape "
              + shape
              + "; leave it out.");
    }
    for (Slot slot : rule.slots(shape)) {
      if (!slot.shape().equals(shape)) {
        throw new IllegalArgumentException(
            "Expected state of the variable's shape "
                + shape
                + " for lazy-rows of "
                + variable.name()
                + ", found slot "
                + slot.name()
                + " of shape "
                + slot.shape()
                + " in "
                + optimizer
                + ", which all rows share; train it without lazy rows, or raise"
                + " min-dimension-to-factor so that it is not factored.");
      }
    }
  }
}
