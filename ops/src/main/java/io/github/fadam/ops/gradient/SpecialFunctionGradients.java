package io.github.fadam.ops.gradient;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Bessel functions, integrals without closed form, and the family of the gamma function. */
final class SpecialFunctionGradients {

  private SpecialFunctionGradients() {}

  /** The derivative of a function of one variable, by x and the function's value. */
  private interface Derivative extends BiFunction<GradientBuilder, Output<?>, Output<?>> {
    default GradientBuilder.Formula asFormula() {
      return g -> List.of(g.times(g.dy(0), apply(g, g.x(0))));
    }
  }

  static Map<String, GradientBuilder.Formula> formulas() {
    Map<String, GradientBuilder.Formula> formulas = new HashMap<>();
    Map<String, Derivative> derivatives =
        Map.ofEntries(
            Map.entry("BesselI0", (g, x) -> g.add("BesselI1", x)),
            Map.entry(
                "BesselI0e",
                (g, x) -> g.minus(g.add("BesselI1e", x), g.times(g.add("Sign", x), g.y(0)))),
            Map.entry("BesselI1", (g, x) -> atZero(g, x, byRecurrence(g, "BesselI0", x), 0.5)),
            Map.entry("BesselI1e", (g, x) -> atZero(g, x, scaledI1(g, x), 0.5)),
            Map.entry("BesselJ0", (g, x) -> g.minus(g.add("BesselJ1", x))),
            Map.entry("BesselJ1", (g, x) -> atZero(g, x, byRecurrence(g, "BesselJ0", x), 0.5)),
            Map.entry("BesselK0", (g, x) -> g.minus(g.add("BesselK1", x))),
            Map.entry("BesselK0e", (g, x) -> g.minus(g.y(0), g.add("BesselK1e", x))),
            Map.entry("BesselK1", (g, x) -> g.minus(scaledK1(g, "BesselK0", x))),
            Map.entry("BesselK1e", (g, x) -> g.minus(g.y(0), scaledK1(g, "BesselK0e", x))),
            Map.entry("BesselY0", (g, x) -> g.minus(g.add("BesselY1", x))),
            Map.entry("BesselY1", (g, x) -> byRecurrence(g, "BesselY0", x)),
            Map.entry("Dawsn", (g, x) -> g.minus(g.constant(1), g.times(2, g.times(x, g.y(0))))),
            Map.entry("Expint", (g, x) -> g.add("RealDiv", g.add("Exp", x), x)),
            Map.entry("FresnelCos", (g, x) -> fresnel(g, "Cos", x)),
            Map.entry("FresnelSin", (g, x) -> fresnel(g, "Sin", x)),
            Map.entry("Spence", SpecialFunctionGradients::spence));
    derivatives.forEach((type, derivative) -> formulas.put(type, derivative.asFormula()));
    formulas.put("Betainc", SpecialFunctionGradients::betainc);
    formulas.put("Igamma", g -> incompleteGamma(g, false));
    formulas.put("Igammac", g -> incompleteGamma(g, true));
    formulas.put("Polygamma", SpecialFunctionGradients::polygamma);
    formulas.put("Zeta", SpecialFunctionGradients::zeta);
    formulas.put("RandomGamma", g -> randomGamma(g, 1));
    formulas.put("StatelessRandomGammaV2", g -> randomGamma(g, 2));
    formulas.put("StatelessRandomGammaV3", g -> randomGamma(g, 4));
    return formulas;
  }

  /** F1' = F0 - F1 / x, for F of I, J and Y. */
  private static Output<?> byRecurrence(GradientBuilder g, String order0, Output<?> x) {
    return g.minus(g.add(order0, x), g.add("RealDiv", g.y(0), x));
  }

  /** The derivative of exp(-|x|) I1(x). */
  private static Output<?> scaledI1(GradientBuilder g, Output<?> x) {
    Output<?> factor = g.plus(g.add("Sign", x), g.add("Reciprocal", x));
    return g.minus(g.add("BesselI0e", x), g.times(g.y(0), factor));
  }

  /** K0 + K1 / x, or the same with both scaled by exp(x). */
  private static Output<?> scaledK1(GradientBuilder g, String order0, Output<?> x) {
    return g.plus(g.add(order0, x), g.add("RealDiv", g.y(0), x));
  }

  private static Output<?> fresnel(GradientBuilder g, String wave, Output<?> x) {
    return g.add(wave, g.times(Math.PI / 2, g.square(x)));
  }

  /** log(x) / (1 - x), whose limit at 1 is -1. */
  private static Output<?> spence(GradientBuilder g, Output<?> x) {
    Output<?> distance = g.minus(g.constant(1), x);
    Output<?> quotient = g.add("RealDiv", g.add("Log", x), distance);
    return g.add("SelectV2", g.add("Equal", x, g.constant(1)), g.constant(-1), quotient);
  }

  private static Output<?> atZero(
      GradientBuilder g, Output<?> x, Output<?> elsewhere, double value) {
    return g.add("SelectV2", g.add("Equal", x, g.constant(0)), g.constant(value), elsewhere);
  }

  /**
   * Regularised incomplete beta function: by x it is the density x^(a-1) (1-x)^(b-1) / B(a, b). No
   * derivative is known by a and b, as in Python.
   */
  private static List<Output<?>> betainc(GradientBuilder g) {
    Output<?> a = g.x(0);
    Output<?> b = g.x(1);
    Output<?> x = g.x(2);
    Output<?> logBeta =
        g.minus(g.plus(g.add("Lgamma", a), g.add("Lgamma", b)), g.add("Lgamma", g.plus(a, b)));
    Output<?> logDensity =
        g.plus(
            g.add("Xlogy", g.minus(a, g.constant(1)), x),
            g.add("Xlog1py", g.minus(b, g.constant(1)), g.minus(x)));
    Output<?> density = g.add("Exp", g.minus(logDensity, logBeta));
    return List.of(g.zeros(0), g.zeros(1), g.unbroadcast(g.times(g.dy(0), density), x, g.y(0)));
  }

  /**
   * By x it is the density x^(a-1) exp(-x) / gamma(a); the complement's is the negative. TensorFlow
   * computes the derivative by a in float32 and float64 only.
   */
  private static List<Output<?>> incompleteGamma(GradientBuilder g, boolean complement) {
    DataType type = g.dy(0).dataType();
    DataType computed = type == DataType.DT_DOUBLE ? type : DataType.DT_FLOAT;
    Output<?> a = g.cast(g.x(0), computed);
    Output<?> x = g.cast(g.x(1), computed);
    Output<?> one = g.cast(g.constant(1), computed);
    Output<?> logPower = g.add("Xlogy", g.minus(a, one), x);
    Output<?> density = g.add("Exp", g.minus(g.minus(logPower, x), g.add("Lgamma", a)));
    Output<?> dy = complement ? g.minus(g.dy(0)) : g.dy(0);
    return List.of(
        g.unbroadcast(g.times(dy, g.cast(g.add("IgammaGradA", a, x), type)), 0, 1),
        g.unbroadcast(g.times(dy, g.cast(density, type)), 1, 0));
  }

  /** By x it is the next order; there is no derivative by the order. */
  private static List<Output<?>> polygamma(GradientBuilder g) {
    Output<?> next = g.add("Polygamma", g.plus(g.x(0), g.constant(1)), g.x(1));
    return List.of(g.zeros(0), g.unbroadcast(g.times(g.dy(0), next), 1, 0));
  }

  /** Hurwitz zeta function: by q it is -x zeta(x + 1, q); there is no derivative by x. */
  private static List<Output<?>> zeta(GradientBuilder g) {
    Output<?> next = g.add("Zeta", g.plus(g.x(0), g.constant(1)), g.x(1));
    Output<?> byQ = g.minus(g.times(g.x(0), next));
    return List.of(g.zeros(0), g.unbroadcast(g.times(g.dy(0), byQ), 1, 0));
  }

  /** The implicit derivative of a sample by the shape parameter alpha. */
  private static List<Output<?>> randomGamma(GradientBuilder g, int alpha) {
    DataType type = g.dy(0).dataType();
    DataType computed = type == DataType.DT_DOUBLE ? type : DataType.DT_FLOAT;
    Output<?> bySample =
        g.add("RandomGammaGrad", g.cast(g.x(alpha), computed), g.cast(g.y(0), computed));
    Output<?> byAlpha = g.times(g.dy(0), g.cast(bySample, type));
    return g.onlyBy(alpha, g.unbroadcast(byAlpha, g.x(alpha), g.y(0)));
  }
}
