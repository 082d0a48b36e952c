package io.github.fadam.ops.xla;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Has XLA keep results that it would compute anew for each use, where they end long chains.
 *
 * <p>XLA on a CPU puts a sum or a selection into the fusion of everyone who uses it, with all
 * element-wise operations before it. In a chain of them, such as the cell state of a recurrent
 * layer written out, or its gradients, every fusion has all the steps before its own: for T time
 * steps T * T of them. Quotients that are used more than once XLA stores. A result that ends a
 * chain too long is therefore divided by one, which is an argument of the function: what is known
 * when it compiles, XLA leaves out. All values stay the same, bit for bit.
 */
final class StoredSums {

  /** Operations of a chain that cost less to compute anew than a result costs to keep. */
  private static final int LONGEST = 16;

  /** What XLA computes anew in the fusion of each user. */
  private static final Set<String> REPEATED =
      Set.of("Add", "AddV2", "AddN", "Sub", "Select", "SelectV2", "Maximum", "Minimum");

  /** What XLA puts into the fusions of its users, unless there are several of them. */
  private static final Set<String> STORED =
      Set.of(
          "Div",
          "DivNoNan",
          "EluGrad",
          "Exp",
          "Expm1",
          "Log",
          "Log1p",
          "Mul",
          "MulNoNan",
          "Pow",
          "RealDiv",
          "Reciprocal",
          "Rsqrt",
          "Sigmoid",
          "SigmoidGrad",
          "Softplus",
          "SoftplusGrad",
          "Sqrt",
          "SquaredDifference",
          "Tanh",
          "TanhGrad");

  /** What brings one operand into another form. */
  private static final Set<String> ONE_OPERAND =
      Set.of(
          "Abs",
          "Cast",
          "ExpandDims",
          "Identity",
          "LeakyRelu",
          "LeakyReluGrad",
          "Neg",
          "Relu",
          "Relu6",
          "Relu6Grad",
          "ReluGrad",
          "Reshape",
          "Slice",
          "Split",
          "SplitV",
          "Square",
          "Squeeze",
          "StridedSlice",
          "Transpose",
          "Unpack");

  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  private final Map<String, List<NodeDef>> users = new HashMap<>();
  private final Map<String, Integer> lengths = new HashMap<>();

  private StoredSums(List<NodeDef> body) {
    for (NodeDef node : body) {
      nodes.put(node.getName(), node);
      for (String input : node.getInputList()) {
        if (!SourceGraph.isControl(input) && !ConstantInputs.OF_SHAPES.contains(node.getOp())) {
          users.computeIfAbsent(input(input), name -> new ArrayList<>()).add(node);
        }
      }
    }
  }

  /**
   * A function's nodes with what keeps the ends of long chains.
   *
   * @param body the nodes, each after those that it needs
   * @param one name for the placeholder of the argument, a one of float32
   * @return the nodes; the placeholder is among them if it is needed
   */
  static List<NodeDef> in(List<NodeDef> body, String one) {
    StoredSums sums = new StoredSums(body);
    Map<String, String> stored = new HashMap<>();
    Map<DataType, String> ones = new HashMap<>();
    List<NodeDef> all = new ArrayList<>();
    for (NodeDef node : body) {
      NodeDef.Builder changed = node.toBuilder();
      for (int i = 0; i < node.getInputCount(); i++) {
        String input = node.getInput(i);
        if (!SourceGraph.isControl(input)) {
          changed.setInput(i, stored.getOrDefault(SourceGraph.tensor(input), input));
        }
      }
      all.add(changed.build());
      if (sums.isTooLong(node)) {
        DataType type = node.getAttrOrThrow("T").getType();
        String divisor = ones.computeIfAbsent(type, key -> one(key, one, all));
        NodeDef kept =
            NodeDef.newBuilder()
                .setName("xla_stored_" + stored.size())
                .setOp("RealDiv")
                .addInput(node.getName())
                .addInput(divisor)
                .putAttr("T", type(type))
                .build();
        all.add(kept);
        stored.put(SourceGraph.tensor(node.getName()), kept.getName());
      }
    }
    return all;
  }

  private boolean isTooLong(NodeDef node) {
    if (!isFused(node)) {
      return false;
    }
    int length = 1;
    for (String input : node.getInputList()) {
      length += SourceGraph.isControl(input) ? 0 : lengths.getOrDefault(input(input), 0);
    }
    List<NodeDef> ends = ends(node);
    boolean repeated = REPEATED.contains(node.getOp());
    // A result of several operands that someone needs in memory is there for everyone.
    boolean stored =
        ends.size() > 1 && (repeated ? !ends.stream().allMatch(this::isFused) : isProduct(node));
    boolean tooLong =
        ends.size() > 1
            && repeated
            && !stored
            && length > LONGEST
            && TensorTypes.isFloating(node.getAttrOrThrow("T").getType());
    if (!stored && !tooLong) {
      lengths.put(node.getName(), Math.min(length, LONGEST + 1));
    }
    return tooLong;
  }

  private static boolean isProduct(NodeDef node) {
    return STORED.contains(node.getOp());
  }

  private boolean isFused(NodeDef node) {
    return REPEATED.contains(node.getOp()) || isProduct(node) || goesThrough(node);
  }

  private boolean goesThrough(NodeDef node) {
    return ONE_OPERAND.contains(node.getOp()) || undoesBroadcast(node);
  }

  /** A gradient's sum over what was broadcast, mostly nothing. */
  private boolean undoesBroadcast(NodeDef node) {
    return node.getOp().equals("Sum")
        && nodes.containsKey(input(node.getInput(1)))
        && nodes.get(input(node.getInput(1))).getOp().equals("BroadcastGradientArgs");
  }

  /** Who uses a node's result, whatever form it is brought into before. */
  private List<NodeDef> ends(NodeDef node) {
    List<NodeDef> ends = new ArrayList<>();
    for (NodeDef user : users.getOrDefault(node.getName(), List.of())) {
      List<NodeDef> behind = goesThrough(user) ? ends(user) : List.of();
      ends.addAll(behind.isEmpty() ? List.of(user) : behind);
    }
    return ends;
  }

  private static String input(String input) {
    return SourceGraph.nodeOf(input);
  }

  private static String one(DataType type, String one, List<NodeDef> all) {
    if (all.stream().noneMatch(node -> node.getName().equals(one))) {
      all.add(
          NodeDef.newBuilder()
              .setName(one)
              .setOp("Placeholder")
              .putAttr("dtype", type(DataType.DT_FLOAT))
              .putAttr(
                  "shape",
                  AttrValue.newBuilder().setShape(TensorShapeProto.getDefaultInstance()).build())
              .build());
    }
    if (type == DataType.DT_FLOAT) {
      return one;
    }
    String name = one + "_of_" + type;
    all.add(
        NodeDef.newBuilder()
            .setName(name)
            .setOp("Cast")
            .addInput(one)
            .putAttr("SrcT", type(DataType.DT_FLOAT))
            .putAttr("DstT", type(type))
            .build());
    return name;
  }

  private static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }
}
