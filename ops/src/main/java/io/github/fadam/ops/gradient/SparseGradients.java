package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Sparse tensors, given as indices, values and a shape. The gradient is by the values. */
final class SparseGradients {

  private SparseGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("RaggedTensorToSparse", g -> g.onlyBy(g.inputs() - 1, g.dy(1))),
        Map.entry("SparseAdd", SparseGradients::add),
        Map.entry("SparseDenseCwiseAdd", SparseGradients::plusDense),
        Map.entry("SparseDenseCwiseDiv", SparseGradients::byDense),
        Map.entry("SparseDenseCwiseMul", SparseGradients::timesDense),
        Map.entry("SparseFillEmptyRows", SparseGradients::fillEmptyRows),
        Map.entry("SparseMatMul", SparseGradients::matMul),
        Map.entry("SparseReduceSum", SparseGradients::reduceSum),
        Map.entry("SparseReorder", SparseGradients::reorder),
        Map.entry("SparseSlice", SparseGradients::slice),
        Map.entry("SparseTensorDenseAdd", SparseGradients::addToDense),
        Map.entry("SparseTensorDenseMatMul", SparseGradients::timesMatrix),
        Map.entry("SparseToDense", SparseGradients::toDense));
  }

  /** Inputs: of a indices, values, shape; of b the same; threshold. Output 1: values. */
  private static List<Output<?>> add(GradientBuilder g) {
    GraphOperation by = g.operation("SparseAddGrad").build(g.dy(1), g.x(0), g.x(3), g.y(0));
    return List.of(
        g.zeros(0), by.output(0), g.zeros(2), g.zeros(3), by.output(1), g.zeros(5), g.zeros(6));
  }

  /** Inputs: indices, values, shape, a dense tensor that is broadcast. */
  private static List<Output<?>> plusDense(GradientBuilder g) {
    return withDense(g, g.dy(0), g.dy(0));
  }

  private static List<Output<?>> timesDense(GradientBuilder g) {
    return withDense(g, g.times(g.dy(0), denseAt(g)), g.times(g.dy(0), g.x(1)));
  }

  private static List<Output<?>> byDense(GradientBuilder g) {
    Output<?> dense = denseAt(g);
    Output<?> byDense = g.times(g.dy(0), g.add("RealDiv", g.minus(g.x(1)), g.square(dense)));
    return withDense(g, g.add("RealDiv", g.dy(0), dense), byDense);
  }

  /** What the dense tensor, broadcast, has at the indices. */
  private static Output<?> denseAt(GradientBuilder g) {
    return g.add("GatherNd", g.add("BroadcastTo", g.x(3), int32(g, g.x(2))), g.x(0));
  }

  private static List<Output<?>> withDense(
      GradientBuilder g, Output<?> byValues, Output<?> atIndices) {
    Output<?> full = g.add("ScatterNd", g.x(0), atIndices, g.x(2));
    Output<?> byDense = g.unbroadcast(full, g.x(3), full);
    return List.of(g.zeros(0), byValues, g.zeros(2), byDense);
  }

  /** Inputs: indices, values, shape, default. Outputs: indices, values, test, places of the old. */
  private static List<Output<?>> fillEmptyRows(GradientBuilder g) {
    GraphOperation by = g.operation("SparseFillEmptyRowsGrad").build(g.y(3), g.dy(1));
    return List.of(g.zeros(0), by.output(0), g.zeros(2), by.output(1));
  }

  /** A dense product: "sparse" is only how it is computed. */
  private static List<Output<?>> matMul(GradientBuilder g) {
    boolean transposeA = g.booleanAttribute("transpose_a");
    boolean transposeB = g.booleanAttribute("transpose_b");
    Output<?> a = g.cast(g.x(0), DataType.DT_FLOAT);
    Output<?> b = g.cast(g.x(1), DataType.DT_FLOAT);
    Output<?> dy = g.dy(0);
    Output<?> byA =
        transposeA ? product(g, b, transposeB, dy, true) : product(g, dy, false, b, !transposeB);
    Output<?> byB =
        transposeB ? product(g, dy, true, a, transposeA) : product(g, a, !transposeA, dy, false);
    return List.of(g.cast(byA, g.x(0).dataType()), g.cast(byB, g.x(1).dataType()));
  }

  private static Output<?> product(
      GradientBuilder g, Output<?> a, boolean transposeA, Output<?> b, boolean transposeB) {
    return g.operation("MatMul")
        .attr("transpose_a", transposeA)
        .attr("transpose_b", transposeB)
        .of(a, b);
  }

  /** Inputs: indices, values, shape, axes. Each value gets the gradient of the sum it is in. */
  private static List<Output<?>> reduceSum(GradientBuilder g) {
    Output<?> shape = int32(g, g.x(2));
    Output<?> kept = g.shapeWithOnes(shape, g.x(3));
    Output<?> scale = g.cast(g.add("FloorDiv", shape, kept), DataType.DT_INT64);
    Output<?> places = g.add("FloorDiv", g.x(0), scale);
    Output<?> byValues = g.add("GatherNd", g.reshape(g.dy(0), kept), places);
    return List.of(g.zeros(0), byValues, g.zeros(2), g.zeros(3));
  }

  /** Inputs: indices, values, shape. Reordering the numbers of the values tells where each went. */
  private static List<Output<?>> reorder(GradientBuilder g) {
    Output<?> numbers = g.add("Range", g.integer(0), g.add("Size", g.x(1)), g.integer(1));
    Output<?> order = g.operation("SparseReorder").build(g.x(0), numbers, g.x(2)).output(1);
    return List.of(g.zeros(0), g.rows(g.dy(1), g.add("InvertPermutation", order)), g.zeros(2));
  }

  /** Inputs: indices, values, shape, start, size. */
  private static List<Output<?>> slice(GradientBuilder g) {
    return g.onlyBy(1, g.add("SparseSliceGrad", g.dy(1), g.x(0), g.x(3), g.y(0)));
  }

  /** Inputs: indices, values, shape, the dense tensor. */
  private static List<Output<?>> addToDense(GradientBuilder g) {
    return List.of(g.zeros(0), g.add("GatherNd", g.dy(0), g.x(0)), g.zeros(2), g.dy(0));
  }

  /** Inputs: of a indices, values, shape; b. Value k, at row i and column j, times row j of b. */
  private static List<Output<?>> timesMatrix(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    boolean adjointA = g.booleanAttribute("adjoint_a");
    boolean adjointB = g.booleanAttribute("adjoint_b");
    Output<?> byProduct =
        g.operation("SparseTensorDenseMatMul")
            .attr("adjoint_a", !adjointA)
            .of(g.x(0), g.x(1), g.x(2), g.dy(0));
    Output<?> b = adjointB ? m.adjoint(g.x(3)) : g.x(3);
    Output<?> rows = g.add("GatherV2", g.x(0), g.integer(0), g.integer(1));
    Output<?> columns = g.add("GatherV2", g.x(0), g.integer(1), g.integer(1));
    Output<?> ofProduct = g.rows(g.dy(0), adjointA ? columns : rows);
    Output<?> ofMatrix = g.rows(b, adjointA ? rows : columns);
    Output<?> byValues = g.add("Sum", g.times(ofProduct, g.conjugate(ofMatrix)), g.integer(-1));
    return List.of(
        g.zeros(0),
        adjointA ? g.conjugate(byValues) : byValues,
        g.zeros(2),
        adjointB ? m.adjoint(byProduct) : byProduct);
  }

  /** Inputs: indices (of one element, of a vector's elements, or rows), shape, values, default. */
  private static List<Output<?>> toDense(GradientBuilder g) {
    Output<?> rank = g.reshape(g.add("Size", g.x(1)), g.integers(1));
    Output<?> indices = g.reshape(g.x(0), g.concatenate(g.integers(-1), rank));
    Output<?> taken = g.add("GatherNd", g.dy(0), indices);
    Output<?> rest = g.minus(sum(g, g.dy(0)), sum(g, taken));
    return List.of(g.zeros(0), g.zeros(1), g.unbroadcast(taken, g.x(2), taken), rest);
  }

  private static Output<?> sum(GradientBuilder g, Output<?> values) {
    return g.add("Sum", g.reshape(values, g.integers(-1)), g.integer(0));
  }

  private static Output<?> int32(GradientBuilder g, Output<?> shape) {
    return g.cast(shape, DataType.DT_INT32);
  }
}
