/**
 * Optimizers for graph-mode TensorFlow: FAdam, FAdafactor and what they are compared with.
 *
 * <p>Each is one file: its options and its {@link io.github.fadam.framework.rule.Rule}. {@link
 * io.github.fadam.framework.optimizer.RuleOptimizer} is what they share: it finds the variables,
 * asks for the gradients, keeps slots and the step counter and orders one step.
 */
package io.github.fadam.framework.optimizer;
