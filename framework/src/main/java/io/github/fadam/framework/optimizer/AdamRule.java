package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.Preconditioner;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/** Algorithm 3, which is also AdamW's where nothing is clipped. */
record AdamRule(double beta1, double beta2, double epsilon) implements Rule {

  static AdamRule of(MomentBuilder<?> builder) {
    return new AdamRule(builder.beta1(), builder.beta2(), builder.epsilon());
  }

  @Override
  public List<Slot> slots(Shape shape) {
    return List.of(new Slot("f", shape, 0), new Slot("m", shape, 0));
  }

  @Override
  public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
    Operand<T> theta = gradient.theta();
    Class<T> type = theta.type();
    Operand<T> f =
        BiasCorrectedDecay.of(tf, beta2, gradient.step(), type)
            .average(tf, gradient.slots().get("f"), gradient.squared());
    Operand<T> m =
        BiasCorrectedDecay.of(tf, beta1, gradient.step(), type)
            .average(tf, gradient.slots().get("m"), gradient.value());
    Preconditioner<T> preconditioner =
        Preconditioner.of(
            tf, gradient.form(), f, gradient.value(), 0.5, new Epsilon.Fixed(epsilon));
    Operand<T> direction = gradient.clipped(tf, preconditioner.quotient(tf, m));
    if (gradient.decays()) {
      direction = tf.math.add(direction, tf.math.mul(gradient.hyper(Hyper.WEIGHT_DECAY), theta));
    }
    Operand<T> step = tf.math.mul(gradient.hyper(Hyper.LEARNING_RATE), direction);
    return Update.down(tf, theta, step, Map.of("f", f, "m", m));
  }
}
