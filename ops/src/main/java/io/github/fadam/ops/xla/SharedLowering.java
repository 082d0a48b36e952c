package io.github.fadam.ops.xla;

import io.github.fadam.ops.runtime.RegisteredOps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Has TensorFlow translate operations of one kind for XLA once, not each on its own.
 *
 * <p>For some types TensorFlow's translation ({@code MlirXlaOpKernel}) runs a whole compiler
 * pipeline for every operation: 3 to 9 ms, where others take a tenth of one. Functions it
 * translates once for the same shapes, but it puts called functions in place of their calls before.
 * The branch of a choice is a function that it leaves alone, and a choice of one branch costs
 * nothing: XLA puts the branch in its place.
 */
final class SharedLowering {

  /** What takes over 3 ms each in TensorFlow 2.18, by {@code benchmarks/python/translation.py}. */
  private static final Set<String> SLOW =
      Set.of(
          "Abs",
          "Atan",
          "BiasAddGrad",
          "Ceil",
          "Cos",
          "Einsum",
          "Exp",
          "Expm1",
          "Floor",
          "FusedBatchNormGradV3",
          "FusedBatchNormV3",
          "IsFinite",
          "IsInf",
          "IsNan",
          "Lgamma",
          "Log1p",
          "LogSoftmax",
          "PreventGradient",
          "Reciprocal",
          "Relu",
          "Relu6",
          "ReluGrad",
          "Rsqrt",
          "Select",
          "Sigmoid",
          "Sign",
          "Softmax",
          "Sqrt",
          "Tanh");

  private static final String ONLY = "xla_only_branch";
  private static final String INNER = "op";

  private SharedLowering() {}

  /**
   * A function's body with choices of one branch in place of slow operations that are there more
   * than once.
   *
   * @param body the body
   * @param outputShape shape of an output, as {@code node:index}
   * @return the body, with the branches in its library
   */
  static GraphDef in(GraphDef body, Function<String, TensorShapeProto> outputShape) {
    Map<Map<String, Object>, Integer> counts = new HashMap<>();
    for (NodeDef node : body.getNodeList()) {
      if (SLOW.contains(node.getOp())) {
        counts.merge(kind(node), 1, Integer::sum);
      }
    }
    counts.values().removeIf(count -> count == 1);
    if (counts.isEmpty()) {
      return body;
    }
    GraphDef.Builder shared = body.toBuilder().clearNode().addNode(first());
    Map<Map<String, Object>, String> branches = new LinkedHashMap<>();
    for (NodeDef node : body.getNodeList()) {
      if (!SLOW.contains(node.getOp()) || !counts.containsKey(kind(node))) {
        shared.addNode(node);
        continue;
      }
      OpDef definition = RegisteredOps.find(node.getOp()).orElseThrow();
      String branch = branches.get(kind(node));
      if (branch == null) {
        branch = "xla_branch_" + branches.size();
        branches.put(kind(node), branch);
        shared.getLibraryBuilder().addFunction(branch(branch, definition, node));
      }
      shared.addNode(choice(node, definition, branch, outputShape));
    }
    return shared.build();
  }

  /** Type and attributes: what the operation does, whatever it is called. */
  private static Map<String, Object> kind(NodeDef node) {
    Map<String, Object> kind = new TreeMap<>(attributes(node));
    kind.put("", node.getOp());
    return kind;
  }

  private static Map<String, AttrValue> attributes(NodeDef node) {
    Map<String, AttrValue> attributes = new HashMap<>(node.getAttrMap());
    attributes.keySet().removeIf(name -> name.startsWith("_"));
    return attributes;
  }

  /**
   * A function of one operation, for any type: for one of a given type TensorFlow's graph
   * optimizers put the branch into its caller, and end the process where they then move its
   * operands there too.
   */
  private static FunctionDef branch(String name, OpDef definition, NodeDef node) {
    FunctionDef.Builder branch = FunctionDef.newBuilder();
    OpDef.Builder signature = branch.getSignatureBuilder().setName(name);
    NodeDef.Builder inner =
        NodeDef.newBuilder().setName(INNER).setOp(node.getOp()).putAllAttr(attributes(node));
    for (String type : typesOf(definition)) {
      signature.addAttr(OpDef.AttrDef.newBuilder().setName(type).setType("type"));
      inner.putAttr(type, AttrValue.newBuilder().setPlaceholder(type).build());
    }
    for (OpDef.ArgDef argument : definition.getInputArgList()) {
      for (int i = 0; i < count(argument, node); i++) {
        String input = "x" + inner.getInputCount();
        signature.addInputArg(parameter(input, argument));
        inner.addInput(input);
      }
    }
    for (OpDef.ArgDef output : definition.getOutputArgList()) {
      String returned = "y" + signature.getOutputArgCount();
      signature.addOutputArg(parameter(returned, output));
      branch.putRet(returned, INNER + ":" + output.getName() + ":0");
    }
    return branch.addNodeDef(inner).build();
  }

  private static OpDef.ArgDef parameter(String name, OpDef.ArgDef argument) {
    return OpDef.ArgDef.newBuilder()
        .setName(name)
        .setType(argument.getType())
        .setTypeAttr(argument.getTypeAttr())
        .build();
  }

  private static List<String> typesOf(OpDef definition) {
    return definition.getAttrList().stream()
        .filter(attribute -> attribute.getType().equals("type"))
        .map(OpDef.AttrDef::getName)
        .toList();
  }

  private static NodeDef choice(
      NodeDef node,
      OpDef definition,
      String branch,
      Function<String, TensorShapeProto> outputShape) {
    AttrValue.ListValue.Builder shapes = AttrValue.ListValue.newBuilder();
    for (int i = 0; i < definition.getOutputArgCount(); i++) {
      shapes.addShape(outputShape.apply(node.getName() + ":" + i));
    }
    NameAttrList.Builder called = NameAttrList.newBuilder().setName(branch);
    typesOf(definition).forEach(type -> called.putAttr(type, node.getAttrOrThrow(type)));
    return NodeDef.newBuilder()
        .setName(node.getName())
        .setOp("StatelessCase")
        .addInput(ONLY)
        .addAllInput(node.getInputList())
        .putAttr("Tin", list(types(definition.getInputArgList(), node)))
        .putAttr("Tout", list(types(definition.getOutputArgList(), node)))
        .putAttr("output_shapes", AttrValue.newBuilder().setList(shapes).build())
        .putAttr(
            "branches",
            AttrValue.newBuilder()
                .setList(AttrValue.ListValue.newBuilder().addFunc(called))
                .build())
        .build();
  }

  private static List<DataType> types(List<OpDef.ArgDef> arguments, NodeDef node) {
    List<DataType> types = new ArrayList<>();
    for (OpDef.ArgDef argument : arguments) {
      types.addAll(Collections.nCopies(count(argument, node), type(argument, node)));
    }
    return types;
  }

  private static int count(OpDef.ArgDef argument, NodeDef node) {
    return argument.getNumberAttr().isEmpty()
        ? 1
        : Math.toIntExact(node.getAttrOrThrow(argument.getNumberAttr()).getI());
  }

  private static DataType type(OpDef.ArgDef argument, NodeDef node) {
    return argument.getTypeAttr().isEmpty()
        ? argument.getType()
        : node.getAttrOrThrow(argument.getTypeAttr()).getType();
  }

  private static AttrValue list(List<DataType> types) {
    return AttrValue.newBuilder()
        .setList(AttrValue.ListValue.newBuilder().addAllType(types))
        .build();
  }

  /** Which branch: known to TensorFlow, which therefore translates no choice. */
  private static NodeDef first() {
    TensorProto zero =
        TensorProto.newBuilder()
            .setDtype(DataType.DT_INT32)
            .setTensorShape(TensorShapeProto.getDefaultInstance())
            .addIntVal(0)
            .build();
    return NodeDef.newBuilder()
        .setName(ONLY)
        .setOp("Const")
        .putAttr("dtype", AttrValue.newBuilder().setType(DataType.DT_INT32).build())
        .putAttr("value", AttrValue.newBuilder().setTensor(zero).build())
        .build();
  }
}
