package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Rule;
import io.github.fadam.ops.kernel.FisherApply;

/**
 * A rule that a native operation can carry out as well, with the same slots: first those of the
 * Fisher information, then {@code m}.
 */
interface FusedRule extends Rule {

  /** The operation. */
  FisherApply fused();
}
