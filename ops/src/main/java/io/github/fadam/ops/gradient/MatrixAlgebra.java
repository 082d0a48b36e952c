package io.github.fadam.ops.gradient;

import org.tensorflow.Output;

/** Batches of matrices, in their last two dimensions, for gradients of linear algebra. */
final class MatrixAlgebra {

  private static final double SMALL = 1e-20;

  private final GradientBuilder g;

  MatrixAlgebra(GradientBuilder g) {
    this.g = g;
  }

  /** A b. */
  Output<?> product(Output<?> a, Output<?> b) {
    return product(a, false, b, false);
  }

  /** A b, either of them as its adjoint where wanted. */
  Output<?> product(Output<?> a, boolean adjointA, Output<?> b, boolean adjointB) {
    return g.operation("BatchMatMulV2").attr("adj_x", adjointA).attr("adj_y", adjointB).of(a, b);
  }

  /** The conjugate transpose. */
  Output<?> adjoint(Output<?> a) {
    Output<?> rank = g.add("Rank", a);
    Output<?> batch = g.add("Range", g.integer(0), g.minus(rank, g.integer(2)), g.integer(1));
    Output<?> last = g.add("AddV2", rank, g.integers(-1, -2));
    return g.add("ConjugateTranspose", a, g.concatenate(batch, last));
  }

  /** One row as one column, not conjugated. */
  Output<?> column(Output<?> row) {
    return g.conjugate(adjoint(row));
  }

  /** The lower triangle with the diagonal. */
  Output<?> lower(Output<?> a) {
    return g.add("MatrixBandPart", a, g.integer(-1), g.integer(0));
  }

  /** The upper triangle with the diagonal. */
  Output<?> upper(Output<?> a) {
    return g.add("MatrixBandPart", a, g.integer(0), g.integer(-1));
  }

  Output<?> diagonal(Output<?> a) {
    return g.add("MatrixDiagPart", a);
  }

  Output<?> ofDiagonal(Output<?> vector) {
    return g.add("MatrixDiag", vector);
  }

  Output<?> withDiagonal(Output<?> a, Output<?> diagonal) {
    return g.add("MatrixSetDiag", a, diagonal);
  }

  /** A unit matrix of the size of a square one. */
  Output<?> unit(Output<?> a) {
    return ofDiagonal(g.add("OnesLike", diagonal(a)));
  }

  /** The lower triangle with half of the diagonal. */
  Output<?> lowerHalf(Output<?> a) {
    return withDiagonal(lower(a), g.times(0.5, diagonal(a)));
  }

  /** 1 / (v_j - v_i) off the diagonal, and 0 instead of what is not finite. */
  Output<?> reciprocalDifferences(Output<?> v) {
    Output<?> differences =
        g.minus(g.add("ExpandDims", v, g.integer(-2)), g.add("ExpandDims", v, g.integer(-1)));
    return withDiagonal(reciprocal(differences), g.add("ZerosLike", v));
  }

  Output<?> reciprocal(Output<?> v) {
    Output<?> small = g.cast(g.constant(SMALL), v.dataType());
    return g.add("RealDiv", v, g.plus(g.square(v), small));
  }

  /** The first columns and the others. */
  Output<?>[] columns(Output<?> a, Output<?> count) {
    Output<?> width = g.lastOf(g.shape(a));
    Output<?> sizes = g.operation("Pack").ofList(new Output<?>[] {count, g.minus(width, count)});
    var split = g.operation("SplitV").attr("num_split", 2).build(a, sizes, g.integer(-1));
    return new Output<?>[] {split.output(0), split.output(1)};
  }

  /** X with r^H x^H = a^H, for an upper triangular r: a r^-H. */
  Output<?> byAdjointOfUpper(Output<?> a, Output<?> r) {
    return adjoint(
        g.operation("MatrixTriangularSolve")
            .attr("lower", false)
            .attr("adjoint", false)
            .of(r, adjoint(a)));
  }

  /** Sums a gradient over the batch dimensions along which a matrix was broadcast. */
  Output<?> unbroadcast(Output<?> gradient, Output<?> matrix, Output<?> other) {
    Output<?> dimensions = g.add("BroadcastGradientArgs", batch(matrix), batch(other));
    return g.reshape(g.add("Sum", gradient, dimensions), g.shape(matrix));
  }

  private Output<?> batch(Output<?> matrix) {
    return g.add("Slice", g.shape(matrix), g.integers(0), batchRank(matrix));
  }

  private Output<?> batchRank(Output<?> matrix) {
    return g.reshape(g.minus(g.add("Rank", matrix), g.integer(2)), g.integers(1));
  }
}
