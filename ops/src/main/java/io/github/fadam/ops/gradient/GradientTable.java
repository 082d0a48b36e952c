package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.OpKnowledge.Finding;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.tensorflow.TensorFlow;

/**
 * What is known about the gradients of TensorFlow's operations: which have one, from where, and why
 * the others are refused.
 */
public final class GradientTable {

  private GradientTable() {}

  /**
   * The gradient of one type of operation.
   *
   * @param opType type of the operation, such as {@code "Conv2D"}
   * @param source where its gradient comes from
   * @param note what it does not cover, or why there is none and what to do; empty where there is
   *     nothing to say
   */
  public record Row(String opType, GradientSource source, String note) {}

  /**
   * The table: every operation of the running TensorFlow that has a gradient here or in Python,
   * those that users have registered included.
   *
   * @return rows in the order of the types
   */
  public static List<Row> rows() {
    return TensorFlow.registeredOpList().getOpList().stream()
        .map(op -> row(op.getName()))
        .flatMap(Optional::stream)
        .sorted(Comparator.comparing(Row::opType))
        .toList();
  }

  private static Optional<Row> row(String type) {
    GradientSource source = GradientRegistry.sourceOf(type);
    if (source == GradientSource.ZERO) {
      return Optional.of(new Row(type, source, ""));
    }
    if (source == GradientSource.CPP || source == GradientSource.OURS) {
      return Optional.of(new Row(type, source, OpConditions.note(type)));
    }
    return OpKnowledge.alwaysRefused(type)
        .or(() -> RefusedOps.reason(type))
        .or(() -> onlyElsewhere(type))
        .map(finding -> new Row(type, source, text(finding)));
  }

  /** Ours, on a system where none can be registered. */
  private static Optional<Finding> onlyElsewhere(String type) {
    return BuiltInGradients.ALL.containsKey(type)
        ? Optional.of(OpKnowledge.noGradient(type))
        : Optional.empty();
  }

  private static String text(Finding finding) {
    return finding.problem() + ". " + finding.remedy() + ".";
  }
}
