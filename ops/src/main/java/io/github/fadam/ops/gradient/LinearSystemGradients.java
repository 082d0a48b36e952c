package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/** Inverses, solutions of linear systems, and determinants. */
final class LinearSystemGradients {

  private LinearSystemGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("BandedTriangularSolve", LinearSystemGradients::banded),
        Map.entry("LogMatrixDeterminant", g -> determinant(g, g.dy(1))),
        Map.entry("MatrixDeterminant", g -> determinant(g, g.times(g.dy(0), g.y(0)))),
        Map.entry("MatrixInverse", LinearSystemGradients::inverse),
        Map.entry("MatrixSolve", g -> solve(g, "MatrixSolve")),
        Map.entry("MatrixTriangularSolve", LinearSystemGradients::triangular),
        Map.entry("TridiagonalMatMul", LinearSystemGradients::tridiagonalProduct),
        Map.entry("TridiagonalSolve", LinearSystemGradients::tridiagonalSolve));
  }

  /** Y = A^-1: by A it is -Y^H dY Y^H; the same of the adjoint. */
  private static List<Output<?>> inverse(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    boolean adjoint = g.booleanAttribute("adjoint");
    Output<?> dy = adjoint ? m.adjoint(g.dy(0)) : g.dy(0);
    Output<?> y = g.y(0);
    return List.of(g.minus(m.product(y, !adjoint, m.product(dy, false, y, !adjoint), false)));
  }

  /** By A it is the inverse's adjoint, times the determinant or for its logarithm once. */
  private static List<Output<?>> determinant(GradientBuilder g, Output<?> factor) {
    Output<?> inverse = g.operation("MatrixInverse").attr("adjoint", true).of(g.x(0));
    Output<?> shape = g.concatenate(g.shape(factor), g.integers(1, 1));
    return List.of(g.times(g.reshape(factor, shape), inverse));
  }

  /** Inputs: A, b. By b it is w = A^-H dy, by A it is -w y^H, or -y w^H where A is adjoint. */
  private static List<Output<?>> solve(GradientBuilder g, String type, String... attributes) {
    boolean adjoint = g.booleanAttribute("adjoint");
    Output<?> w = g.operation(type).copy(attributes).attr("adjoint", !adjoint).of(g.x(0), g.dy(0));
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> byMatrix =
        adjoint ? m.product(g.y(0), false, w, true) : m.product(w, false, g.y(0), true);
    return List.of(g.minus(byMatrix), w);
  }

  private static List<Output<?>> triangular(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    List<Output<?>> full = solve(g, "MatrixTriangularSolve", "lower");
    Output<?> triangle = g.booleanAttribute("lower") ? m.lower(full.get(0)) : m.upper(full.get(0));
    return unbroadcast(g, triangle, full.get(1));
  }

  private static List<Output<?>> banded(GradientBuilder g) {
    List<Output<?>> full = solve(g, "BandedTriangularSolve", "lower");
    Output<?> beside =
        g.add(
            "GatherV2",
            g.shape(g.x(0)),
            g.minus(g.add("Rank", g.x(0)), g.integer(2)),
            g.integer(0));
    Output<?> bands = g.minus(beside, g.integer(1));
    Output<?>[] range =
        g.booleanAttribute("lower")
            ? new Output<?>[] {g.minus(bands), g.integer(0)}
            : new Output<?>[] {g.integer(0), bands};
    Output<?> band =
        g.operation("MatrixDiagPartV3")
            .attr("align", "LEFT_RIGHT")
            .of(full.get(0), g.operation("Pack").ofList(range), g.constant(0));
    return unbroadcast(g, band, full.get(1));
  }

  private static List<Output<?>> unbroadcast(GradientBuilder g, Output<?> byA, Output<?> byB) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    return List.of(m.unbroadcast(byA, g.x(0), g.x(1)), m.unbroadcast(byB, g.x(1), g.x(0)));
  }

  /**
   * Inputs: the three diagonals, each of one row, and the right side. Row i is upper_i x_(i+1) +
   * main_i x_i + lower_i x_(i-1).
   */
  private static List<Output<?>> tridiagonalProduct(GradientBuilder g) {
    Output<?> right = g.conjugate(g.x(3));
    Output<?> dy = g.dy(0);
    Output<?> upper = new MatrixAlgebra(g).adjoint(g.x(0));
    Output<?> main = new MatrixAlgebra(g).adjoint(g.x(1));
    Output<?> lower = new MatrixAlgebra(g).adjoint(g.x(2));
    Output<?> byRight =
        g.plus(g.plus(down(g, g.times(upper, dy)), g.times(main, dy)), up(g, g.times(lower, dy)));
    return List.of(
        rowOfSums(g, g.times(up(g, right), dy)),
        rowOfSums(g, g.times(right, dy)),
        rowOfSums(g, g.times(down(g, right), dy)),
        byRight);
  }

  /** Inputs: the diagonals as rows (upper, main, lower), and the right side. */
  private static List<Output<?>> tridiagonalSolve(GradientBuilder g) {
    GraphOperation rows = g.operation("Split").attr("num_split", 3).build(g.integer(-2), g.x(0));
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> upper = m.adjoint(up(g, m.column(rows.output(2))));
    Output<?> lower = m.adjoint(down(g, m.column(rows.output(0))));
    Output<?> adjoint =
        g.operation("ConcatV2")
            .ofList(new Output<?>[] {upper, g.conjugate(rows.output(1)), lower}, g.integer(-2));
    Output<?> w =
        g.operation("TridiagonalSolve")
            .copy("partial_pivoting", "perturb_singular")
            .of(adjoint, g.dy(0));
    Output<?> y = g.conjugate(g.y(0));
    Output<?> byDiagonals =
        g.operation("ConcatV2")
            .ofList(
                new Output<?>[] {
                  rowOfSums(g, g.times(w, up(g, y))),
                  rowOfSums(g, g.times(w, y)),
                  rowOfSums(g, g.times(w, down(g, y)))
                },
                g.integer(-2));
    return List.of(g.minus(byDiagonals), w);
  }

  /** The sums of a matrix's rows, as one row. */
  private static Output<?> rowOfSums(GradientBuilder g, Output<?> a) {
    return g.add("ExpandDims", g.add("Sum", a, g.integer(-1)), g.integer(-2));
  }

  private static Output<?> up(GradientBuilder g, Output<?> a) {
    return down(g, a, true);
  }

  private static Output<?> down(GradientBuilder g, Output<?> a) {
    return down(g, a, false);
  }

  /** Moves the rows of a matrix by one; a row of zeros comes in. */
  private static Output<?> down(GradientBuilder g, Output<?> a, boolean upwards) {
    Output<?> rank = g.add("Rank", a);
    Output<?> rows = g.add("GatherV2", g.shape(a), g.minus(rank, g.integer(2)), g.integer(0));
    Output<?> others = g.minus(rows, g.integer(1));
    Output<?>[] sizes =
        upwards ? new Output<?>[] {g.integer(1), others} : new Output<?>[] {others, g.integer(1)};
    GraphOperation split =
        g.operation("SplitV")
            .attr("num_split", 2)
            .build(a, g.operation("Pack").ofList(sizes), g.integer(-2));
    Output<?> zeros = g.add("ZerosLike", split.output(upwards ? 0 : 1));
    Output<?>[] parts =
        upwards
            ? new Output<?>[] {split.output(1), zeros}
            : new Output<?>[] {zeros, split.output(0)};
    return g.operation("ConcatV2").ofList(parts, g.integer(-2));
  }
}
