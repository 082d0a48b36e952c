package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/** Operations that are layers of a network: convolution, pooling, normalisation, quantisation. */
final class LayerGradients {

  private static final String[] CONVOLUTION = {"strides", "padding", "data_format", "dilations"};

  private LayerGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "BiasAddV1",
        LayerGradients::biasAddV1,
        "Conv3D",
        LayerGradients::conv3d,
        "FakeQuantWithMinMaxArgs",
        LayerGradients::fakeQuantArgs,
        "FakeQuantWithMinMaxVars",
        g -> fakeQuantVars(g, "FakeQuantWithMinMaxVarsGradient"),
        "FakeQuantWithMinMaxVarsPerChannel",
        g -> fakeQuantVars(g, "FakeQuantWithMinMaxVarsPerChannelGradient"),
        "FusedBatchNorm",
        g -> batchNorm(g, "FusedBatchNormGrad"),
        "FusedBatchNormV2",
        g -> batchNorm(g, "FusedBatchNormGradV2"),
        "MaxPoolWithArgmax",
        LayerGradients::maxPoolWithArgmax);
  }

  private static List<Output<?>> conv3d(GradientBuilder g) {
    Output<?> input = g.x(0);
    Output<?> filter = g.x(1);
    return List.of(
        g.operation("Conv3DBackpropInputV2").copy(CONVOLUTION).of(g.shape(input), filter, g.dy(0)),
        g.operation("Conv3DBackpropFilterV2")
            .copy(CONVOLUTION)
            .of(input, g.shape(filter), g.dy(0)));
  }

  /**
   * In training the statistics are functions of the input and the forward operation has kept them;
   * in inference they are the inputs 3 and 4, which are constants here as they are in Python.
   */
  private static List<Output<?>> batchNorm(GradientBuilder g, String type) {
    boolean training = g.booleanAttribute("is_training");
    GraphOperation gradient =
        g.operation(type)
            .copy("epsilon", "data_format", "is_training")
            .build(g.dy(0), g.x(0), g.x(1), training ? g.y(3) : g.x(3), training ? g.y(4) : g.x(4));
    return List.of(
        gradient.output(0), gradient.output(1), gradient.output(2), g.zeros(3), g.zeros(4));
  }

  private static List<Output<?>> maxPoolWithArgmax(GradientBuilder g) {
    return List.of(
        g.operation("MaxPoolGradWithArgmax")
            .copy("ksize", "strides", "padding", "include_batch_in_index")
            .of(g.x(0), g.dy(0), g.y(1)));
  }

  private static List<Output<?>> biasAddV1(GradientBuilder g) {
    return List.of(g.dy(0), g.add("BiasAddGrad", g.dy(0)));
  }

  private static List<Output<?>> fakeQuantArgs(GradientBuilder g) {
    return List.of(
        g.operation("FakeQuantWithMinMaxArgsGradient")
            .copy("min", "max", "num_bits", "narrow_range")
            .of(g.dy(0), g.x(0)));
  }

  private static List<Output<?>> fakeQuantVars(GradientBuilder g, String type) {
    GraphOperation gradient =
        g.operation(type).copy("num_bits", "narrow_range").build(g.dy(0), g.x(0), g.x(1), g.x(2));
    return List.of(gradient.output(0), gradient.output(1), gradient.output(2));
  }
}
