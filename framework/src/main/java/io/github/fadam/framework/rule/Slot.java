package io.github.fadam.framework.rule;

import org.tensorflow.ndarray.Shape;

/**
 * One piece of optimizer state that a rule keeps per variable.
 *
 * @param name name within the rule, for example {@code f} for the FIM EMA or {@code m} for momentum
 * @param shape fully known shape of the state, which need not be the variable's
 * @param initial value of every element before the first step
 */
public record Slot(String name, Shape shape, double initial) {}
