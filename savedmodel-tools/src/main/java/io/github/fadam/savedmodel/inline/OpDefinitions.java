package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.runtime.RegisteredOps;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpDef.ArgDef;

/** What the running TensorFlow knows about its operations. */
final class OpDefinitions {

  /** Stateful operations that only look: running them changes nothing that somebody may see. */
  private static final Set<String> READ_ONLY =
      Set.of(
          "ReadVariableOp",
          "ResourceGather",
          "ResourceGatherNd",
          "VarIsInitializedOp",
          "LookupTableFind",
          "LookupTableFindV2",
          "LookupTableSize",
          "LookupTableSizeV2",
          "LookupTableExport",
          "LookupTableExportV2",
          "StatefulPartitionedCall",
          "RandomUniform",
          "RandomUniformInt",
          "RandomStandardNormal",
          "TruncatedNormal",
          "ParameterizedTruncatedNormal",
          "RandomGamma",
          "RandomPoissonV2",
          "RandomShuffle",
          "Multinomial",
          "If",
          "While",
          "Case");

  private OpDefinitions() {}

  static boolean isKnown(String op) {
    return RegisteredOps.find(op).isPresent();
  }

  static OpDef of(String op) {
    return RegisteredOps.find(op)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected an operation of TensorFlow "
                        + TensorFlow.version()
                        + ", found "
                        + op
                        + "; load the library that brings it with TensorFlow.loadLibrary first."));
  }

  /** The attribute as the node gives it or, where it was stripped from the file, its default. */
  static AttrValue attribute(NodeDef node, String name) {
    AttrValue value = node.getAttrMap().get(name);
    if (value != null) {
      return value;
    }
    return of(node.getOp()).getAttrList().stream()
        .filter(attribute -> attribute.getName().equals(name))
        .findFirst()
        .map(OpDef.AttrDef::getDefaultValue)
        .orElse(AttrValue.getDefaultInstance());
  }

  /** Number of tensors that one argument of an operation stands for. */
  static int length(ArgDef argument, NodeDef node) {
    if (!argument.getNumberAttr().isEmpty()) {
      return Math.toIntExact(attribute(node, argument.getNumberAttr()).getI());
    }
    if (!argument.getTypeListAttr().isEmpty()) {
      return attribute(node, argument.getTypeListAttr()).getList().getTypeCount();
    }
    return 1;
  }

  /** Position among all outputs of a node of {@code node:argument:index}, as functions name it. */
  static int flatIndex(NodeDef node, List<ArgDef> outputs, String argument, int index) {
    if (outputs.isEmpty()) {
      return index; // an unknown operation, which the caller reports with all others
    }
    int start = 0;
    for (ArgDef output : outputs) {
      if (output.getName().equals(argument)) {
        return start + index;
      }
      start += length(output, node);
    }
    throw new IllegalArgumentException(
        "Expected an output '"
            + argument
            + "' of "
            + node.getName()
            + " ("
            + node.getOp()
            + "), found none: the model was made for another version of this operation.");
  }

  /** Attributes that follow from the inputs and must not be set next to them. */
  static Set<String> inferredAttributes(OpDef definition) {
    Set<String> inferred = new HashSet<>();
    for (ArgDef input : definition.getInputArgList()) {
      inferred.add(input.getTypeAttr());
      inferred.add(input.getNumberAttr());
      inferred.add(input.getTypeListAttr());
    }
    inferred.remove("");
    return inferred;
  }

  /** Whether a node makes state (a variable, a table) that it would be wrong to have twice. */
  static boolean holdsState(NodeDef node) {
    if (!isKnown(node.getOp()) || !of(node.getOp()).getIsStateful()) {
      return false;
    }
    OpDef definition = of(node.getOp());
    return definition.getInputArgCount() == 0
        && definition.getOutputArgList().stream()
            .anyMatch(output -> output.getIsRef() || output.getType() == DataType.DT_RESOURCE);
  }

  /** Whether running a node changes something besides its outputs. */
  static boolean changesState(NodeDef node) {
    return isKnown(node.getOp())
        && (of(node.getOp()).getIsStateful()
            || of(node.getOp()).getInputArgList().stream().anyMatch(ArgDef::getIsRef))
        && !READ_ONLY.contains(node.getOp())
        && !holdsState(node);
  }
}
