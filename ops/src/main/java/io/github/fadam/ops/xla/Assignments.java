package io.github.fadam.ops.xla;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Operations that change reference variables, as operations on values: old values in, new values
 * out. The formulas are those of the documentation of each operation.
 */
final class Assignments {

  /** Operation to number of variables that it changes; they are its first inputs. */
  private static final Map<String, Integer> CHANGED =
      Map.of(
          "Assign", 1,
          "AssignAdd", 1,
          "AssignSub", 1,
          "ApplyGradientDescent", 1,
          "ApplyMomentum", 2,
          "ApplyAdagrad", 2,
          "ApplyRMSProp", 3,
          "ApplyAdam", 3);

  private static final Set<String> OF_RESOURCES =
      Set.of("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp");

  private final NodeDef node;
  private final List<String> inputs;
  private final List<NodeDef> added = new ArrayList<>();
  private int count;

  private Assignments(NodeDef node, List<String> inputs) {
    this.node = node;
    this.inputs = inputs;
  }

  /** Whether a node changes a variable, of either kind. */
  static boolean assigns(NodeDef node) {
    String op = node.getOp();
    return CHANGED.containsKey(op)
        || OF_RESOURCES.contains(op)
        || op.startsWith("ResourceApply")
        || op.startsWith("ResourceSparseApply")
        || op.startsWith("ResourceScatter")
        || op.equals("ResourceStridedSliceAssign");
  }

  /** Whether a node changes reference variables in a way that is known here. */
  static boolean isKnown(NodeDef node) {
    return CHANGED.containsKey(node.getOp());
  }

  /** How many variables a known node changes, its first inputs. */
  static int changed(NodeDef node) {
    return CHANGED.get(node.getOp());
  }

  /**
   * What a known node does, on values.
   *
   * @param nodes the nodes to add; the last has the name of the node and is its result
   * @param values the tensors of the new values of the variables that it changes, in their order
   */
  record Rewritten(List<NodeDef> nodes, List<String> values) {}

  /**
   * Rewrites a known node.
   *
   * @param inputs tensors for its data inputs
   * @param control its control inputs, each with its mark
   */
  static Rewritten rewrite(NodeDef node, List<String> inputs, List<String> control) {
    Assignments write = new Assignments(node, inputs);
    List<String> values = write.values();
    NodeDef result =
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp("Identity")
            .addInput(values.get(0))
            .addAllInput(control)
            .putAttr("T", write.type())
            .build();
    write.added.add(result);
    List<String> all = new ArrayList<>(values);
    all.set(0, node.getName() + ":0");
    return new Rewritten(write.added, all);
  }

  private List<String> values() {
    String var = inputs.get(0);
    return switch (node.getOp()) {
      case "Assign" -> List.of(inputs.get(1));
      case "AssignAdd" -> List.of(add(var, inputs.get(1)));
      case "AssignSub" -> List.of(sub(var, inputs.get(1)));
      case "ApplyGradientDescent" -> List.of(sub(var, mul(inputs.get(1), inputs.get(2))));
      case "ApplyMomentum" -> momentum(var, inputs.get(1));
      case "ApplyAdagrad" -> adagrad(var, inputs.get(1));
      case "ApplyRMSProp" -> rmsProp(var, inputs.get(1), inputs.get(2));
      case "ApplyAdam" -> adam(var, inputs.get(1), inputs.get(2));
      default -> throw new IllegalArgumentException("Expected a known operation, found " + node);
    };
  }

  private List<String> momentum(String var, String accumulator) {
    String rate = inputs.get(2);
    String gradient = inputs.get(3);
    String momentum = inputs.get(4);
    String next = add(mul(accumulator, momentum), gradient);
    String direction = flag("use_nesterov") ? add(gradient, mul(next, momentum)) : next;
    return List.of(sub(var, mul(direction, rate)), next);
  }

  private List<String> adagrad(String var, String accumulator) {
    String gradient = inputs.get(3);
    String next =
        node.getAttrOrDefault("update_slots", AttrValue.newBuilder().setB(true).build()).getB()
            ? add(accumulator, mul(gradient, gradient))
            : accumulator;
    return List.of(sub(var, mul(mul(inputs.get(2), gradient), unary("Rsqrt", next))), next);
  }

  private List<String> rmsProp(String var, String squares, String momentum) {
    String gradient = inputs.get(7);
    String next =
        add(squares, mul(sub(mul(gradient, gradient), squares), sub(constant(1), inputs.get(4))));
    String scaled = mul(mul(inputs.get(3), gradient), unary("Rsqrt", add(next, inputs.get(6))));
    String moved = add(mul(momentum, inputs.get(5)), scaled);
    return List.of(sub(var, moved), next, moved);
  }

  private List<String> adam(String var, String first, String second) {
    String one = constant(1);
    String beta1 = inputs.get(6);
    String gradient = inputs.get(9);
    String rate =
        div(mul(inputs.get(5), unary("Sqrt", sub(one, inputs.get(4)))), sub(one, inputs.get(3)));
    String nextFirst = add(first, mul(sub(gradient, first), sub(one, beta1)));
    String nextSecond =
        add(second, mul(sub(mul(gradient, gradient), second), sub(one, inputs.get(7))));
    String direction =
        flag("use_nesterov")
            ? add(mul(gradient, sub(one, beta1)), mul(beta1, nextFirst))
            : nextFirst;
    return List.of(
        sub(var, div(mul(direction, rate), add(unary("Sqrt", nextSecond), inputs.get(8)))),
        nextFirst,
        nextSecond);
  }

  private boolean flag(String attribute) {
    return node.getAttrOrDefault(attribute, AttrValue.getDefaultInstance()).getB();
  }

  private AttrValue type() {
    return node.getAttrOrThrow("T");
  }

  private String add(String a, String b) {
    return op("AddV2", a, b);
  }

  private String sub(String a, String b) {
    return op("Sub", a, b);
  }

  private String mul(String a, String b) {
    return op("Mul", a, b);
  }

  private String div(String a, String b) {
    return op("RealDiv", a, b);
  }

  private String unary(String op, String a) {
    return op(op, a);
  }

  private String constant(int value) {
    String asInt = name();
    added.add(ScalarNodes.int32(asInt, value).build());
    String cast = name();
    added.add(
        NodeDef.newBuilder()
            .setName(cast)
            .setOp("Cast")
            .addInput(asInt)
            .putAttr("SrcT", AttrValue.newBuilder().setType(DataType.DT_INT32).build())
            .putAttr("DstT", type())
            .build());
    return cast + ":0";
  }

  private String op(String op, String... operands) {
    String name = name();
    added.add(
        NodeDef.newBuilder()
            .setName(name)
            .setOp(op)
            .addAllInput(List.of(operands))
            .putAttr("T", type())
            .build());
    return name + ":0";
  }

  private String name() {
    return node.getName() + "/value_" + count++;
  }
}
