package io.github.fadam.framework.loss;

import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** A loss that compares every element of the output with one of the labels. */
abstract class ElementLoss implements Loss {

  /** The loss of every element. */
  abstract <T extends TNumber> Operand<T> losses(Ops tf, Operand<T> labels, Operand<T> output);

  @Override
  public final Operand<? extends TNumber> value(Ops tf, Operand<?> labels, Operand<?> output) {
    LossInputs.requireShape(name(), labels, output, output.shape());
    return LossInputs.mean(tf, losses(tf, labels, output, LossInputs.computeType(name(), output)));
  }

  @Override
  public final Optional<Operand<? extends TNumber>> weightedValue(
      Ops tf, Operand<?> labels, Operand<?> output, Operand<TFloat32> weights) {
    LossInputs.requireShape(name(), labels, output, output.shape());
    return Optional.of(
        LossInputs.weightedMean(
            tf, losses(tf, labels, output, LossInputs.computeType(name(), output)), weights));
  }

  private <T extends TNumber> Operand<T> losses(
      Ops tf, Operand<?> labels, Operand<?> output, Class<T> type) {
    Operand<T> y = aligned(tf, labels, output, type);
    return losses(tf, y, LossInputs.cast(tf, output, type));
  }

  /** The labels in the output's shape; without this [batch] against [batch, 1] would broadcast. */
  static <T extends TNumber> Operand<T> aligned(
      Ops tf, Operand<?> labels, Operand<?> output, Class<T> type) {
    return tf.reshape(LossInputs.cast(tf, labels, type), tf.shape(output));
  }

  @Override
  public boolean fromLogits() {
    return false;
  }

  @Override
  public Activation activation() {
    return Activation.NONE;
  }

  @Override
  public Loss ofLogits() {
    throw new UnsupportedOperationException(name() + " takes the output as it is, not logits.");
  }

  @Override
  public final DataType labelType(DataType output) {
    return LossInputs.computeType(output);
  }

  @Override
  public final Shape labelShape(Shape output) {
    return output;
  }

  @Override
  public Optional<Operand<TFloat32>> accuracy(Ops tf, Operand<?> labels, Operand<?> output) {
    return Optional.empty();
  }
}
