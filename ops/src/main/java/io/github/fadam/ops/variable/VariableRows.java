package io.github.fadam.ops.variable;

import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Some rows of a variable, such as the embeddings of the tokens in a batch. What is not among them
 * is neither read nor written, so that the work does not grow with the variable.
 *
 * @param variable a variable of one dimension or more; a row is what one index of the first stands
 *     for
 * @param indices which rows, an int32 or int64 vector in which each row stands at most once
 */
public record VariableRows(TrainableVariable variable, Operand<? extends TNumber> indices) {

  /**
   * Adds an operation that reads the rows ({@code ResourceGather}, {@code GatherV2}).
   *
   * @param tf where to add it
   * @return the rows in the order of the indices
   */
  public Operand<?> read(Ops tf) {
    return switch (variable.kind()) {
      case RESOURCE -> tf.resourceGather(variable.handle(), indices, variable.type());
      case REFERENCE -> tf.gather(variable.handle(), indices, tf.constant(0));
    };
  }

  /**
   * Adds an operation that sets the rows ({@code ResourceScatterUpdate}, {@code ScatterUpdate}).
   *
   * @param tf where to add it
   * @param rows new values in the order of the indices, of the variable's dtype
   * @return the operation, to run or to depend on
   */
  public Op assign(Ops tf, Operand<?> rows) {
    return switch (variable.kind()) {
      case RESOURCE -> tf.resourceScatterUpdate(variable.handle(), indices, typed(rows));
      case REFERENCE -> tf.scatterUpdate(typed(variable.handle()), indices, typed(rows));
    };
  }

  @SuppressWarnings("unchecked") // TensorFlow checks the dtype when the operation is built
  private static Operand<TType> typed(Operand<?> value) {
    return (Operand<TType>) value;
  }
}
