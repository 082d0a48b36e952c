package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/** Operations that bring the elements of a dimension together: norms and losses. */
final class ReductionGradients {

  private ReductionGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "CTCLoss", ReductionGradients::ctcLoss,
        "CTCLossV2", ReductionGradients::ctcLoss,
        "EuclideanNorm", ReductionGradients::euclideanNorm,
        "NthElement", ReductionGradients::nthElement,
        "SparseSoftmaxCrossEntropyWithLogits", ReductionGradients::sparseCrossEntropy);
  }

  /** x / norm(x), and 0 where the norm is 0. */
  private static List<Output<?>> euclideanNorm(GradientBuilder g) {
    Output<?> shape = g.shape(g.x(0));
    Output<?> kept = g.shapeWithOnes(shape, g.x(1));
    Output<?> unit = g.add("DivNoNan", g.x(0), g.reshape(g.y(0), kept));
    return List.of(g.times(unit, g.reshape(g.dy(0), kept)), g.zeros(1));
  }

  /**
   * Inputs: logits (time, batch, classes), labels' indices and values, lengths. The forward
   * operation has computed the gradient, its output 1, which is a constant here as it is in Python.
   */
  private static List<Output<?>> ctcLoss(GradientBuilder g) {
    Output<?> weights = g.reshape(g.dy(0), g.integers(1, -1, 1));
    return g.onlyBy(0, g.times(weights, g.y(1)));
  }

  /** Inputs: values, n. Elements that equal the n-th share its gradient evenly. */
  private static List<Output<?>> nthElement(GradientBuilder g) {
    Output<?> last = g.integer(-1);
    Output<?> chosen = g.indicator(g.add("Equal", g.x(0), g.add("ExpandDims", g.y(0), last)));
    Output<?> count = g.operation("Sum").attr("keep_dims", true).of(chosen, last);
    Output<?> share = g.add("RealDiv", g.add("ExpandDims", g.dy(0), last), count);
    return List.of(g.times(chosen, share), g.zeros(1));
  }

  /**
   * The forward operation has computed softmax - one-hot, its output 1. Where that output is itself
   * used, as by a gradient penalty, its derivative is p (v - p . v) for p the softmax.
   */
  private static List<Output<?>> sparseCrossEntropy(GradientBuilder g) {
    Output<?> byLogits = g.times(g.add("ExpandDims", g.dy(0), g.integer(-1)), g.y(1));
    if (g.isUsed(1)) {
      Output<?> softmax = g.add("Softmax", g.x(0));
      Output<?> along =
          g.operation("Sum").attr("keep_dims", true).of(g.times(softmax, g.dy(1)), g.integer(-1));
      byLogits = g.add("AddV2", byLogits, g.times(softmax, g.add("Sub", g.dy(1), along)));
    }
    return List.of(byLogits, g.zeros(1));
  }
}
