package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.ops.fisher.Preconditioner;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/** How Algorithms 1 and 2 end: the natural weight decay joins the momentum, and theta moves. */
final class NaturalDescent {

  private NaturalDescent() {}

  static <T extends TNumber> Operand<T> theta(
      Ops tf, Gradient<T> gradient, Preconditioner<T> preconditioner, Operand<T> momentum) {
    Operand<T> theta = gradient.theta();
    Operand<T> direction = momentum;
    if (gradient.decays()) {
      Operand<T> w = gradient.clipped(tf, preconditioner.decayDirection(tf, theta));
      direction = tf.math.add(momentum, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), w));
    }
    return tf.math.sub(theta, tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), direction));
  }
}
