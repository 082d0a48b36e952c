package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;

/** Chooses the variables of which a step updates only the rows that the loss looked up. */
final class LazyRows {

  /** Elements from which finding the rows takes less than going over all of them. */
  private static final long LARGE = 1 << 16;

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

  /**
   * The variables that may be updated by rows without any difference: all that the loss does with
   * them is to look up rows, and the update leaves all others alone.
   *
   * @param loss the loss
   * @param grouping says which variables decay
   */
  static Set<TrainableVariable> exact(
      Rule rule,
      StepOptions options,
      Map<Hyper, Schedule> schedules,
      Grouping grouping,
      Operand<?> loss,
      List<TrainableVariable> variables) {
    boolean rests =
        rule.restsWithoutGradient()
            && options.kernel() != Kernel.XLA
            && options.transforms().isEmpty()
            && options.ema().isEmpty()
            && !options.isAccumulated();
    if (!rests) {
      return Set.of();
    }
    List<TrainableVariable> large =
        variables.stream()
            .filter(variable -> variable.shape().numDimensions() > 0)
            .filter(variable -> variable.shape().size() >= LARGE)
            .filter(variable -> !decays(schedules, grouping, variable))
            .toList();
    return large.isEmpty() ? Set.of() : Gradients.lookedUp(loss, large);
  }

  private static boolean decays(
      Map<Hyper, Schedule> schedules, Grouping grouping, TrainableVariable variable) {
    Schedule decay =
        grouping
            .of(variable)
            .map(group -> group.schedules().get(Hyper.WEIGHT_DECAY))
            .orElse(schedules.get(Hyper.WEIGHT_DECAY));
    return decay.constant().orElse(1) != 0;
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
