package io.github.fadam.framework.rule;

import io.github.fadam.ops.fisher.Form;
import io.github.fadam.ops.fisher.RmsClip;
import java.util.Map;
import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * What a rule is given for one variable and one step. All tensors have the compute type {@code T}:
 * float64 for float64 variables, float32 for all others.
 *
 * @param <T> the compute type
 */
public interface Gradient<T extends TNumber> {

  /**
   * The variable's value before the step.
   *
   * @return theta at t - 1; its static shape is the variable's
   */
  Operand<T> theta();

  /**
   * The gradient of the loss at {@link #theta()}.
   *
   * @return g, of theta's shape
   */
  Operand<T> value();

  /**
   * The element-wise square that enters the Fisher information. It is not always the square of
   * {@link #value()}: accumulation may average squares. It saturates below overflow.
   *
   * @return g squared, of theta's shape, finite wherever g is
   */
  Operand<T> squared();

  /**
   * The slots' values before the step.
   *
   * @return one entry for every {@link Rule#slots slot} of the rule, by name
   */
  Map<String, Operand<T>> slots();

  /**
   * Number of this step, 1 at the first.
   *
   * @return t, an int64 scalar
   */
  Operand<TInt64> step();

  /**
   * Current value of a hyper-parameter.
   *
   * @param hyper which one
   * @return a scalar
   */
  Operand<T> hyper(Hyper hyper);

  /**
   * The value of a hyper-parameter where it is the same number at every step, so that a rule can
   * leave out what has no effect.
   *
   * @param hyper which one
   * @return the number, or empty where a schedule gives it
   */
  OptionalDouble constant(Hyper hyper);

  /**
   * For what a rule's operations are written down. It changes no formula: a rule hands it on to the
   * pieces it is made of.
   *
   * @return the form
   */
  Form form();

  /**
   * Adds the operations of the RMS clip with this step's threshold; none where it is infinite.
   *
   * @param tf where to add them
   * @param x what to clip, finite
   * @return {@code x / max(1, RMS(x) / c)}
   */
  default Operand<T> clipped(Ops tf, Operand<T> x) {
    return constant(Hyper.CLIP).orElse(1) == Double.POSITIVE_INFINITY
        ? x
        : RmsClip.of(tf, form(), x, hyper(Hyper.CLIP));
  }

  /**
   * Whether there is any weight decay, so that a rule can leave it out.
   *
   * @return false where the weight decay is 0 at every step
   */
  default boolean decays() {
    return constant(Hyper.WEIGHT_DECAY).orElse(1) != 0;
  }
}
