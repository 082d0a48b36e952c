package io.github.fadam.framework.loss;

import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** A loss over the classes in the output's last dimension. */
abstract class ClassLoss implements Loss {

  private final boolean fromLogits;

  ClassLoss(boolean fromLogits) {
    this.fromLogits = fromLogits;
  }

  /** The loss of every row, from labels as fed and scores [rows, classes]. */
  abstract <T extends TNumber> Operand<T> rowLosses(Ops tf, Operand<?> labels, Operand<T> scores);

  /** The class of every row. */
  abstract Operand<TInt64> labelClasses(Ops tf, Operand<?> labels);

  @Override
  public final Operand<? extends TNumber> value(Ops tf, Operand<?> labels, Operand<?> output) {
    requireFit(labels, output);
    return LossInputs.mean(
        tf, rowLosses(tf, labels, output, LossInputs.computeType(name(), output)));
  }

  @Override
  public final Optional<Operand<? extends TNumber>> weightedValue(
      Ops tf, Operand<?> labels, Operand<?> output, Operand<TFloat32> weights) {
    requireFit(labels, output);
    return Optional.of(
        LossInputs.weightedMean(
            tf, rowLosses(tf, labels, output, LossInputs.computeType(name(), output)), weights));
  }

  private <T extends TNumber> Operand<T> rowLosses(
      Ops tf, Operand<?> labels, Operand<?> output, Class<T> type) {
    return rowLosses(tf, labels, LossInputs.rows(tf, LossInputs.cast(tf, output, type)));
  }

  @Override
  public final boolean fromLogits() {
    return fromLogits;
  }

  @Override
  public final Activation activation() {
    return Activation.SOFTMAX;
  }

  @Override
  public final Optional<Operand<TFloat32>> accuracy(Ops tf, Operand<?> labels, Operand<?> output) {
    requireFit(labels, output);
    Operand<? extends TNumber> scores =
        LossInputs.rows(tf, LossInputs.cast(tf, output, LossInputs.computeType(name(), output)));
    Operand<TInt64> predicted = tf.math.argMax(scores, tf.constant(1));
    return Optional.of(
        LossInputs.mean(
            tf,
            tf.dtypes.cast(tf.math.equal(predicted, labelClasses(tf, labels)), TFloat32.class)));
  }

  private void requireFit(Operand<?> labels, Operand<?> output) {
    Shape shape = output.shape();
    if (!shape.isUnknown() && shape.numDimensions() < 2) {
      throw new IllegalArgumentException(
          "Expected an output [batch, ..., classes] for "
              + name()
              + ", found "
              + output.asOutput().name()
              + " of shape "
              + shape
              + "; an output of one number for each example belongs to binary_crossentropy or mse.");
    }
    LossInputs.requireShape(name(), labels, output, labelShape(shape));
  }
}
