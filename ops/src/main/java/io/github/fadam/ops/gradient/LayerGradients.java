package io.github.fadam.ops.gradient;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/** Operations that are layers of a network: convolution, pooling, normalisation, quantisation. */
final class LayerGradients {

  private static final String[] CONVOLUTION = {"strides", "padding", "data_format", "dilations"};

  private LayerGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("BiasAddV1", LayerGradients::biasAddV1),
        Map.entry("BlockLSTM", g -> blockLstm(g, "BlockLSTMGrad")),
        Map.entry("BlockLSTMV2", g -> blockLstm(g, "BlockLSTMGradV2")),
        Map.entry("Conv3D", LayerGradients::conv3d),
        Map.entry("Dilation2D", LayerGradients::dilation),
        Map.entry("ExtractImagePatches", g -> patches(g, "ksizes", "strides", "rates", "padding")),
        Map.entry("ExtractVolumePatches", g -> patches(g, "ksizes", "strides", "padding")),
        Map.entry("FakeQuantWithMinMaxArgs", LayerGradients::fakeQuantArgs),
        Map.entry(
            "FakeQuantWithMinMaxVars", g -> fakeQuantVars(g, "FakeQuantWithMinMaxVarsGradient")),
        Map.entry(
            "FakeQuantWithMinMaxVarsPerChannel",
            g -> fakeQuantVars(g, "FakeQuantWithMinMaxVarsPerChannelGradient")),
        Map.entry("FusedBatchNorm", g -> batchNorm(g, "FusedBatchNormGrad")),
        Map.entry("FusedBatchNormV2", g -> batchNorm(g, "FusedBatchNormGradV2")),
        Map.entry("MaxPoolWithArgmax", LayerGradients::maxPoolWithArgmax));
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

  /** Inputs: steps, x, cs, h, w, wci, wcf, wco, b; outputs: i, cs, f, o, ci, co, h. */
  private static List<Output<?>> blockLstm(GradientBuilder g, String type) {
    Output<?>[] inputs = new Output<?>[g.inputs() + 9];
    for (int i = 0; i < g.inputs(); i++) {
      inputs[i] = g.x(i);
    }
    for (int i = 0; i < 7; i++) {
      inputs[g.inputs() + i] = g.y(i);
    }
    inputs[g.inputs() + 7] = g.dy(1);
    inputs[g.inputs() + 8] = g.dy(6);
    GraphOperation by = g.operation(type).copy("use_peephole").build(inputs);
    List<Output<?>> gradients = new ArrayList<>(List.of(g.zeros(0)));
    for (int i = 0; i < by.numOutputs(); i++) {
      gradients.add(by.output(i));
    }
    return gradients;
  }

  private static List<Output<?>> dilation(GradientBuilder g) {
    String[] attributes = {"strides", "rates", "padding"};
    return List.of(
        g.operation("Dilation2DBackpropInput").copy(attributes).of(g.x(0), g.x(1), g.dy(0)),
        g.operation("Dilation2DBackpropFilter").copy(attributes).of(g.x(0), g.x(1), g.dy(0)));
  }

  /**
   * Patches are copies of the input's elements: the same operation on their numbers (from 1 on, 0
   * is padding) tells which, and the gradients of the copies are summed.
   */
  private static List<Output<?>> patches(GradientBuilder g, String... attributes) {
    Output<?> shape = g.shape(g.x(0));
    Output<?> one = g.tail(shape, 1);
    Output<?> count = g.add("Prod", one, g.integer(0));
    Output<?> numbers = g.add("Range", g.integer(1), g.plus(count, g.integer(1)), g.integer(1));
    Output<?> image = g.reshape(numbers, g.concatenate(g.integers(1), one));
    Output<?> copied = g.operation(g.type()).copy(attributes).of(image);
    Output<?> places = g.minus(g.reshape(copied, g.integers(-1)), g.integer(1));
    Output<?> batch = g.add("Slice", shape, g.integers(0), g.integers(1));
    Output<?> flat = g.concatenate(batch, g.shape(places));
    Output<?> columns = g.add("Transpose", g.reshape(g.dy(0), flat), g.integers(1, 0));
    Output<?> sums = g.add("UnsortedSegmentSum", columns, places, count);
    return List.of(g.reshape(g.add("Transpose", sums, g.integers(1, 0)), shape));
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
