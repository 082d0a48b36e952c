package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.cli.InspectReport.Obstacle;
import io.github.fadam.savedmodel.cli.InspectReport.Signature;
import io.github.fadam.savedmodel.cli.InspectReport.Tensors;
import io.github.fadam.savedmodel.cli.InspectReport.Training;
import io.github.fadam.savedmodel.cli.InspectReport.Variable;
import io.github.fadam.savedmodel.cli.VariableTree.Line;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What {@code fadam inspect} prints for a person, made for 100 columns. */
final class InspectText {

  private static final int WIDTH = 100;
  private static final int MOST_KINDS = 12;
  private static final int MOST_NAMES = 4;
  private static final int WIDEST_NAME = 48;

  /** A blank at which no line ends. */
  private static final char TOGETHER = '\u00a0';

  private final InspectReport report;
  private final PrintWriter out;

  /** A signature without what tells it from others of the same content. */
  private record Content(Signature signature, Map<String, Long> ops, String training) {
    static Content of(InspectReport report, String key) {
      return new Content(
          report.signatures().get(key),
          report.ops().get(key),
          report
              .training()
              .get(key)
              .toString()
              .replaceAll("PartitionedCall_\\d+", "PartitionedCall")
              .replace("signature " + key, "signature"));
    }
  }

  InspectText(InspectReport report, PrintWriter out) {
    this.report = report;
    this.out = out;
  }

  void print(int depth) {
    out.println(report.model() + "  (tags: " + String.join(", ", report.tags()) + ")");
    report.signatures().keySet().stream()
        .collect(
            Collectors.groupingBy(
                key -> Content.of(report, key), LinkedHashMap::new, Collectors.toList()))
        .values()
        .forEach(this::signatures);
    variables(depth);
    out.println();
    out.println("Functions: " + report.functions().size());
    wrapped(
        "Assets: ", "  ", report.assets().isEmpty() ? "none" : String.join(", ", report.assets()));
  }

  /** Signatures that differ in nothing but their keys. */
  private void signatures(List<String> keys) {
    String key = keys.get(0);
    Signature signature = report.signatures().get(key);
    out.println();
    out.println((keys.size() == 1 ? "Signature " : "Signatures ") + String.join(", ", keys));
    signature.inputs().forEach((name, tensor) -> print("in    ", name, tensor));
    signature.outputs().forEach((name, tensor) -> print("out   ", name, tensor));
    wrapped("  ops     ", " ".repeat(10), mostFrequent(report.ops().get(key)));
    training(report.training().get(key));
  }

  private void print(String side, String name, Tensors tensor) {
    out.printf("  %s  %s  %s %s%n", side, name, tensor.dtype(), text(tensor.shape()));
  }

  private void training(Training training) {
    String indent = " ".repeat(10);
    if (training.refusal() != null) {
      wrapped("  trains  ", indent, "nothing: " + training.refusal());
      return;
    }
    String trained =
        counted(training.trains().size(), "variable")
            + " with "
            + String.format("%,d", training.parameters())
            + " parameters";
    if (training.obstacles().isEmpty()) {
      wrapped("  trains  ", indent, trained);
    } else {
      wrapped(
          "  trains  ",
          indent,
          "nothing as it is: "
              + counted(training.obstacles().size(), "operation")
              + " without a right gradient in the way"
              + (training.trains().isEmpty()
                  ? ""
                  : "; with what is behind frozen (--frozen GLOB), " + trained)
              + (training.freeOutputs().isEmpty()
                  ? ""
                  : "; nothing is in the way of output "
                      + String.join(", ", training.freeOutputs())));
      training.obstacles().stream()
          .collect(
              Collectors.groupingBy(
                  obstacle -> List.of(obstacle.problem(), "" + obstacle.kept()),
                  LinkedHashMap::new,
                  Collectors.toList()))
          .values()
          .forEach(this::obstacles);
    }
    if (!training.unreached().isEmpty()) {
      wrapped(
          "          stays as it is, because no output depends on it in a way that has a gradient: ",
          " ".repeat(12),
          some(training.unreached()));
    }
  }

  /** Operations of which the same is said. */
  private void obstacles(List<Obstacle> same) {
    Obstacle first = same.get(0);
    String indent = " ".repeat(12);
    wrapped(
        "          - ",
        indent,
        some(same.stream().map(o -> o.op() + TOGETHER + "'" + o.node() + "'").distinct().toList()));
    // What to change in a graph that one builds oneself does not help with a saved loop.
    wrapped(
        indent,
        indent,
        first.problem()
            + ". "
            + (first.kept() == null
                ? first.remedy() + "."
                : "It could not be replaced: " + first.kept() + "."));
    wrapped(
        indent + "cannot train: ",
        indent + "  ",
        some(same.stream().flatMap(o -> o.variables().stream()).distinct().toList()));
  }

  private void variables(int depth) {
    out.println();
    out.printf(
        "Variables: %,d, parameters: %,d, of these trainable: %,d%n",
        report.variables().size(), report.parameters().all(), report.parameters().trainable());
    String source = mostFrequent(report.variables().stream().map(Variable::trainableSource));
    if (!source.isEmpty()) {
      wrapped(
          "  ",
          "  ",
          "Whether they train is what "
              + source
              + " says"
              + (report.variables().stream().allMatch(v -> v.trainableSource().equals(source))
                  ? ""
                  : ", where nothing else is named")
              + ".");
    }
    List<Line> lines = VariableTree.of(report.variables()).lines(depth);
    int name =
        lines.stream()
            .mapToInt(line -> 2 * line.depth() + line.label().length())
            .filter(width -> width <= WIDEST_NAME)
            .max()
            .orElse(1);
    int count = String.format("%,d", report.parameters().all()).length();
    int dtype = report.variables().stream().mapToInt(v -> v.dtype().length()).max().orElse(1);
    int shape = report.variables().stream().mapToInt(v -> text(v.shape()).length()).max().orElse(1);
    for (Line line : lines) {
      String label = " ".repeat(2 + 2 * line.depth()) + line.label();
      String columns = "%-" + (2 + name) + "s  %," + count + "d  ";
      if (line.variable() == null) {
        out.println(
            String.format(columns, label, line.folder().parameters().all())
                + trained(line.folder(), line.depth() + 1 == depth));
      } else {
        Variable variable = line.variable();
        out.println(
            String.format(
                    columns + "%-" + dtype + "s  %-" + shape + "s  ",
                    label,
                    variable.parameters(),
                    variable.dtype(),
                    text(variable.shape()))
                + note(variable, source));
      }
    }
  }

  private static String trained(VariableTree.Folder folder, boolean closed) {
    long all = folder.parameters().all();
    long trainable = folder.parameters().trainable();
    return (closed ? counted(folder.variables(), "variable") + ", " : "")
        + (trainable == 0
            ? "none trainable"
            : trainable == all ? "all trainable" : String.format("%,d trainable", trainable));
  }

  private static String note(Variable variable, String usualSource) {
    String state =
        switch (variable.state()) {
          case TRAINS -> "trains";
          case FROZEN -> "frozen";
          case BLOCKED -> "cannot train, see above";
          case UNREACHED -> "not reached by an output";
          case UNREAD -> "not read by a signature";
          case UNKNOWN -> "see above";
        };
    String source = variable.trainableSource();
    return source.equals(usualSource) ? state : state + ", says " + source.replaceFirst(",.*", "");
  }

  private static String mostFrequent(Stream<String> texts) {
    return texts
        .collect(Collectors.groupingBy(t -> t, LinkedHashMap::new, Collectors.counting()))
        .entrySet()
        .stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse("");
  }

  private static String mostFrequent(Map<String, Long> ops) {
    long all = ops.values().stream().mapToLong(Long::longValue).sum();
    return String.format("%,d: ", all)
        + ops.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder()))
            .limit(MOST_KINDS)
            .map(op -> op.getKey() + TOGETHER + op.getValue())
            .collect(Collectors.joining(", "))
        + (ops.size() > MOST_KINDS ? ", ... (" + ops.size() + " kinds; --json lists all)" : "");
  }

  private static String counted(int number, String what) {
    return number == 1 ? "1 " + what : String.format("%,d %ss", number, what);
  }

  private static String some(Collection<String> names) {
    return names.stream().limit(MOST_NAMES).collect(Collectors.joining(", "))
        + (names.size() > MOST_NAMES
            ? " and " + (names.size() - MOST_NAMES) + " more (--json lists all)"
            : "");
  }

  private static String text(List<Long> shape) {
    return shape == null
        ? "(any shape)"
        : shape.stream()
            .map(dimension -> dimension < 0 ? "?" : dimension.toString())
            .collect(Collectors.joining(", ", "[", "]"));
  }

  /** Prints words in lines of no more than the width, as far as words are no longer. */
  private void wrapped(String first, String rest, String text) {
    StringBuilder line = new StringBuilder(first);
    boolean begun = false;
    for (String word : text.strip().split("\\s+", -1)) {
      if (begun && line.length() + 1 + word.length() > WIDTH) {
        out.println(line);
        line = new StringBuilder(rest);
        begun = false;
      }
      line.append(begun ? " " : "").append(word.replace(TOGETHER, ' '));
      begun = true;
    }
    out.println(line);
  }
}
