package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Activation;
import io.github.fadam.framework.loss.Loss;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A check of the first batch: a loss that takes probabilities trains nonsense on logits and does
 * not say so.
 *
 * @param output key of the output
 * @param loss the loss that takes it
 * @param violation largest distance of the output from being probabilities, a float32 scalar
 */
record ProbabilityCheck(String output, Loss loss, Operand<TFloat32> violation) {

  private static final float TOLERANCE = 1e-3f;

  /** Adds the operations: elements from 0 to 1, and rows that add up to 1 for a softmax. */
  static ProbabilityCheck of(Ops tf, String output, Loss loss, Operand<TFloat32> probabilities) {
    Operand<TFloat32> flat = tf.reshape(probabilities, tf.constant(new int[] {-1}));
    Operand<TFloat32> one = tf.constant(1f);
    Operand<TFloat32> below = tf.math.neg(tf.reduceMin(flat, tf.constant(0)));
    Operand<TFloat32> above = tf.math.sub(tf.reduceMax(flat, tf.constant(0)), one);
    Operand<TFloat32> violation = tf.math.maximum(below, above);
    if (loss.activation() == Activation.SOFTMAX) {
      Operand<TFloat32> sums = tf.reduceSum(probabilities, tf.constant(-1));
      Operand<TFloat32> error =
          tf.reduceMax(
              tf.reshape(tf.math.abs(tf.math.sub(sums, one)), tf.constant(new int[] {-1})),
              tf.constant(0));
      violation = tf.math.maximum(violation, error);
    }
    return new ProbabilityCheck(output, loss, violation);
  }

  void run(Session session, Feeds feeds) {
    try (Result result = feeds.into(session.runner()).fetch(violation).run()) {
      float found = ((TFloat32) result.get(0)).getFloat();
      if (!(found <= TOLERANCE)) {
        throw new IllegalArgumentException(
            "Expected probabilities in output "
                + output
                + " for "
                + loss.name()
                + ", found numbers that are off by up to "
                + found
                + " in the first batch; if they are logits, say so with --from-logits"
                + " (Losses.named(\""
                + loss.name()
                + "\", true)).");
      }
    }
  }
}
