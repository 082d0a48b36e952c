package io.github.fadam.ops.xla;

import io.github.fadam.ops.runtime.RegisteredOps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
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
  static final Set<String> SLOW =
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
    Map<String, Kind> kinds = new HashMap<>();
    Map<Kind, Integer> counts = new HashMap<>();
    for (NodeDef node : body.getNodeList()) {
      if (SLOW.contains(node.getOp())) {
        Kind kind = Kind.of(node);
        kinds.put(node.getName(), kind);
        counts.merge(kind, 1, Integer::sum);
      }
    }
    kinds.values().removeIf(kind -> counts.get(kind) == 1);
    if (kinds.isEmpty()) {
      return body;
    }
    // TensorFlow knows the constant, and therefore translates no choice.
    GraphDef.Builder shared = body.toBuilder().clearNode().addNode(ScalarNodes.int32(ONLY, 0));
    Map<Kind, String> branches = new HashMap<>();
    for (NodeDef node : body.getNodeList()) {
      Kind kind = kinds.get(node.getName());
      if (kind == null) {
        shared.addNode(node);
        continue;
      }
      OpDef definition = RegisteredOps.find(node.getOp()).orElseThrow();
      String branch = branches.get(kind);
      if (branch == null) {
        branch = "xla_branch_" + branches.size();
        branches.put(kind, branch);
        shared.getLibraryBuilder().addFunction(branch(branch, definition, node));
      }
      shared.addNode(choice(node, definition, branch, outputShape));
    }
    return shared.build();
  }

  /** What an operation does, whatever it is called. */
  private record Kind(String op, Map<String, AttrValue> attributes) {
    static Kind of(NodeDef node) {
      return new Kind(node.getOp(), SharedLowering.attributes(node));
    }
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
}
