package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operations that bring the elements of a dimension together: norms and losses. */
final class ReductionGradients {

  private ReductionGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "EuclideanNorm", ReductionGradients::euclideanNorm,
        "SparseSoftmaxCrossEntropyWithLogits", ReductionGradients::sparseCrossEntropy);
  }

  /** x / norm(x), and 0 where the norm is 0. */
  private static List<Output<?>> euclideanNorm(GradientBuilder g) {
    Output<?> shape = g.shape(g.x(0));
    Output<?> rank = g.add("Rank", g.x(0));
    Output<?> axes =
        g.add("FloorMod", g.reshape(g.cast(g.x(1), DataType.DT_INT32), g.integers(-1)), rank);
    Output<?> all = g.add("Range", g.integer(0), rank, g.integer(1));
    Output<?> kept =
        g.operation("DynamicStitch")
            .ofLists(new Output<?>[] {all, axes}, new Output<?>[] {shape, g.add("OnesLike", axes)});
    Output<?> unit = g.add("DivNoNan", g.x(0), g.reshape(g.y(0), kept));
    return List.of(g.times(unit, g.reshape(g.dy(0), kept)), g.zeros(1));
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
