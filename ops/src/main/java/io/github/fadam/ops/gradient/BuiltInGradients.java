package io.github.fadam.ops.gradient;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The gradients of this library, by type of operation. */
final class BuiltInGradients {

  static final Map<String, OpGradient> ALL = all();

  private BuiltInGradients() {}

  private static Map<String, OpGradient> all() {
    Map<String, OpGradient> all = new TreeMap<>();
    for (Map<String, GradientBuilder.Formula> family :
        List.of(
            DecompositionGradients.formulas(),
            DerivativeGradients.formulas(),
            ElementwiseGradients.formulas(),
            FourierGradients.formulas(),
            IndexingGradients.formulas(),
            LayerGradients.formulas(),
            LinearSystemGradients.formulas(),
            ListGradients.formulas(),
            MatrixGradients.formulas(),
            PassThroughGradients.formulas(),
            ReductionGradients.formulas(),
            SegmentGradients.formulas(),
            SparseGradients.formulas(),
            SpecialFunctionGradients.formulas(),
            ZeroGradients.formulas())) {
      family.forEach(
          (type, formula) -> {
            if (all.put(type, formula.asGradient()) != null) {
              throw new IllegalStateException("two gradients of " + type);
            }
          });
    }
    return Collections.unmodifiableMap(all);
  }
}
