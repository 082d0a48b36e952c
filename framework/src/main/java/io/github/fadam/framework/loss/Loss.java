package io.github.fadam.framework.loss;

import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * A loss: a scalar from a model's output and the labels that belong to it.
 *
 * <p>The scalar is the mean over the batch, for sequences over batch and positions, and for losses
 * by element over all elements. It is computed in float64 for float64 outputs and in float32 for
 * all others. {@link Losses} has the ready ones.
 */
public interface Loss {

  /**
   * The loss's name, as Keras names it.
   *
   * @return the name in snake case
   */
  String name();

  /**
   * Adds the operations that compute the loss.
   *
   * @param tf where to add them
   * @param labels of any numeric dtype, and of the shape {@link #labelShape} names, where a last
   *     dimension of 1 may be left out or added
   * @param output of the model, of a floating point dtype
   * @return a scalar, float64 if the output is float64, else float32
   * @throws IllegalArgumentException if the static shapes or the dtypes do not fit
   */
  Operand<? extends TNumber> value(Ops tf, Operand<?> labels, Operand<?> output);

  /**
   * Adds the operations that compute the loss of rows that count differently: {@code sum(w l) /
   * sum(w)} over the rows' means {@code l}. With equal weights it is {@link #value}. A loss of
   * one's own has none unless it says how.
   *
   * @param tf where to add them
   * @param labels as for {@link #value}
   * @param output as for {@link #value}
   * @param weights of shape [batch], 0 or more and not all 0
   * @return a scalar as {@link #value} gives, or empty if this loss cannot be weighted
   * @throws IllegalArgumentException if the static shapes or the dtypes do not fit
   */
  default Optional<Operand<? extends TNumber>> weightedValue(
      Ops tf, Operand<?> labels, Operand<?> output, Operand<TFloat32> weights) {
    return Optional.empty();
  }

  /**
   * Whether the output holds logits and not what {@link #activation} makes of them.
   *
   * @return true for logits; false for probabilities, and where there is no activation
   */
  boolean fromLogits();

  /**
   * The activation that lies between logits and the probabilities this loss is about. A model whose
   * last operation it is can be trained on the logits before it, with {@link #ofLogits}.
   *
   * @return the activation, {@link Activation#NONE} for a loss that knows no logits
   */
  Activation activation();

  /**
   * This loss of logits: the same value from what goes into the activation, with the right gradient
   * where a probability is so near 0 or 1 that it is clipped.
   *
   * @return the loss, this one if it is of logits already
   * @throws UnsupportedOperationException if {@link #activation} is {@link Activation#NONE}
   */
  Loss ofLogits();

  /**
   * The dtype in which labels should be fed.
   *
   * @param output dtype of the output
   * @return int64 for class numbers; else float64 for a float64 output and float32 for others
   */
  DataType labelType(DataType output);

  /**
   * The shape in which labels should be fed.
   *
   * @param output shape of the output
   * @return the output's without its last dimension for class numbers; else the output's
   */
  Shape labelShape(Shape output);

  /**
   * Adds the operations that compute the accuracy, if the loss has one: the part of predictions
   * that are right. For classes that is the largest output's class, for binary labels an output
   * above 0.5, or above 0 for logits.
   *
   * @param tf where to add them
   * @param labels as for {@link #value}
   * @param output as for {@link #value}
   * @return a scalar between 0 and 1, or empty where the labels are no classes
   * @throws IllegalArgumentException if the static shapes or the dtypes do not fit
   */
  Optional<Operand<TFloat32>> accuracy(Ops tf, Operand<?> labels, Operand<?> output);
}
