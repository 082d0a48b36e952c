package io.github.fadam.framework.loss;

import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** {@code -sum(labels log p)}; labels are probabilities, usually one-hot. */
final class CategoricalCrossentropy extends ClassLoss {

  static final String NAME = "categorical_crossentropy";

  CategoricalCrossentropy(boolean fromLogits) {
    super(fromLogits);
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  <T extends TNumber> Operand<T> rowLosses(Ops tf, Operand<?> labels, Operand<T> scores) {
    Operand<T> y = LossInputs.rows(tf, LossInputs.cast(tf, labels, scores.type()));
    Operand<T> logProbabilities;
    if (fromLogits()) {
      logProbabilities = tf.nn.logSoftmax(scores);
    } else {
      Operand<T> total = tf.reduceSum(scores, tf.constant(1), ReduceSum.keepDims(true));
      logProbabilities = tf.math.log(LossInputs.clipped(tf, tf.math.div(scores, total)));
    }
    return tf.math.neg(tf.sum(tf.math.mul(y, logProbabilities), tf.constant(1)));
  }

  @Override
  Operand<TInt64> labelClasses(Ops tf, Operand<?> labels) {
    Operand<? extends TNumber> y = LossInputs.rows(tf, LossInputs.cast(tf, labels, TFloat32.class));
    return tf.math.argMax(y, tf.constant(1));
  }

  @Override
  public Loss ofLogits() {
    return fromLogits() ? this : new CategoricalCrossentropy(true);
  }

  @Override
  public DataType labelType(DataType output) {
    return LossInputs.computeType(output);
  }

  @Override
  public Shape labelShape(Shape output) {
    return output;
  }
}
