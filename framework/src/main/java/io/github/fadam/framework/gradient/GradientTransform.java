package io.github.fadam.framework.gradient;

import io.github.fadam.ops.fisher.CenteredGradient;
import io.github.fadam.ops.fisher.Form;
import io.github.fadam.ops.fisher.GlobalNorm;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * What is done to all gradients of a step before the rule sees them.
 *
 * <p>A gradient that is not a number stays so: no transform hides it.
 */
public sealed interface GradientTransform {

  /**
   * Adds the operations.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param gradients one for every trained variable, float32 or float64, of known static shapes
   * @return the changed gradients in the same order, of the same types and shapes
   */
  List<Operand<? extends TNumber>> apply(
      Ops tf, Form form, List<Operand<? extends TNumber>> gradients);

  /** Subtracts from every matrix or kernel its mean over all but the last dimension. */
  record Centralize() implements GradientTransform {
    @Override
    public List<Operand<? extends TNumber>> apply(
        Ops tf, Form form, List<Operand<? extends TNumber>> gradients) {
      List<Operand<? extends TNumber>> centred = new ArrayList<>();
      gradients.forEach(gradient -> centred.add(CenteredGradient.of(tf, form, gradient)));
      return centred;
    }
  }

  /**
   * Brings every element into {@code [-limit, limit]}.
   *
   * @param limit the largest absolute value, positive and finite
   */
  record ClipByValue(double limit) implements GradientTransform {
    /**
     * Checks the limit.
     *
     * @param limit the largest absolute value
     * @throws IllegalArgumentException if it is not positive and finite
     */
    public ClipByValue {
      requirePositive("clip-by-value", limit);
    }

    @Override
    public List<Operand<? extends TNumber>> apply(
        Ops tf, Form form, List<Operand<? extends TNumber>> gradients) {
      List<Operand<? extends TNumber>> clipped = new ArrayList<>();
      gradients.forEach(gradient -> clipped.add(clip(tf, gradient)));
      return clipped;
    }

    private <T extends TNumber> Operand<T> clip(Ops tf, Operand<T> gradient) {
      Operand<T> upper = tf.dtypes.cast(tf.constant(limit), gradient.type());
      Operand<T> clipped = tf.math.maximum(tf.math.minimum(gradient, upper), tf.math.neg(upper));
      // Minimum and maximum of NaN are the bound on some processors.
      return tf.select(tf.math.isNan(gradient), gradient, clipped);
    }
  }

  /**
   * Scales the gradient of each variable on its own down to a norm.
   *
   * @param limit the largest Euclidean norm of one variable's gradient, positive and finite
   */
  record ClipByNorm(double limit) implements GradientTransform {
    /**
     * Checks the limit.
     *
     * @param limit the largest norm
     * @throws IllegalArgumentException if it is not positive and finite
     */
    public ClipByNorm {
      requirePositive("clip-by-norm", limit);
    }

    @Override
    public List<Operand<? extends TNumber>> apply(
        Ops tf, Form form, List<Operand<? extends TNumber>> gradients) {
      List<Operand<? extends TNumber>> clipped = new ArrayList<>();
      gradients.forEach(
          gradient ->
              clipped.addAll(GlobalNorm.of(tf, form, List.of(gradient)).clipped(tf, limit)));
      return clipped;
    }
  }

  /**
   * Scales all gradients of the step down together, so that their direction stays.
   *
   * @param limit the largest Euclidean norm of all gradients taken as one vector, positive and
   *     finite
   */
  record ClipByGlobalNorm(double limit) implements GradientTransform {
    /**
     * Checks the limit.
     *
     * @param limit the largest norm
     * @throws IllegalArgumentException if it is not positive and finite
     */
    public ClipByGlobalNorm {
      requirePositive("clip-by-global-norm", limit);
    }

    @Override
    public List<Operand<? extends TNumber>> apply(
        Ops tf, Form form, List<Operand<? extends TNumber>> gradients) {
      return GlobalNorm.of(tf, form, gradients).clipped(tf, limit);
    }
  }

  private static void requirePositive(String option, double limit) {
    if (!(limit > 0 && limit < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected " + option + " above 0 and finite, found " + limit);
    }
  }
}
