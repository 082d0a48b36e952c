package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;

/** Operations whose outputs are their inputs, unchanged. */
final class PassThroughGradients {

  private PassThroughGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    GradientBuilder.Formula first = g -> List.of(g.dy(0));
    return Map.of(
        "EnsureShape", first,
        "IdentityN", GradientBuilder::allDy,
        "PlaceholderWithDefault", first,
        "PreventGradient", first,
        "Snapshot", first);
  }
}
