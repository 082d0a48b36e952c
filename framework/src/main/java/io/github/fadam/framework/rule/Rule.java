package io.github.fadam.framework.rule;

import java.util.List;
import java.util.Map;
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
   * @param slots new value of every slot, by name
   * @param <T> the compute type
   */
  record Update<T extends TNumber>(Operand<T> theta, Map<String, Operand<T>> slots) {}
}
