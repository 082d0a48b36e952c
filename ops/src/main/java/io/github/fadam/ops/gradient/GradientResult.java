package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/**
 * What {@link Gradients} found.
 *
 * @param gradients variable to dense gradient of the variable's shape and dtype, in the given order
 * @param unreached variables that the loss does not depend on
 */
public record GradientResult(
    Map<TrainableVariable, Output<?>> gradients, List<TrainableVariable> unreached) {}
