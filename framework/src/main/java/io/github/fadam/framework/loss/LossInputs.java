package io.github.fadam.framework.loss;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/** Brings labels and output to the types and shapes that losses compute with. */
final class LossInputs {

  /** Keras's epsilon: how near to 0 and 1 a probability may come. */
  private static final double EPSILON = 1e-7;

  private LossInputs() {}

  static Class<? extends TNumber> computeType(String loss, Operand<?> output) {
    // A reference variable's own dataType() is that of the reference.
    Class<? extends TType> type = output.type();
    if (type == TFloat64.class) {
      return TFloat64.class;
    }
    if (TFloating.class.isAssignableFrom(type)) {
      return TFloat32.class;
    }
    throw new IllegalArgumentException(
        "Expected an output of floating point numbers for "
            + loss
            + ", found "
            + describe(output)
            + "; pass the output that holds probabilities, logits or values.");
  }

  static DataType computeType(DataType output) {
    return output == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
  }

  /** Casts numbers; a cast to the same type would only hide its input from checks on the graph. */
  @SuppressWarnings("unchecked") // the dtype has been compared
  static <T extends TNumber> Operand<T> cast(Ops tf, Operand<?> x, Class<T> type) {
    return x.type() == type ? (Operand<T>) x : tf.dtypes.cast(x, type);
  }

  static <T extends TNumber> Operand<T> scalar(Ops tf, double value, Class<T> type) {
    return tf.dtypes.cast(tf.constant(value), type);
  }

  /** Probabilities between epsilon and 1 - epsilon. */
  static <T extends TNumber> Operand<T> clipped(Ops tf, Operand<T> p) {
    return tf.math.minimum(
        tf.math.maximum(p, scalar(tf, EPSILON, p.type())), scalar(tf, 1 - EPSILON, p.type()));
  }

  /** The mean over all elements. */
  static <T extends TNumber> Operand<T> mean(Ops tf, Operand<T> x) {
    return tf.math.mean(tf.reshape(x, tf.constant(new int[] {-1})), tf.constant(0));
  }

  /** The mean over rows of their means over all else, by weights [rows]. */
  static <T extends TNumber> Operand<T> weightedMean(
      Ops tf, Operand<T> x, Operand<TFloat32> weights) {
    Operand<T> each =
        tf.math.mean(
            tf.reshape(x, tf.concat(List.of(tf.shape(weights), tf.array(-1)), tf.constant(0))),
            tf.constant(1));
    Operand<T> w = cast(tf, weights, x.type());
    return tf.math.div(tf.sum(tf.math.mul(w, each), tf.constant(0)), tf.sum(w, tf.constant(0)));
  }

  /** [..., classes] as [rows, classes]. */
  static <T extends TNumber> Operand<T> rows(Ops tf, Operand<T> x) {
    long classes = x.shape().isUnknown() ? Shape.UNKNOWN_SIZE : x.shape().get(-1);
    if (classes != Shape.UNKNOWN_SIZE) {
      return tf.reshape(x, tf.constant(new long[] {-1, classes}));
    }
    Operand<TInt64> all = tf.shape(x, TInt64.class);
    Operand<TInt64> last = tf.gather(all, tf.math.sub(tf.rank(x), tf.constant(1)), tf.constant(0));
    return tf.reshape(
        x,
        tf.concat(
            List.of(tf.constant(new long[] {-1}), tf.reshape(last, tf.constant(new int[] {1}))),
            tf.constant(0)));
  }

  /** Requires labels of the expected shape, except for a last dimension of 1. */
  static void requireShape(String loss, Operand<?> labels, Operand<?> output, Shape expected) {
    Shape found = labels.shape();
    if (expected.isUnknown() || found.isUnknown() || found.isCompatibleWith(expected)) {
      return;
    }
    boolean fits =
        found.numDimensions() > expected.numDimensions()
            ? withoutLast(found, expected)
            : withoutLast(expected, found);
    if (!fits) {
      throw new IllegalArgumentException(
          "Expected labels of shape "
              + expected
              + " for "
              + loss
              + " of the output "
              + describe(output)
              + ", found "
              + describe(labels)
              + "; feed one label for each prediction.");
    }
  }

  private static boolean withoutLast(Shape longer, Shape shorter) {
    if (longer.numDimensions() != shorter.numDimensions() + 1) {
      return false;
    }
    long last = longer.get(-1);
    return (last == 1 || last == Shape.UNKNOWN_SIZE)
        && longer.take(shorter.numDimensions()).isCompatibleWith(shorter);
  }

  private static String describe(Operand<?> x) {
    return x.asOutput().name() + " of " + x.asOutput().dataType() + " " + x.shape();
  }
}
