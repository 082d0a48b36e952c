package io.github.fadam.framework.loss;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/** {@code e^2 / 2} up to a difference e of 1, {@code e - 1/2} beyond. */
final class Huber extends ElementLoss {

  static final String NAME = "huber";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  <T extends TNumber> Operand<T> losses(Ops tf, Operand<T> labels, Operand<T> output) {
    Operand<T> half = LossInputs.scalar(tf, 0.5, output.type());
    Operand<T> one = LossInputs.scalar(tf, 1, output.type());
    Operand<T> error = tf.math.sub(output, labels);
    Operand<T> distance = tf.math.abs(error);
    return tf.select(
        tf.math.lessEqual(distance, one),
        tf.math.mul(half, tf.math.square(error)),
        tf.math.sub(distance, half));
  }
}
