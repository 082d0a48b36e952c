package io.github.fadam.framework.loss;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** {@code -log p[label]}; labels are class numbers. */
final class SparseCategoricalCrossentropy extends ClassLoss {

  static final String NAME = "sparse_categorical_crossentropy";

  SparseCategoricalCrossentropy(boolean fromLogits) {
    super(fromLogits);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  <T extends TNumber> Operand<T> rowLosses(Ops tf, Operand<?> labels, Operand<T> scores) {
    // Keras normalises the clipped probabilities once more, by the softmax of their logarithms.
    Operand<T> logits = fromLogits() ? scores : tf.math.log(LossInputs.clipped(tf, scores));
    Operand<T> logProbabilities = tf.nn.logSoftmax(logits);
    Operand<TInt64> classes = labelClasses(tf, labels);
    Operand<TInt32> count = count(tf, scores);
    Operand<TBool> chosen = tf.oneHot(classes, count, tf.constant(true), tf.constant(false));
    Operand<T> picked =
        tf.sum(tf.select(chosen, logProbabilities, tf.zerosLike(logProbabilities)), tf.constant(1));
    return tf.math.neg(requireClass(tf, classes, count, picked));
  }

  /** A constant where it can be one: the check of the labels does not need the scores then. */
  private static Operand<TInt32> count(Ops tf, Operand<? extends TNumber> scores) {
    long classes = scores.shape().get(1);
    return classes == Shape.UNKNOWN_SIZE
        ? tf.gather(tf.shape(scores), tf.constant(1), tf.constant(0))
        : tf.constant((int) classes);
  }

  /** TensorFlow's one-hot of a wrong label is all zeros, a loss of 0 that nobody would notice. */
  private static <T extends TNumber> Operand<T> requireClass(
      Ops tf, Operand<TInt64> classes, Operand<TInt32> count, Operand<T> x) {
    Operand<TBool> valid =
        tf.math.logicalAnd(
            tf.math.greaterEqual(classes, tf.constant(0L)),
            tf.math.less(classes, tf.dtypes.cast(count, TInt64.class)));
    Op check =
        tf.assertThat(
            tf.all(valid, tf.constant(0)),
            List.of(
                tf.constant("Expected labels from 0 to classes - 1; classes and labels are"),
                count,
                classes));
    Operand<T> nan = tf.fill(tf.shape(x), LossInputs.scalar(tf, Double.NaN, x.type()));
    return tf.withControlDependencies(List.of(check)).select(valid, x, nan);
  }

  @Override
  Operand<TInt64> labelClasses(Ops tf, Operand<?> labels) {
    return tf.reshape(LossInputs.cast(tf, labels, TInt64.class), tf.constant(new int[] {-1}));
  }

  @Override
  public Loss ofLogits() {
    return fromLogits() ? this : new SparseCategoricalCrossentropy(true);
  }

  @Override
  public DataType labelType(DataType output) {
    return DataType.DT_INT64;
  }

  @Override
  public Shape labelShape(Shape output) {
    return output.isUnknown() ? output : output.take(output.numDimensions() - 1);
  }
}
