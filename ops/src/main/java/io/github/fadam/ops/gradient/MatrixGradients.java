package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/** Operations on the diagonals of matrices. */
final class MatrixGradients {

  private MatrixGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.of(
        "MatrixDiagPartV3", MatrixGradients::diagPart,
        "MatrixDiagV3", MatrixGradients::diag,
        "MatrixSetDiagV3", MatrixGradients::setDiag);
  }

  /** Inputs: diagonal, k, rows, columns, padding. */
  private static List<Output<?>> diag(GradientBuilder g) {
    return List.of(part(g, g.dy(0), 1), g.zeros(1), g.zeros(2), g.zeros(3), g.zeros(4));
  }

  /** Inputs: matrix, k, padding. */
  private static List<Output<?>> diagPart(GradientBuilder g) {
    return List.of(
        g.operation("MatrixSetDiagV3").copy("align").of(g.zeros(0), g.dy(0), g.x(1)),
        g.zeros(1),
        g.zeros(2));
  }

  /** Inputs: matrix, diagonal, k. */
  private static List<Output<?>> setDiag(GradientBuilder g) {
    Output<?> byMatrix =
        g.operation("MatrixSetDiagV3").copy("align").of(g.dy(0), g.zeros(1), g.x(2));
    return List.of(byMatrix, part(g, g.dy(0), 2), g.zeros(2));
  }

  private static Output<?> part(GradientBuilder g, Output<?> matrix, int k) {
    return g.operation("MatrixDiagPartV3").copy("align").of(matrix, g.x(k), g.constant(0));
  }
}
