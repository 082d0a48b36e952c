/**
 * What happens to gradients on their way to the rule: loss scaling, the test for finite values,
 * accumulation over micro-steps, centralisation and clipping. The order is that of {@link
 * io.github.fadam.framework.optimizer.RuleOptimizer}.
 */
package io.github.fadam.framework.gradient;
