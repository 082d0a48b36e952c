package io.github.fadam.framework.loss;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/** {@code |y - x|}. */
final class MeanAbsoluteError extends ElementLoss {

  static final String NAME = "mae";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  <T extends TNumber> Operand<T> losses(Ops tf, Operand<T> labels, Operand<T> output) {
    return tf.math.abs(tf.math.sub(output, labels));
  }
}
