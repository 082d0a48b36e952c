package io.github.fadam.savedmodel.cli;

import io.github.fadam.ops.gradient.GradientSource;
import io.github.fadam.ops.gradient.GradientTable;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What {@code fadam doctor --gradients} prints: every operation with a gradient here or in Python.
 */
final class GradientList {

  private static final int OP_WIDTH = 36;

  /** One operation, as JSON has it. */
  record Line(String op, String source, String note) {}

  private GradientList() {}

  static List<Line> lines() {
    return GradientTable.rows().stream()
        .map(row -> new Line(row.opType(), name(row.source()), row.note()))
        .toList();
  }

  static void print(PrintWriter out) {
    List<Line> lines = lines();
    Map<String, Long> counts =
        lines.stream()
            .collect(Collectors.groupingBy(Line::source, TreeMap::new, Collectors.counting()));
    for (Line line : lines) {
      String text = "%%-%ds  %%-11s  %%s".formatted(OP_WIDTH);
      out.println(text.formatted(line.op(), line.source(), line.note()).stripTrailing());
    }
    out.println(
        counts.entrySet().stream()
            .map(count -> count.getKey() + " " + count.getValue())
            .collect(Collectors.joining(", ", lines.size() + " operations: ", "")));
  }

  static String name(GradientSource source) {
    return switch (source) {
      case CPP -> "C++";
      case OURS -> "ours";
      case ZERO -> "none needed";
      case REWRITTEN -> "rewritten";
      case NONE -> "refused";
    };
  }
}
