package io.github.fadam.ops.gradient;

import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/** Operations that move the elements of matrices, and the product of vectors in space. */
final class MatrixGradients {

  private MatrixGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("ConjugateTranspose", MatrixGradients::conjugateTranspose),
        Map.entry("Cross", MatrixGradients::cross),
        Map.entry("MatrixDiagPart", MatrixGradients::mainDiagPart),
        Map.entry("MatrixDiagPartV2", MatrixGradients::diagPart),
        Map.entry("MatrixDiagPartV3", MatrixGradients::diagPart),
        Map.entry("MatrixDiagV2", MatrixGradients::diag),
        Map.entry("MatrixDiagV3", MatrixGradients::diag),
        Map.entry("MatrixSetDiag", MatrixGradients::setMainDiag),
        Map.entry("MatrixSetDiagV2", MatrixGradients::setDiag),
        Map.entry("MatrixSetDiagV3", MatrixGradients::setDiag));
  }

  /** Inputs: diagonal, k, rows, columns, padding. */
  private static List<Output<?>> diag(GradientBuilder g) {
    return List.of(part(g, g.dy(0), 1), g.zeros(1), g.zeros(2), g.zeros(3), g.zeros(4));
  }

  /** Inputs: matrix, k, padding. */
  private static List<Output<?>> diagPart(GradientBuilder g) {
    return List.of(set(g, g.zeros(0), g.dy(0), 1), g.zeros(1), g.zeros(2));
  }

  /** Inputs: matrix, diagonal, k. */
  private static List<Output<?>> setDiag(GradientBuilder g) {
    return List.of(set(g, g.dy(0), g.zeros(1), 2), part(g, g.dy(0), 2), g.zeros(2));
  }

  private static List<Output<?>> mainDiagPart(GradientBuilder g) {
    return List.of(g.add("MatrixSetDiag", g.zeros(0), g.dy(0)));
  }

  private static List<Output<?>> setMainDiag(GradientBuilder g) {
    return List.of(g.add("MatrixSetDiag", g.dy(0), g.zeros(1)), g.add("MatrixDiagPart", g.dy(0)));
  }

  private static Output<?> part(GradientBuilder g, Output<?> matrix, int k) {
    return sameVersion(g, "MatrixDiagPart").of(matrix, g.x(k), g.constant(0));
  }

  private static Output<?> set(GradientBuilder g, Output<?> matrix, Output<?> diagonal, int k) {
    return sameVersion(g, "MatrixSetDiag").of(matrix, diagonal, g.x(k));
  }

  /** Version 2 aligns diagonals to the left, version 3 as an attribute says. */
  private static GradientBuilder.Node sameVersion(GradientBuilder g, String type) {
    return g.type().endsWith("V3")
        ? g.operation(type + "V3").copy("align")
        : g.operation(type + "V2");
  }

  /** Inputs: a, b; the vector product is antisymmetric. */
  private static List<Output<?>> cross(GradientBuilder g) {
    return List.of(g.add("Cross", g.x(1), g.dy(0)), g.add("Cross", g.dy(0), g.x(0)));
  }

  private static List<Output<?>> conjugateTranspose(GradientBuilder g) {
    return List.of(
        g.add("ConjugateTranspose", g.dy(0), g.add("InvertPermutation", g.x(1))), g.zeros(1));
  }
}
