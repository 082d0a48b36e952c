package io.github.fadam.savedmodel.cli;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.util.List;

/**
 * Number of parameters in a report.
 *
 * @param all of all variables, each counted once
 * @param trainable of those that train
 */
record ParameterCount(long all, long trainable) {

  /** Elements of a floating point variable; counters and seeds are no parameters. */
  static long of(ModelVariable variable) {
    return !TensorTypes.isFloating(variable.dataType())
            || variable.shape().isUnknown()
            || variable.shape().hasUnknownDimension()
        ? 0
        : variable.shape().size();
  }

  /** Those of some variables, trainable as the model says. */
  static ParameterCount of(List<InspectReport.Variable> variables) {
    return new ParameterCount(
        variables.stream().mapToLong(InspectReport.Variable::parameters).sum(),
        variables.stream()
            .filter(InspectReport.Variable::trainable)
            .mapToLong(InspectReport.Variable::parameters)
            .sum());
  }
}
