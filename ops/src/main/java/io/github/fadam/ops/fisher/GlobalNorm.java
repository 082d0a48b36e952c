package io.github.fadam.ops.fisher;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The Euclidean norm of several tensors taken as one vector.
 *
 * <p>It is finite wherever the true norm fits float64, also where squares of elements leave the
 * tensors' type, and has the same bits whatever the number of threads.
 */
public final class GlobalNorm {

  private final List<Part<?>> parts;
  private final Operand<TFloat64> value;

  private record Part<T extends TNumber>(Operand<T> tensor, RootMeanSquare<T> rms) {

    static <T extends TNumber> Part<T> of(Ops tf, Form form, Operand<T> tensor) {
      return new Part<>(tensor, form.rms(tf, tensor));
    }

    Operand<TFloat64> norm(Ops tf) {
      Operand<TFloat64> root = tf.math.sqrt(BlockSum.size(tf, tensor));
      return tf.math.mul(rms.scale(), tf.math.mul(rms.relative(), root));
    }

    /** In two steps, for the factor alone may be too small for T; exactly x where both are 1. */
    Operand<T> divided(Ops tf, Operand<TFloat64> scale, Operand<TFloat64> factor) {
      Operand<T> scaled = tf.math.div(tensor, tf.dtypes.cast(scale, tensor.type()));
      return tf.math.mul(scaled, tf.dtypes.cast(factor, tensor.type()));
    }
  }

  private GlobalNorm(List<Part<?>> parts, Operand<TFloat64> value) {
    this.parts = parts;
    this.value = value;
  }

  /**
   * Adds the operations that compute the norm.
   *
   * @param tf where to add them
   * @param form for what they are written down
   * @param tensors float32 or float64, of known ranks; at least one
   * @return the norm
   * @throws IllegalArgumentException if there is no tensor, or one of another type or of unknown
   *     rank
   */
  public static GlobalNorm of(
      Ops tf, Form form, List<? extends Operand<? extends TNumber>> tensors) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("Expected at least one tensor to take the norm of.");
    }
    List<Part<?>> parts = new ArrayList<>();
    List<Operand<TFloat64>> norms = new ArrayList<>();
    for (Operand<? extends TNumber> tensor : tensors) {
      Part<?> part = Part.of(tf, form, tensor);
      parts.add(part);
      norms.add(part.norm(tf));
    }
    if (norms.size() == 1) {
      return new GlobalNorm(parts, norms.get(0));
    }
    Operand<TFloat64> all = tf.stack(norms);
    RootMeanSquare<TFloat64> rms = form.rms(tf, all);
    Operand<TFloat64> root = tf.constant(Math.sqrt(norms.size()));
    return new GlobalNorm(parts, tf.math.mul(rms.scale(), tf.math.mul(rms.relative(), root)));
  }

  /**
   * The norm.
   *
   * @return a float64 scalar; not a number or infinite if an element is
   */
  public Operand<TFloat64> value() {
    return value;
  }

  /**
   * Adds the operations that scale all tensors down together where their norm is above a maximum.
   *
   * @param tf where to add them
   * @param maximum the largest norm, positive and finite
   * @return the tensors in their order; bit for bit as they were where the norm is not above the
   *     maximum, or is not a number
   */
  public List<Operand<? extends TNumber>> clipped(Ops tf, double maximum) {
    Operand<TFloat64> one = tf.constant(1.0);
    Operand<TFloat64> limit = tf.constant(maximum);
    var over = tf.math.greater(value, limit);
    Operand<TFloat64> divisor = tf.select(over, tf.math.div(value, limit), one);
    List<Operand<? extends TNumber>> clipped = new ArrayList<>();
    for (Part<?> part : parts) {
      Operand<TFloat64> scale = tf.select(over, part.rms().scale(), one);
      clipped.add(part.divided(tf, scale, tf.math.div(scale, divisor)));
    }
    return clipped;
  }
}
