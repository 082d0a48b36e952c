package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operations that take from, or put into, places given by indices. Gradients are dense. */
final class IndexingGradients {

  private IndexingGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "Gather", g -> gather(g, g.shape(g.x(0))),
        "ResourceGather", g -> gather(g, g.variableShape(0, DataType.DT_INT32)),
        "ResourceGatherNd", IndexingGradients::resourceGatherNd,
        "TensorScatterAdd", g -> scatter(g, g.dy(0), g.add("GatherNd", g.dy(0), g.x(1))),
        "TensorScatterSub",
            g -> scatter(g, g.dy(0), g.add("Neg", g.add("GatherNd", g.dy(0), g.x(1)))),
        "TensorScatterUpdate", IndexingGradients::tensorScatterUpdate,
        "TopKV2", IndexingGradients::topK);
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
    Output<?> shape = g.variableShape(0, Dtypes.base(indices.dataType()));
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
    return List.of(g.reshape(sums, shape), g.zeros(1));
  }
}
