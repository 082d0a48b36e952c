package io.github.fadam.framework.rule;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/** The update of one optimizer for one variable: the formula and nothing else. */
public interface Rule {

  /**
   * Slots that the rule keeps for a variable.
   *
   * @param shape fully known shape of the variable
   * @return the slots in a fixed order, each name once
   */
  List<Slot> slots(Shape shape);

  /**
   * Whether a gradient of 0 leaves the variable and all slots as they are, where there is no weight
   * decay. Of a table of which the loss looks up some rows, only those need to be updated then.
   *
   * @return false unless a rule says otherwise
   */
  default boolean restsWithoutGradient() {
    return false;
  }

  /**
   * Adds the operations of one update.
   *
   * @param tf where to add them
   * @param gradient everything the update is computed from
   * @param <T> the compute type
   * @return the new value of the variable and of every slot
   */
  <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient);

  /**
   * The result of an update.
   *
   * @param theta new value of the variable
   * @param step what the new value is less than the old one by, where that is all there is to it:
   *     the variable is changed in place then, and {@code theta} is left out of the graph that runs
   * @param slots new value of every slot, by name
   * @param <T> the compute type
   */
  record Update<T extends TNumber>(
      Operand<T> theta, Optional<Operand<T>> step, Map<String, Operand<T>> slots) {

    /**
     * An update to any value.
     *
     * @param theta new value of the variable
     * @param slots new value of every slot, by name
     */
    public Update(Operand<T> theta, Map<String, Operand<T>> slots) {
      this(theta, Optional.empty(), slots);
    }

    /**
     * An update by a step down.
     *
     * @param tf where to add the new value
     * @param theta value of the variable before the update
     * @param step what is subtracted, of the variable's shape
     * @param slots new value of every slot, by name
     * @param <T> the compute type
     * @return the update
     */
    public static <T extends TNumber> Update<T> down(
        Ops tf, Operand<T> theta, Operand<T> step, Map<String, Operand<T>> slots) {
      return new Update<>(tf.math.sub(theta, step), Optional.of(step), slots);
    }
  }
}
