package io.github.fadam.ops.gradient;

import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Operations whose outputs are their inputs, or sums of them, unchanged or rounded. */
final class PassThroughGradients {

  private PassThroughGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    GradientBuilder.Formula first = g -> List.of(g.dy(0));
    return Map.ofEntries(
        Map.entry("AccumulateNV2", g -> Collections.nCopies(g.inputs(), g.dy(0))),
        Map.entry("CheckNumericsV2", first),
        Map.entry("DebugGradientIdentity", first),
        Map.entry("DebugIdentityV2", first),
        Map.entry("EnsureShape", first),
        Map.entry("IdentityN", g -> g.isRepaired() ? RepairedGradients.ofIdentity(g) : g.allDy()),
        Map.entry("NextAfter", g -> List.of(g.unbroadcast(g.dy(0), 0, 1), g.zeros(1))),
        Map.entry("PlaceholderWithDefault", first),
        Map.entry("PreventGradient", first),
        Map.entry("Print", g -> g.onlyBy(0, g.dy(0))),
        Map.entry("QuantizeAndDequantizeV2", g -> g.onlyBy(0, g.dy(0))),
        Map.entry("Snapshot", first));
  }
}
