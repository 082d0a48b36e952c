package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.GradientPaths.Edge;
import io.github.fadam.ops.gradient.GradientPaths.Node;
import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/** Finds the operations that look up rows of a variable on the way to the loss. */
final class RowLookups {

  /**
   * A lookup.
   *
   * @param rows the rows that were found
   * @param indices which rows
   */
  record Lookup(Output<?> rows, Output<?> indices) {}

  private static final Set<String> READS = Set.of("ReadVariableOp", "Identity", "Snapshot");

  private RowLookups() {}

  /**
   * All lookups of a variable.
   *
   * @param start the variable's node
   * @param reasons takes what reads the variable in another way
   */
  static List<Lookup> of(TrainableVariable variable, Node start, List<Reason> reasons) {
    List<Lookup> lookups = new ArrayList<>();
    Deque<Node> open = new ArrayDeque<>(List.of(start));
    while (!open.isEmpty()) {
      for (Edge edge : open.remove().consumers()) {
        if (!edge.to().isOnPath() || !edge.carriesGradient()) {
          continue;
        }
        GraphOperation op = edge.to().op();
        if (READS.contains(edge.to().type())) {
          open.add(edge.to());
        } else if (edge.input() == 0 && isLookup(op)) {
          lookups.add(new Lookup(op.output(0), op.input(1)));
        } else {
          reasons.add(
              new Reason(
                  op.type(),
                  op.name(),
                  edge.to().path(),
                  "uses all rows of " + variable.name() + " and not some that are looked up",
                  "Train " + variable.name() + " without lazy rows"));
        }
      }
    }
    return lookups;
  }

  /** Whether anything in the graph looks up rows of a variable, or of a copy of a reference. */
  static boolean hasLookup(TrainableVariable variable) {
    return consumers((GraphOperation) variable.handle().op())
        .anyMatch(
            consumer ->
                isLookup(consumer)
                    || (variable.kind() == TrainableVariable.Kind.REFERENCE
                        && READS.contains(consumer.type())
                        && consumers(consumer).anyMatch(RowLookups::isLookup)));
  }

  /** Whether on the way to the loss rows are looked up, without reading all of them. */
  static boolean inPlace(TrainableVariable variable, Node start) {
    List<Reason> others = new ArrayList<>();
    List<Lookup> lookups = of(variable, start, others);
    return others.isEmpty()
        && !lookups.isEmpty()
        && (variable.kind() == TrainableVariable.Kind.REFERENCE
            || lookups.stream().allMatch(l -> l.rows().op().type().equals("ResourceGather")));
  }

  private static Stream<GraphOperation> consumers(GraphOperation op) {
    return op.consumers().stream();
  }

  private static boolean isLookup(GraphOperation op) {
    return switch (op.type()) {
      case "Gather" -> true;
      case "ResourceGather" -> op.attributes().getAttrInt("batch_dims") == 0;
      case "GatherV2" ->
          op.attributes().getAttrInt("batch_dims") == 0
              && OpConditions.constant(op.input(2)).orElse(-1) == 0;
      default -> false;
    };
  }
}
