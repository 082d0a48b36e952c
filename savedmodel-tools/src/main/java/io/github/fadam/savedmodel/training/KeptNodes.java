package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.Map;
import java.util.Optional;

/** Why the inliner left an operation that has no gradient as it was. */
final class KeptNodes {

  private KeptNodes() {}

  /**
   * The node's name in the plan, and the reason.
   *
   * @param operation name in the graph that the plan was emitted into
   */
  static Optional<Map.Entry<String, String>> of(InlinePlan plan, String operation) {
    return plan.kept().entrySet().stream()
        .filter(kept -> operation.endsWith("/" + kept.getKey()))
        .findFirst();
  }
}
