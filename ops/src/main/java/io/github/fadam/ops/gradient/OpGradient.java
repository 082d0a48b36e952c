package io.github.fadam.ops.gradient;

import java.util.List;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;

/**
 * The gradient of one type of operation.
 *
 * <p>It is called while TensorFlow holds the graph's lock. <b>Nothing in it may take that lock
 * again, or the process hangs for ever</b>: no {@code shape()} of an operand (build {@code
 * tf.shape(x)} instead), no {@code toString()} of an output (which asks for the shape), no {@code
 * graph.operation(name)}, no {@code operation.inputs()}. Safe are {@code op.type()}, {@code
 * op.name()}, {@code op.attributes()}, {@code op.numInputs()}, {@code op.input(i)}, {@code
 * op.output(i)}, {@code output.dataType()} and building operations with the given {@link Ops},
 * except with initialisation or control-dependency scopes of another graph.
 */
@FunctionalInterface
public interface OpGradient {

  /**
   * Builds the gradient by each input.
   *
   * @param tf where to add operations: a scope of the gradient's own
   * @param op the forward operation
   * @param gradients gradient by each output of {@code op}, in order; zeros of the output's shape
   *     for an output that the loss does not use
   * @return exactly one operand per input of {@code op}, of the input's shape and dtype; zeros for
   *     an input by which nothing is differentiated, such as indices; for a variable's handle the
   *     dense gradient by the variable's value. Neither the list nor an entry may be null.
   */
  List<? extends Operand<?>> apply(Ops tf, GraphOperation op, List<Output<?>> gradients);
}
