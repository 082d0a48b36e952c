package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Replaces conditionals and loops whose branches and bodies are functions by what these do, where
 * this gives the same values.
 *
 * <p>A conditional becomes all its branches and a choice between their results. A loop becomes its
 * body, as often as it runs, where this number follows from the graph alone: its condition is
 * computed round by round from constants and from the shapes of the inputs.
 *
 * <p>Conditionals and loops without floating point results stay: no gradient goes through them.
 */
final class ControlFlow {

  private static final Set<String> CONDITIONALS =
      Set.of("If", "StatelessIf", "Case", "StatelessCase");
  private static final Set<String> LOOPS = Set.of("While", "StatelessWhile");

  private static final int MOST_ROUNDS = 2_000;
  private static final int MOST_NODES = 300_000;

  /** What the inliner does for this class. */
  interface Bodies {
    /**
     * Inlines a function.
     *
     * @param node the node that calls it
     * @param function its name
     * @param path what the names of its nodes begin with
     * @param arguments the tensors that it gets
     * @param ranks what is known about the ranks of these
     * @param controls nodes that have to run before any of its nodes, as control inputs
     */
    Frame.Result inline(
        NodeDef node,
        String function,
        String path,
        List<String> arguments,
        List<Integer> ranks,
        List<String> controls);

    /** Whether a function does more than to compute its outputs. */
    boolean changesState(String function);

    /** Value of an integer or boolean scalar that follows from the graph alone. */
    OptionalLong value(String tensor);

    /** Number of nodes in the plan. */
    int size();

    /** Takes back all nodes behind the first ones. */
    void shrink(int size);
  }

  private final NodeWriter writer;
  private final Map<String, String> kept = new LinkedHashMap<>();

  ControlFlow(NodeWriter writer) {
    this.writer = writer;
  }

  static boolean isConditional(String op) {
    return CONDITIONALS.contains(op);
  }

  static boolean isLoop(String op) {
    return LOOPS.contains(op);
  }

  /** Why conditionals and loops that a gradient might go through stay, by name. */
  Map<String, String> kept() {
    return kept;
  }

  /**
   * Adds what replaces a conditional or loop.
   *
   * @param node the node with the plan's names
   * @param ranks what is known about the ranks of its inputs
   * @return what stands for it; empty if it has to stay, and then nothing has been added
   */
  Optional<Frame.Result> add(NodeDef node, List<Integer> ranks, Bodies bodies) {
    return isLoop(node.getOp()) ? unroll(node, bodies) : choose(node, ranks, bodies);
  }

  private Optional<Frame.Result> keep(NodeDef node, String why) {
    kept.put(node.getName(), why);
    return Optional.empty();
  }

  private static List<DataType> types(NodeDef node, String attribute) {
    return OpDefinitions.attribute(node, attribute).getList().getTypeList();
  }

  private Optional<Frame.Result> choose(NodeDef node, List<Integer> ranks, Bodies bodies) {
    List<DataType> types = types(node, "Tout");
    if (types.stream().noneMatch(TensorTypes::isFloating)) {
      return Optional.empty();
    }
    List<String> branches = branches(node);
    boolean isCase = node.getOp().endsWith("Case");
    if (!isCase && OpDefinitions.attribute(node, "Tcond").getType() != DataType.DT_BOOL) {
      return keep(node, "its predicate is not a boolean");
    }
    if (ranks.get(0) > 0) {
      return keep(node, "its predicate is not a scalar");
    }
    if (types.contains(DataType.DT_VARIANT) || types.contains(DataType.DT_RESOURCE)) {
      return keep(node, "it returns a list or a resource, of which one cannot be selected");
    }
    Optional<String> changing = branches.stream().filter(bodies::changesState).findFirst();
    if (changing.isPresent()) {
      return keep(
          node,
          "its branch "
              + changing.get()
              + " does more than compute its result, so it may run only when it is chosen");
    }
    List<String> inputs = dataInputs(node);
    List<String> controls = NodeWriter.controls(node);
    List<Frame.Result> results = new ArrayList<>();
    for (int i = 0; i < branches.size(); i++) {
      String name = isCase ? "branch" + i : i == 0 ? "then" : "else";
      results.add(
          bodies.inline(
              node,
              branches.get(i),
              node.getName() + "/" + name,
              inputs.subList(1, inputs.size()),
              ranks.subList(1, inputs.size()),
              controls));
    }
    return Optional.of(select(node, isCase, types, results));
  }

  private static List<String> branches(NodeDef node) {
    if (node.getOp().endsWith("Case")) {
      return OpDefinitions.attribute(node, "branches").getList().getFuncList().stream()
          .map(function -> function.getName())
          .toList();
    }
    return List.of(function(node, "then_branch"), function(node, "else_branch"));
  }

  private static String function(NodeDef node, String attribute) {
    return OpDefinitions.attribute(node, attribute).getFunc().getName();
  }

  private static List<String> dataInputs(NodeDef node) {
    return node.getInputList().stream().filter(input -> !input.startsWith("^")).toList();
  }

  /**
   * Chooses with Select and not SelectV2: where the branches' results differ in shape, it fails,
   * and does not broadcast.
   */
  private Frame.Result select(
      NodeDef node, boolean isCase, List<DataType> types, List<Frame.Result> results) {
    NodeWriter.Nested nested = writer.under(node);
    AttrValue predicateType = isCase ? NodeWriter.INT32 : OpDefinitions.attribute(node, "Tcond");
    String predicate =
        nested.add(
            "Reshape",
            "predicate",
            List.of(node.getInput(0), nested.noElements("scalar")),
            "T",
            predicateType,
            "Tshape",
            NodeWriter.INT32);
    List<String> conditions = new ArrayList<>();
    for (int i = 0; i < results.size() - 1; i++) {
      conditions.add(
          isCase
              ? nested.add(
                  "Equal",
                  "is" + i,
                  List.of(predicate, nested.scalar("number" + i, DataType.DT_INT32, i)),
                  "T",
                  NodeWriter.INT32)
              : predicate);
    }
    List<String> outputs = new ArrayList<>();
    for (int output = 0; output < types.size(); output++) {
      // A number that is none of a Case's branches means the last one.
      String chosen = results.get(results.size() - 1).output(output);
      for (int i = results.size() - 2; i >= 0; i--) {
        chosen =
            nested.add(
                "Select",
                "output" + output,
                List.of(conditions.get(i), results.get(i).output(output), chosen),
                "T",
                NodeWriter.type(types.get(output)));
      }
      outputs.add(chosen);
    }
    return new Frame.Result(join(node, outputs, NodeWriter.controls(node)), outputs);
  }

  /** A node to depend on for who depends on the original. */
  private String join(NodeDef node, List<String> outputs, List<String> controls) {
    Set<String> all = new LinkedHashSet<>(controls);
    outputs.forEach(output -> all.add("^" + Frame.nodeName(output)));
    String name = writer.uniqueName().apply(node.getName() + "/output_control");
    writer.sink().accept(NodeDef.newBuilder().setName(name).setOp("NoOp").addAllInput(all).build());
    return name;
  }

  private Optional<Frame.Result> unroll(NodeDef node, Bodies bodies) {
    List<DataType> types = types(node, "T");
    if (types.stream()
        .noneMatch(type -> TensorTypes.isFloating(type) || type == DataType.DT_VARIANT)) {
      return Optional.empty();
    }
    int before = bodies.size();
    String condition = function(node, "cond");
    String body = function(node, "body");
    boolean ordered = bodies.changesState(condition) || bodies.changesState(body);
    List<String> controls = NodeWriter.controls(node);
    List<String> values = new ArrayList<>(dataInputs(node));
    List<Integer> ranks = Collections.nCopies(values.size(), Ranks.UNKNOWN);
    boolean[] known = new boolean[values.size()];
    for (int i = 0; i < known.length; i++) {
      known[i] = isCounter(types.get(i)) && fold(node, values, i, types.get(i), bodies);
    }
    for (int round = 0; ; round++) {
      String path = node.getName() + "/round" + round;
      Frame.Result test = bodies.inline(node, condition, path + "/cond", values, ranks, controls);
      OptionalLong goesOn = bodies.value(test.output(0));
      boolean tooLong = round >= MOST_ROUNDS || bodies.size() - before > MOST_NODES;
      if (goesOn.isEmpty() || tooLong) {
        bodies.shrink(before);
        return keep(node, goesOn.isEmpty() ? unproven(condition, round) : tooLong(round));
      }
      if (goesOn.getAsLong() == 0) {
        return Optional.of(new Frame.Result(join(node, values, controls), values));
      }
      List<String> behind = ordered ? behind(controls, test) : controls;
      Frame.Result result = bodies.inline(node, body, path, values, ranks, behind);
      controls = ordered ? List.of("^" + result.control()) : controls;
      for (int i = 0; i < known.length; i++) {
        values.set(i, result.output(i));
        known[i] = known[i] && fold(node, values, i, types.get(i), bodies);
      }
    }
  }

  private static List<String> behind(List<String> controls, Frame.Result result) {
    List<String> all = new ArrayList<>(controls);
    all.add("^" + result.control());
    return all;
  }

  private static boolean isCounter(DataType type) {
    return type == DataType.DT_INT32 || type == DataType.DT_INT64;
  }

  /** Puts a constant in the place of a value that is known. */
  private boolean fold(NodeDef node, List<String> values, int i, DataType type, Bodies bodies) {
    OptionalLong value = bodies.value(values.get(i));
    if (value.isPresent()) {
      values.set(
          i, writer.under(node.getName(), List.of()).scalar("value" + i, type, value.getAsLong()));
    }
    return value.isPresent();
  }

  private static String unproven(String condition, int round) {
    return "how often it runs does not follow from constants and from the sizes of the inputs: its"
        + " condition "
        + condition
        + " is open in round "
        + (round + 1)
        + ". If it runs once for each time step, say how many there are with --shape"
        + " (inputShape); finetune takes it from its data";
  }

  private static String tooLong(int rounds) {
    return "it makes more than " + rounds + " rounds, too many to write out";
  }
}
