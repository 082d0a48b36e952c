package io.github.fadam.framework.optimizer;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;

/**
 * A whole training step as one function that XLA compiles.
 *
 * @param step the operation to run for one step; it has computed the loss too
 * @param loss the loss of the step, from before the update. To fetch it is to make the step
 * @param outside names of the operations that the step needs and that are not compiled: inputs,
 *     variables, and what XLA does not compile
 */
public record CompiledStep(Op step, Operand<?> loss, List<String> outside) {

  /**
   * Copies the list.
   *
   * @param step see the record
   * @param loss see the record
   * @param outside see the record
   */
  public CompiledStep {
    outside = List.copyOf(outside);
  }
}
