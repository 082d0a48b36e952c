/**
 * The contract between an optimizer's mathematics and everything around it.
 *
 * <p>A {@link io.github.fadam.framework.rule.Rule} is a pure function from (theta, g, g squared,
 * slots, scalar hyper-parameters, t) to (new theta, new slots). It neither reads nor assigns
 * variables and knows nothing of their kinds, of parameter groups or of schedules.
 */
package io.github.fadam.framework.rule;
