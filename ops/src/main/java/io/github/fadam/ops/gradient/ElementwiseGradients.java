package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Functions of single elements; those of two inputs broadcast. */
final class ElementwiseGradients {

  private static final double TWO_BY_ROOT_PI = 2 / Math.sqrt(Math.PI);

  private ElementwiseGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "ComplexAbs", ElementwiseGradients::complexAbs,
        "Digamma", ElementwiseGradients::digamma,
        "Erfc", ElementwiseGradients::erfc,
        "FloorMod", ElementwiseGradients::floorMod,
        "MulNoNan", ElementwiseGradients::mulNoNan,
        "Xdivy", ElementwiseGradients::xdivy,
        "Xlog1py", ElementwiseGradients::xlog1py,
        "Xlogy", ElementwiseGradients::xlogy);
  }

  /** The derivative of erfc(x) is -2 / sqrt(pi) exp(-x^2). */
  private static List<Output<?>> erfc(GradientBuilder g) {
    Output<?> bell = g.add("Exp", g.add("Neg", g.add("Square", g.x(0))));
    return List.of(g.times(g.dy(0), g.times(g.constant(-TWO_BY_ROOT_PI), bell)));
  }

  /** |z|: by z it is z / |z|, and 0 where z is 0. */
  private static List<Output<?>> complexAbs(GradientBuilder g) {
    DataType complex = TensorTypes.base(g.x(0).dataType());
    return List.of(g.times(g.cast(g.dy(0), complex), g.add("Sign", g.x(0))));
  }

  /**
   * The derivative of digamma is the trigamma function, polygamma of order 1, which TensorFlow
   * computes in float32 and float64 only.
   */
  private static List<Output<?>> digamma(GradientBuilder g) {
    DataType type = g.dy(0).dataType();
    DataType computed = type == DataType.DT_DOUBLE ? type : DataType.DT_FLOAT;
    Output<?> order = g.cast(g.constant(1), computed);
    Output<?> trigamma = g.add("Polygamma", order, g.cast(g.x(0), computed));
    return List.of(g.times(g.dy(0), g.cast(trigamma, type)));
  }

  /** x log y: by x it is log y, but 0 where x is 0; by y it is x / y. */
  private static List<Output<?>> xlogy(GradientBuilder g) {
    return broadcast(g, g.add("Xlogy", isNotZero(g, 0), g.x(1)), g.add("Xdivy", g.x(0), g.x(1)));
  }

  /** x log(1 + y): by x it is log(1 + y), but 0 where x is 0; by y it is x / (1 + y). */
  private static List<Output<?>> xlog1py(GradientBuilder g) {
    return broadcast(
        g,
        g.add("Xlog1py", isNotZero(g, 0), g.x(1)),
        g.add("Xdivy", g.x(0), g.add("AddV2", g.x(1), g.constant(1))));
  }

  /** x / y: by x it is 1 / y, but 0 where x is 0; by y it is -x / y^2. */
  private static List<Output<?>> xdivy(GradientBuilder g) {
    return broadcast(
        g,
        g.add("Xdivy", isNotZero(g, 0), g.x(1)),
        g.add("Xdivy", g.add("Neg", g.x(0)), g.add("Square", g.x(1))));
  }

  /** x y, and 0 where y is 0 even if x is not finite: the same rule for the products with dy. */
  private static List<Output<?>> mulNoNan(GradientBuilder g) {
    return List.of(
        g.unbroadcast(g.add("MulNoNan", g.dy(0), g.x(1)), 0, 1),
        g.unbroadcast(g.add("MulNoNan", g.x(0), g.dy(0)), 1, 0));
  }

  /** x - y floor(x / y): by x it is 1, by y it is -floor(x / y). */
  private static List<Output<?>> floorMod(GradientBuilder g) {
    Output<?> quotient = g.add("Neg", g.add("FloorDiv", g.x(0), g.x(1)));
    return List.of(g.unbroadcast(g.dy(0), 0, 1), g.unbroadcast(g.times(g.dy(0), quotient), 1, 0));
  }

  private static List<Output<?>> broadcast(GradientBuilder g, Output<?> byX, Output<?> byY) {
    return List.of(
        g.unbroadcast(g.times(g.dy(0), byX), 0, 1), g.unbroadcast(g.times(g.dy(0), byY), 1, 0));
  }

  private static Output<?> isNotZero(GradientBuilder g, int input) {
    return g.cast(g.add("NotEqual", g.x(input), g.constant(0)), g.dy(0).dataType());
  }
}
