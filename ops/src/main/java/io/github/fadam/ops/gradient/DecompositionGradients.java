package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/**
 * Matrix decompositions. Where eigenvalues or singular values meet, their vectors have no
 * derivative: 0 stands for what would be infinite.
 */
final class DecompositionGradients {

  private DecompositionGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "Cholesky", DecompositionGradients::cholesky,
        "MatrixSquareRoot", DecompositionGradients::squareRoot,
        "Qr", DecompositionGradients::qr,
        "SelfAdjointEigV2", DecompositionGradients::selfAdjointEig,
        "Svd", DecompositionGradients::svd);
  }

  /**
   * A = L L^H: the symmetric part of L^-H P(L^H dL) L^-1, where P takes the lower triangle with
   * half of the diagonal (Murray, Differentiation of the Cholesky decomposition, equation 10).
   */
  private static List<Output<?>> cholesky(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> l = g.y(0);
    Output<?> inverse = g.operation("MatrixTriangularSolve").of(l, m.unit(l));
    Output<?> middle = m.lowerHalf(m.product(l, true, g.dy(0), false));
    Output<?> full = m.product(m.product(inverse, true, middle, false), inverse);
    return List.of(g.times(0.5, g.plus(full, m.adjoint(full))));
  }

  /** Y Y = A: dA solves Y^H dA + dA Y^H = dY, written as one linear system for all its elements. */
  private static List<Output<?>> squareRoot(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> y = g.y(0);
    Output<?> unit = m.unit(y);
    Output<?> system = g.plus(kronecker(g, m.adjoint(y), unit), kronecker(g, unit, g.conjugate(y)));
    Output<?> shape = g.shape(y);
    Output<?> n = g.lastOf(shape);
    Output<?> batch =
        g.add(
            "Slice",
            shape,
            g.integers(0),
            g.reshape(g.minus(g.add("Rank", y), g.integer(2)), g.integers(1)));
    Output<?> elements = g.reshape(g.times(n, n), g.integers(1));
    Output<?> square = g.reshape(system, g.concatenate(batch, elements, elements));
    Output<?> right = g.reshape(g.dy(0), g.concatenate(batch, elements, g.integers(1)));
    return List.of(g.reshape(g.add("MatrixSolve", square, right), shape));
  }

  private static Output<?> kronecker(GradientBuilder g, Output<?> a, Output<?> b) {
    return g.operation("Einsum")
        .attr("equation", "...ij,...kl->...ikjl")
        .ofList(new Output<?>[] {a, b});
  }

  /**
   * A = Q R. The columns beyond the square part of a wide R are Q^H times those of A; what is left
   * is the square or tall case (Roberts and Roberts, arXiv 2009.10071).
   */
  private static List<Output<?>> qr(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> q = g.y(0);
    Output<?> k = g.lastOf(g.shape(q));
    Output<?> beyond = m.columns(g.x(0), k)[1];
    Output<?> u = m.columns(g.y(1), k)[0];
    Output<?>[] dr = m.columns(g.dy(1), k);
    Output<?> dq = g.plus(g.dy(0), m.product(beyond, false, dr[1], true));
    Output<?> byBeyond = m.product(q, dr[1]);

    Output<?> qdq = m.product(q, true, dq, false);
    Output<?> rdr = m.product(u, false, dr[0], true);
    Output<?> skew = g.plus(g.minus(qdq, m.adjoint(qdq)), g.minus(rdr, m.adjoint(rdr)));
    Output<?> inSpan = g.plus(dr[0], m.byAdjointOfUpper(m.lower(skew), u));
    Output<?> across = m.byAdjointOfUpper(g.minus(dq, m.product(q, qdq)), u);
    Output<?> bySquare = g.plus(m.product(q, inSpan), across);
    return List.of(
        g.operation("ConcatV2").ofList(new Output<?>[] {bySquare, byBeyond}, g.integer(-1)));
  }

  /** The operation reads the lower triangle only, and so its gradient has only that. */
  private static List<Output<?>> selfAdjointEig(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> byValues = m.ofDiagonal(g.dy(0));
    Output<?> v;
    Output<?> middle;
    if (g.booleanAttribute("compute_v")) {
      v = g.y(1);
      Output<?> byVectors =
          g.times(m.reciprocalDifferences(g.y(0)), m.product(v, true, g.dy(1), false));
      middle = g.plus(byValues, byVectors);
    } else {
      v = g.operation("SelfAdjointEigV2").build(g.x(0)).output(1);
      middle = byValues;
    }
    Output<?> full = m.product(m.product(v, middle), false, v, true);
    return List.of(m.lowerHalf(g.plus(full, m.adjoint(full))));
  }

  /**
   * A = U S V^H, thin: U (dS + (F o U^H dU) S + its mirror image + the same of V) V^H, and what
   * lies outside of the spans of U and V (Townsend, Differentiating the singular value
   * decomposition).
   */
  private static List<Output<?>> svd(GradientBuilder g) {
    MatrixAlgebra m = new MatrixAlgebra(g);
    Output<?> byValues = m.ofDiagonal(g.dy(0));
    if (!g.booleanAttribute("compute_uv")) {
      GraphOperation full = g.operation("Svd").build(g.x(0));
      return List.of(m.product(m.product(full.output(1), byValues), false, full.output(2), true));
    }
    Output<?> s = g.y(0);
    Output<?> u = g.y(1);
    Output<?> v = g.y(2);
    Output<?> matrix = m.ofDiagonal(s);
    Output<?> inverse = m.ofDiagonal(m.reciprocal(s));
    Output<?> f = m.reciprocalDifferences(g.square(s));
    Output<?> udu = m.product(u, true, g.dy(1), false);
    Output<?> vdv = m.product(v, true, g.dy(2), false);
    Output<?> inner =
        g.plus(
            byValues,
            g.plus(
                m.product(symmetric(g, m, g.times(f, udu)), matrix),
                m.product(matrix, symmetric(g, m, g.times(f, vdv)))));
    Output<?> acrossU = m.product(g.minus(g.dy(1), m.product(u, udu)), inverse);
    Output<?> acrossV = m.product(g.minus(g.dy(2), m.product(v, vdv)), inverse);
    Output<?> left = g.plus(m.product(u, inner), acrossU);
    return List.of(g.plus(m.product(left, false, v, true), m.product(u, false, acrossV, true)));
  }

  private static Output<?> symmetric(GradientBuilder g, MatrixAlgebra m, Output<?> a) {
    return g.plus(a, m.adjoint(a));
  }
}
