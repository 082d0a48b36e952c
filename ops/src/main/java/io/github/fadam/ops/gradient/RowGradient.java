package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The gradient of a loss by those rows of a variable that the loss looks up; by all other rows it
 * is 0.
 *
 * @param indices the rows, an int64 vector in which each row stands once
 * @param values the gradient by each of these rows, of the variable's dtype; a row that is looked
 *     up several times has the sum
 */
public record RowGradient(Operand<TInt64> indices, Output<?> values) {

  /** Gathers the gradients by all lookups of one variable; each row is to appear once. */
  static RowGradient of(
      Ops tf, TrainableVariable variable, List<RowLookups.Lookup> lookups, List<Output<?>> dy) {
    long[] rowsOf = variable.shape().asArray();
    rowsOf[0] = -1;
    List<Operand<TInt64>> indices = new ArrayList<>();
    List<Operand<TNumber>> rows = new ArrayList<>();
    for (int i = 0; i < dy.size(); i++) {
      Operand<TInt64> index = tf.dtypes.cast(number(lookups.get(i).indices()), TInt64.class);
      indices.add(tf.reshape(index, tf.constant(new long[] {-1})));
      rows.add(tf.reshape(number(dy.get(i)), tf.constant(rowsOf)));
    }
    var unique = tf.unique(joined(tf, indices), tf.constant(new int[] {0}));
    Operand<TNumber> sums =
        tf.math.unsortedSegmentSum(joined(tf, rows), unique.idx(), tf.size(unique.y()));
    return new RowGradient(unique.y(), sums.asOutput());
  }

  private static <T extends TNumber> Operand<T> joined(Ops tf, List<Operand<T>> parts) {
    return parts.size() == 1 ? parts.get(0) : tf.concat(parts, tf.constant(0));
  }

  @SuppressWarnings("unchecked") // indices and gradients are numbers
  private static Operand<TNumber> number(Output<?> tensor) {
    return (Operand<TNumber>) Objects.requireNonNull(tensor);
  }
}
