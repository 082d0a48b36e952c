package io.github.fadam.ops.gradient;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/** Reductions of rows by segments, and running reductions along a dimension. */
final class SegmentGradients {

  private SegmentGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    Map<String, GradientBuilder.Formula> formulas = new HashMap<>();
    formulas.put("Cumprod", SegmentGradients::cumprod);
    formulas.put("CumulativeLogsumexp", SegmentGradients::cumulativeLogsumexp);
    formulas.put("SegmentMax", SegmentGradients::extreme);
    formulas.put("SegmentMean", SegmentGradients::mean);
    formulas.put("SegmentMin", SegmentGradients::extreme);
    formulas.put("SegmentProd", SegmentGradients::product);
    formulas.put("UnsortedSegmentProd", SegmentGradients::product);
    for (String reduction : List.of("Mean", "SqrtN", "Sum")) {
      String type = "SparseSegment" + reduction;
      formulas.put(type, g -> sparse(g, type + "Grad"));
      formulas.put(type + "WithNumSegments", g -> sparse(g, type + "Grad"));
    }
    return formulas;
  }

  /** A running product: the running sum, from the other end, of dy y, divided by x. */
  private static List<Output<?>> cumprod(GradientBuilder g) {
    Output<?> sums =
        g.operation("Cumsum")
            .copy("exclusive")
            .attr("reverse", !g.booleanAttribute("reverse"))
            .of(g.times(g.dy(0), g.conjugate(g.y(0))), g.x(1));
    return List.of(g.add("RealDiv", sums, g.conjugate(g.x(0))), g.zeros(1));
  }

  /**
   * By x_i it is exp(x_i) times the sum over the later j of dy_j exp(-y_j): positive and negative
   * dy apart, in logarithms, where no power overflows.
   */
  private static List<Output<?>> cumulativeLogsumexp(GradientBuilder g) {
    Output<?> positive = g.add("Maximum", g.dy(0), g.constant(0));
    Output<?> negative = g.add("Maximum", g.minus(g.dy(0)), g.constant(0));
    return List.of(g.minus(share(g, positive), share(g, negative)), g.zeros(1));
  }

  private static Output<?> share(GradientBuilder g, Output<?> dy) {
    Output<?> later =
        g.operation("CumulativeLogsumexp")
            .copy("exclusive")
            .attr("reverse", !g.booleanAttribute("reverse"))
            .of(g.minus(g.add("Log", dy), g.y(0)), g.x(1));
    return g.add("Exp", g.plus(later, g.x(0)));
  }

  private static List<Output<?>> mean(GradientBuilder g) {
    Output<?> sizes = g.add("SegmentSum", g.add("OnesLike", g.x(0)), g.x(1));
    return List.of(g.add("RealDiv", g.rows(g.dy(0), g.x(1)), g.rows(sizes, g.x(1))), g.zeros(1));
  }

  /** Those that equal the maximum, or the minimum, share its gradient evenly. */
  private static List<Output<?>> extreme(GradientBuilder g) {
    Output<?> chosen = g.indicator(g.add("Equal", g.x(0), g.rows(g.y(0), g.x(1))));
    Output<?> count = g.add("SegmentSum", chosen, g.x(1));
    Output<?> share = g.add("DivNoNan", g.dy(0), count);
    return List.of(g.times(chosen, g.rows(share, g.x(1))), g.zeros(1));
  }

  /**
   * The product of the other elements: where exactly one of a segment is 0, only that one has a
   * gradient. Elements of a negative segment are left out of all.
   */
  private static List<Output<?>> product(GradientBuilder g) {
    Output<?> x = g.x(0);
    Output<?> ids = g.x(1);
    Output<?> none = g.cast(g.integer(0), ids.dataType());
    Output<?> segments =
        g.inputs() == 3 ? g.x(2) : g.add("GatherV2", g.shape(g.y(0)), g.integer(0), g.integer(0));
    Output<?> isZero = g.add("Equal", x, g.constant(0));
    Output<?> zeros = g.add("UnsortedSegmentSum", g.indicator(isZero), ids, segments);
    Output<?> others = g.add("SelectV2", isZero, g.constant(1), x);
    Output<?> product = g.add("UnsortedSegmentProd", others, ids, segments);

    Output<?> rows = g.add("Maximum", ids, none);
    Output<?> otherZeros = g.minus(g.rows(zeros, rows), g.indicator(isZero));
    Output<?> ofOthers = g.add("RealDiv", g.rows(product, rows), others);
    Output<?> byX =
        g.times(
            g.rows(g.dy(0), rows),
            g.add("SelectV2", g.add("Equal", otherZeros, g.constant(0)), ofOthers, g.constant(0)));
    if (g.inputs() == 3) {
      Output<?> shape = g.concatenate(g.shape(ids), g.add("OnesLike", g.tail(g.shape(x), 0)));
      Output<?> trailing =
          g.add("Slice", shape, g.integers(0), g.reshape(g.add("Rank", x), g.integers(1)));
      Output<?> counted = g.reshape(g.add("GreaterEqual", ids, none), trailing);
      byX = g.add("SelectV2", counted, byX, g.constant(0));
    }
    return g.onlyBy(0, byX);
  }

  /** Inputs: data, indices into its rows, segments, and their number where it is given. */
  private static List<Output<?>> sparse(GradientBuilder g, String type) {
    Output<?> rows = g.add("GatherV2", g.shape(g.x(0)), g.integer(0), g.integer(0));
    return g.onlyBy(0, g.add(type, g.dy(0), g.x(1), g.x(2), rows));
  }
}
