package io.github.fadam.ops.xla;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;

/**
 * Inputs of which XLA compiles the value into the code: the shape that a tensor gets, the axes of a
 * sum. One that follows from constants and shapes is known when it compiles; one that follows from
 * what is fed or trained would have everything compiled anew for every other value.
 */
final class ConstantInputs {

  private static final String TABLE = "xla-constants.tsv";

  private static final Map<String, List<Argument>> ARGUMENTS = load();

  /** They tell shapes, whatever the values are. */
  static final Set<String> OF_SHAPES =
      Set.of(
          "Rank",
          "Shape",
          "ShapeN",
          "Size",
          "VariableShape",
          "TensorListElementShape",
          "TensorListLength");

  private final SourceGraph source;
  private final Set<String> cuts;
  private final Set<String> trained;

  /**
   * An input.
   *
   * @param name as the operation calls it
   * @param place of the first, from the end where negative
   * @param count attribute that says how many, or none for one
   */
  record Argument(String name, int place, Optional<String> count) {

    List<String> of(NodeDef node) {
      List<String> data =
          node.getInputList().stream().filter(input -> !SourceGraph.isControl(input)).toList();
      int from = place < 0 ? data.size() + place : place;
      int many = count.map(attribute -> (int) node.getAttrOrThrow(attribute).getI()).orElse(1);
      return data.subList(from, from + many);
    }
  }

  /**
   * Of a graph.
   *
   * @param cuts tensors that come from outside whatever computes them
   * @param trained names of nodes that a variable has a part in that training changes
   */
  ConstantInputs(SourceGraph source, Set<String> cuts, Set<String> trained) {
    this.source = source;
    this.cuts = cuts;
    this.trained = trained;
  }

  /** Operation to the inputs that have to be known. */
  static Map<String, List<Argument>> arguments() {
    return ARGUMENTS;
  }

  /** Why a node would be compiled anew again and again; empty if it would not. */
  Optional<String> problem(NodeDef node) {
    for (Argument argument : ARGUMENTS.getOrDefault(node.getOp(), List.of())) {
      for (String input : argument.of(node)) {
        Optional<String> origin = origin(SourceGraph.tensor(input));
        if (origin.isPresent()) {
          return Optional.of(
              "its "
                  + argument.name()
                  + " follows from the value of "
                  + origin.get()
                  + ", and XLA would compile everything anew for every other value; compute it from"
                  + " constants and shapes");
        }
      }
    }
    return Optional.empty();
  }

  /** An input or a trained variable that decides a tensor's value. */
  private Optional<String> origin(String tensor) {
    Deque<String> queue = new ArrayDeque<>(List.of(tensor));
    Set<String> seen = new HashSet<>();
    while (!queue.isEmpty()) {
      String next = queue.remove();
      if (!seen.add(next)) {
        continue;
      }
      NodeDef node = source.node(SourceGraph.nodeOf(next));
      boolean variable = SourceGraph.isVariable(node);
      if (cuts.contains(next) || (!variable && Cluster.isInput(node))) {
        return Optional.of(node.getName());
      }
      if (variable && trained.contains(node.getName())) {
        return Optional.of(node.getName());
      }
      if (!OF_SHAPES.contains(node.getOp()) && !callsFunctions(node)) {
        inputs(node, SourceGraph.indexOf(next)).forEach(queue::add);
      }
    }
    return Optional.empty();
  }

  /** Of what happens in there, TensorFlow knows more. */
  private static boolean callsFunctions(NodeDef node) {
    return node.getAttrMap().values().stream().anyMatch(AttrValue::hasFunc);
  }

  private static List<String> inputs(NodeDef node, int output) {
    if (node.getOp().equals("IdentityN")) {
      return List.of(SourceGraph.tensor(node.getInput(output)));
    }
    return node.getInputList().stream()
        .filter(input -> !SourceGraph.isControl(input))
        .map(SourceGraph::tensor)
        .toList();
  }

  private static Map<String, List<Argument>> load() {
    Map<String, List<Argument>> ops = new HashMap<>();
    try (InputStream stream = ConstantInputs.class.getResourceAsStream(TABLE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          List<String> cells = List.of(line.split("\t", -1));
          ops.put(
              cells.get(0),
              cells.subList(1, cells.size()).stream().map(ConstantInputs::argument).toList());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + TABLE, e);
    }
    return Map.copyOf(ops);
  }

  private static Argument argument(String cell) {
    List<String> parts = List.of(cell.split("[=*]", -1));
    return new Argument(
        parts.get(0),
        Integer.parseInt(parts.get(1)),
        parts.size() > 2 ? Optional.of(parts.get(2)) : Optional.empty());
  }
}
