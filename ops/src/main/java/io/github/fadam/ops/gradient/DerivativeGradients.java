package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/**
 * Operations that are themselves gradients of others, in models whose loss holds a derivative, such
 * as a gradient penalty.
 */
final class DerivativeGradients {

  private static final String[] CONVOLUTION_3D = {"strides", "padding", "data_format", "dilations"};
  private static final String[] CONVOLUTION_2D = {
    "strides", "padding", "explicit_paddings", "data_format", "dilations"
  };
  private static final String[] POOL = {"ksize", "strides", "padding", "data_format"};

  private DerivativeGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("AvgPool3DGrad", g -> averagePool(g, "AvgPool3D")),
        Map.entry("AvgPoolGrad", g -> averagePool(g, "AvgPool")),
        Map.entry("BiasAddGrad", DerivativeGradients::biasAdd),
        Map.entry("Conv2DBackpropFilter", DerivativeGradients::conv2dFilter),
        Map.entry("Conv3DBackpropFilterV2", DerivativeGradients::conv3dFilter),
        Map.entry("Conv3DBackpropInputV2", DerivativeGradients::conv3dInput),
        Map.entry("DepthwiseConv2dNativeBackpropFilter", DerivativeGradients::depthwiseFilter),
        Map.entry("DepthwiseConv2dNativeBackpropInput", DerivativeGradients::depthwiseInput),
        Map.entry("EluGrad", g -> exponentialUnit(g, "EluGrad")),
        Map.entry("InvGrad", g -> reciprocal(g, "InvGrad")),
        Map.entry("MaxPool3DGrad", g -> maxPool(g, "MaxPool3DGradGrad", POOL)),
        Map.entry("MaxPool3DGradGrad", g -> maxPool(g, "MaxPool3DGrad", POOL)),
        Map.entry("MaxPoolGrad", g -> maxPool(g, "MaxPoolGradGrad", POOL)),
        Map.entry("MaxPoolGradGrad", g -> maxPool(g, "MaxPoolGrad", POOL)),
        Map.entry("MaxPoolGradV2", DerivativeGradients::maxPoolV2),
        Map.entry("ReciprocalGrad", g -> reciprocal(g, "ReciprocalGrad")),
        Map.entry("Relu6Grad", g -> gate(g, "Relu6Grad")),
        Map.entry("ReluGrad", g -> gate(g, "ReluGrad")),
        Map.entry("RsqrtGrad", DerivativeGradients::rsqrt),
        Map.entry("SeluGrad", g -> exponentialUnit(g, "SeluGrad")),
        Map.entry("SigmoidGrad", DerivativeGradients::sigmoid),
        Map.entry("SoftplusGrad", DerivativeGradients::softplus),
        Map.entry("SqrtGrad", DerivativeGradients::sqrt),
        Map.entry("TanhGrad", DerivativeGradients::tanh));
  }

  /** Inputs: y, v; the value is v y (1 - y). */
  private static List<Output<?>> sigmoid(GradientBuilder g) {
    Output<?> slope = g.minus(g.constant(1), g.times(2, g.x(0)));
    return ofValue(g, slope, g.add("SigmoidGrad", g.conjugate(g.x(0)), g.dy(0)));
  }

  /** Inputs: y, v; the value is v (1 - y^2). */
  private static List<Output<?>> tanh(GradientBuilder g) {
    return ofValue(g, g.times(-2, g.x(0)), g.add("TanhGrad", g.conjugate(g.x(0)), g.dy(0)));
  }

  /** Inputs: y, v; the value is v / (2 y). */
  private static List<Output<?>> sqrt(GradientBuilder g) {
    Output<?> byY = g.add("RealDiv", g.constant(-0.5), g.square(g.x(0)));
    return ofValue(g, byY, g.add("SqrtGrad", g.conjugate(g.x(0)), g.dy(0)));
  }

  /** Inputs: y, v; the value is -v y^3 / 2. */
  private static List<Output<?>> rsqrt(GradientBuilder g) {
    Output<?> byY = g.times(-1.5, g.square(g.x(0)));
    return ofValue(g, byY, g.add("RsqrtGrad", g.conjugate(g.x(0)), g.dy(0)));
  }

  /** Inputs: y, v; the value is -v y^2. */
  private static List<Output<?>> reciprocal(GradientBuilder g, String type) {
    return ofValue(g, g.times(-2, g.x(0)), g.add(type, g.conjugate(g.x(0)), g.dy(0)));
  }

  /** Inputs: y, v; {@code slope} is the derivative by y of the factor of v. */
  private static List<Output<?>> ofValue(GradientBuilder g, Output<?> slope, Output<?> byV) {
    return List.of(g.times(g.dy(0), g.conjugate(g.times(g.x(1), slope))), byV);
  }

  /** Inputs: v, features; constant in the features but for jumps. */
  private static List<Output<?>> gate(GradientBuilder g, String type) {
    return List.of(g.add(type, g.dy(0), g.x(1)), g.zeros(1));
  }

  /** Inputs: v, outputs y; the value is v (y + constant) where y is negative. */
  private static List<Output<?>> exponentialUnit(GradientBuilder g, String type) {
    Output<?> negative = g.add("Less", g.x(1), g.constant(0));
    return List.of(
        g.add(type, g.dy(0), g.x(1)),
        g.add("SelectV2", negative, g.times(g.dy(0), g.x(0)), g.constant(0)));
  }

  /** Inputs: v, features x; the value is v sigmoid(x). */
  private static List<Output<?>> softplus(GradientBuilder g) {
    Output<?> sigmoid = g.add("Sigmoid", g.x(1));
    return List.of(
        g.add("SoftplusGrad", g.dy(0), g.x(1)),
        g.times(g.dy(0), g.add("SigmoidGrad", sigmoid, g.x(0))));
  }

  private static List<Output<?>> biasAdd(GradientBuilder g) {
    return List.of(g.operation("BiasAdd").copy("data_format").of(g.zeros(0), g.dy(0)));
  }

  /** Inputs: input sizes, v. */
  private static List<Output<?>> averagePool(GradientBuilder g, String type) {
    return List.of(g.zeros(0), g.operation(type).copy(POOL).of(g.dy(0)));
  }

  /** Inputs: input, output, v; the places of the maxima do not move. */
  private static List<Output<?>> maxPool(GradientBuilder g, String type, String... attributes) {
    return List.of(
        g.zeros(0), g.zeros(1), g.operation(type).copy(attributes).of(g.x(0), g.x(1), g.dy(0)));
  }

  /** Inputs: input, output, v, window, strides. */
  private static List<Output<?>> maxPoolV2(GradientBuilder g) {
    return g.onlyBy(
        2,
        g.operation("MaxPoolGradGradV2")
            .copy("padding", "data_format")
            .of(g.x(0), g.x(1), g.dy(0), g.x(3), g.x(4)));
  }

  /** Inputs: input, filter sizes, v. */
  private static List<Output<?>> conv2dFilter(GradientBuilder g) {
    return List.of(
        g.operation("Conv2DBackpropInput")
            .copy(CONVOLUTION_2D)
            .of(g.shape(g.x(0)), g.dy(0), g.x(2)),
        g.zeros(1),
        g.operation("Conv2D").copy(CONVOLUTION_2D).of(g.x(0), g.dy(0)));
  }

  /** Inputs: input sizes, filter, v. */
  private static List<Output<?>> depthwiseInput(GradientBuilder g) {
    return List.of(
        g.zeros(0),
        g.operation("DepthwiseConv2dNativeBackpropFilter")
            .copy(CONVOLUTION_2D)
            .of(g.dy(0), g.shape(g.x(1)), g.x(2)),
        g.operation("DepthwiseConv2dNative").copy(CONVOLUTION_2D).of(g.dy(0), g.x(1)));
  }

  /** Inputs: input, filter sizes, v. */
  private static List<Output<?>> depthwiseFilter(GradientBuilder g) {
    return List.of(
        g.operation("DepthwiseConv2dNativeBackpropInput")
            .copy(CONVOLUTION_2D)
            .of(g.shape(g.x(0)), g.dy(0), g.x(2)),
        g.zeros(1),
        g.operation("DepthwiseConv2dNative").copy(CONVOLUTION_2D).of(g.x(0), g.dy(0)));
  }

  /** Inputs: input sizes, filter, v. */
  private static List<Output<?>> conv3dInput(GradientBuilder g) {
    return List.of(
        g.zeros(0),
        g.operation("Conv3DBackpropFilterV2")
            .copy(CONVOLUTION_3D)
            .of(g.dy(0), g.shape(g.x(1)), g.x(2)),
        g.operation("Conv3D").copy(CONVOLUTION_3D).of(g.dy(0), g.x(1)));
  }

  /** Inputs: input, filter sizes, v. */
  private static List<Output<?>> conv3dFilter(GradientBuilder g) {
    return List.of(
        g.operation("Conv3DBackpropInputV2")
            .copy(CONVOLUTION_3D)
            .of(g.shape(g.x(0)), g.dy(0), g.x(2)),
        g.zeros(1),
        g.operation("Conv3D").copy(CONVOLUTION_3D).of(g.x(0), g.dy(0)));
  }
}
