package io.github.fadam.framework.loss;

import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** {@code -(y log p + (1 - y) log(1 - p))}. */
final class BinaryCrossentropy extends ElementLoss {

  static final String NAME = "binary_crossentropy";

  private final boolean fromLogits;

  BinaryCrossentropy(boolean fromLogits) {
    this.fromLogits = fromLogits;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  <T extends TNumber> Operand<T> losses(Ops tf, Operand<T> labels, Operand<T> output) {
    return fromLogits ? ofLogits(tf, labels, output) : ofProbabilities(tf, labels, output);
  }

  private static <T extends TNumber> Operand<T> ofProbabilities(
      Ops tf, Operand<T> y, Operand<T> output) {
    Operand<T> one = LossInputs.scalar(tf, 1, output.type());
    Operand<T> p = LossInputs.clipped(tf, output);
    return tf.math.neg(
        tf.math.add(
            tf.math.mul(y, tf.math.log(p)),
            tf.math.mul(tf.math.sub(one, y), tf.math.log(tf.math.sub(one, p)))));
  }

  /** {@code max(x, 0) - x y + log(1 + exp(-|x|))}; by selection, for the gradient at 0. */
  private static <T extends TNumber> Operand<T> ofLogits(Ops tf, Operand<T> y, Operand<T> x) {
    Operand<T> zeros = tf.zerosLike(x);
    Operand<TBool> positive = tf.math.greaterEqual(x, zeros);
    Operand<T> above = tf.select(positive, x, zeros);
    Operand<T> negated = tf.select(positive, tf.math.neg(x), x);
    return tf.math.add(tf.math.sub(above, tf.math.mul(x, y)), tf.math.log1p(tf.math.exp(negated)));
  }

  @Override
  public boolean fromLogits() {
    return fromLogits;
  }

  @Override
  public Activation activation() {
    return Activation.SIGMOID;
  }

  @Override
  public Loss ofLogits() {
    return fromLogits ? this : new BinaryCrossentropy(true);
  }

  @Override
  public Optional<Operand<TFloat32>> accuracy(Ops tf, Operand<?> labels, Operand<?> output) {
    LossInputs.requireShape(name(), labels, output, output.shape());
    return Optional.of(accuracy(tf, labels, output, LossInputs.computeType(name(), output)));
  }

  private <T extends TNumber> Operand<TFloat32> accuracy(
      Ops tf, Operand<?> labels, Operand<?> output, Class<T> type) {
    Operand<T> threshold = LossInputs.scalar(tf, fromLogits ? 0 : 0.5, type);
    Operand<T> predicted =
        tf.dtypes.cast(tf.math.greater(LossInputs.cast(tf, output, type), threshold), type);
    Operand<TBool> right = tf.math.equal(predicted, aligned(tf, labels, output, type));
    return LossInputs.mean(tf, tf.dtypes.cast(right, TFloat32.class));
  }
}
