package io.github.fadam.framework.rule;

import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.family.TNumber;

/**
 * One piece of optimizer state that a rule keeps per variable.
 *
 * @param name name within the rule, for example {@code f} for the FIM EMA or {@code m} for momentum
 * @param shape fully known shape of the state, which need not be the variable's
 * @param initial value of every element before the first step
 * @param type what the state is stored as between steps; empty for the compute type. A rule always
 *     reads and returns the compute type
 */
public record Slot(
    String name, Shape shape, double initial, Optional<Class<? extends TNumber>> type) {

  /**
   * A slot that is stored as it is computed.
   *
   * @param name name within the rule
   * @param shape fully known shape of the state
   * @param initial value of every element before the first step
   */
  public Slot(String name, Shape shape, double initial) {
    this(name, shape, initial, Optional.empty());
  }
}
