package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operations that take from, or put into, places given by indices. Gradients are dense. */
final class IndexingGradients {

  private IndexingGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("Concat", IndexingGradients::concat),
        Map.entry("Gather", g -> gather(g, g.shape(g.x(0)))),
        Map.entry("ResourceGather", g -> gather(g, g.variableShape(0, DataType.DT_INT32))),
        Map.entry("ResourceGatherNd", IndexingGradients::resourceGatherNd),
        Map.entry("Reverse", g -> List.of(g.add("Reverse", g.dy(0), g.x(1)), g.zeros(1))),
        Map.entry("StridedSliceGrad", IndexingGradients::stridedSliceGrad),
        Map.entry("TensorScatterAdd", g -> scatter(g, g.dy(0), g.add("GatherNd", g.dy(0), g.x(1)))),
        Map.entry("TensorScatterMax", IndexingGradients::tensorScatterExtreme),
        Map.entry("TensorScatterMin", IndexingGradients::tensorScatterExtreme),
        Map.entry(
            "TensorScatterSub",
            g -> scatter(g, g.dy(0), g.add("Neg", g.add("GatherNd", g.dy(0), g.x(1))))),
        Map.entry("TensorScatterUpdate", IndexingGradients::tensorScatterUpdate),
        Map.entry("TensorStridedSliceUpdate", IndexingGradients::stridedSliceUpdate),
        Map.entry("TopKV2", IndexingGradients::topK));
  }

  /** Rows of the gradient are summed into the rows they were taken from. */
  private static List<Output<?>> gather(GradientBuilder g, Output<?> shape) {
    Output<?> rows = g.reshape(g.dy(0), g.concatenate(g.integers(-1), g.tail(shape, 1)));
    Output<?> indices = g.reshape(g.x(1), g.integers(-1));
    Output<?> count = g.add("GatherV2", shape, g.integer(0), g.integer(0));
    return List.of(g.add("UnsortedSegmentSum", rows, indices, count), g.zeros(1));
  }

  private static List<Output<?>> resourceGatherNd(GradientBuilder g) {
    Output<?> indices = g.x(1);
    Output<?> shape = g.variableShape(0, TensorTypes.base(indices.dataType()));
    return List.of(g.add("ScatterNd", indices, g.dy(0), shape), g.zeros(1));
  }

  /** What was overwritten gets no gradient, the updates get it in its place. */
  private static List<Output<?>> tensorScatterUpdate(GradientBuilder g) {
    Output<?> kept = g.add("TensorScatterUpdate", g.dy(0), g.x(1), g.zeros(2));
    return scatter(g, kept, g.add("GatherNd", g.dy(0), g.x(1)));
  }

  private static List<Output<?>> scatter(
      GradientBuilder g, Output<?> byTensor, Output<?> byUpdates) {
    return List.of(byTensor, g.zeros(1), byUpdates);
  }

  /** Each of the k largest of a row passes its gradient to the place it came from. */
  private static List<Output<?>> topK(GradientBuilder g) {
    Output<?> shape = g.shape(g.x(0));
    Output<?> columns = g.lastOf(shape);
    Output<?> chosen = g.cast(g.y(1), DataType.DT_INT32);
    Output<?> k = g.reshape(g.lastOf(g.shape(chosen)), g.integers(1));
    Output<?> flat = g.reshape(chosen, g.concatenate(g.integers(-1), k));
    Output<?> size = g.add("Prod", shape, g.integer(0));
    Output<?> starts = g.add("Range", g.integer(0), size, columns);
    Output<?> places = g.add("AddV2", flat, g.add("ExpandDims", starts, g.integer(1)));
    Output<?> sums =
        g.add(
            "UnsortedSegmentSum",
            g.reshape(g.dy(0), g.integers(-1)),
            g.reshape(places, g.integers(-1)),
            size);
    return g.onlyBy(0, g.reshape(sums, shape));
  }

  /** Those that equal the result at a place share its gradient evenly. */
  private static List<Output<?>> tensorScatterExtreme(GradientBuilder g) {
    Output<?> indices = g.x(1);
    Output<?> kept = g.indicator(g.add("Equal", g.x(0), g.y(0)));
    Output<?> written = g.indicator(g.add("Equal", g.x(2), g.add("GatherNd", g.y(0), indices)));
    Output<?> count = g.add("TensorScatterAdd", kept, indices, written);
    Output<?> share = g.add("DivNoNan", g.dy(0), count);
    return scatter(g, g.times(kept, share), g.times(written, g.add("GatherNd", share, indices)));
  }

  /** Inputs: shape, begin, end, strides, values. */
  private static List<Output<?>> stridedSliceGrad(GradientBuilder g) {
    return g.onlyBy(4, strided(g, "StridedSlice").of(g.dy(0), g.x(1), g.x(2), g.x(3)));
  }

  /** Inputs: tensor, begin, end, strides, values that are broadcast. */
  private static List<Output<?>> stridedSliceUpdate(GradientBuilder g) {
    Output<?> slice = strided(g, "StridedSlice").of(g.dy(0), g.x(1), g.x(2), g.x(3));
    Output<?> kept =
        strided(g, "TensorStridedSliceUpdate").of(g.dy(0), g.x(1), g.x(2), g.x(3), g.zeros(4));
    Output<?> byValues = g.unbroadcast(slice, g.x(4), slice);
    return List.of(kept, g.zeros(1), g.zeros(2), g.zeros(3), byValues);
  }

  private static GradientBuilder.Node strided(GradientBuilder g, String type) {
    return g.operation(type)
        .copy("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask");
  }

  /** Inputs: dimension, values. */
  private static List<Output<?>> concat(GradientBuilder g) {
    Output<?>[] shapes = new Output<?>[g.inputs() - 1];
    for (int i = 0; i < shapes.length; i++) {
      shapes[i] = g.shape(g.x(i + 1));
    }
    GraphOperation offsets = g.operation("ConcatOffset").buildWithList(g.x(0), shapes);
    List<Output<?>> gradients = new ArrayList<>(List.of(g.zeros(0)));
    for (int i = 0; i < shapes.length; i++) {
      gradients.add(g.add("Slice", g.dy(0), offsets.output(i), shapes[i]));
    }
    return gradients;
  }
}
