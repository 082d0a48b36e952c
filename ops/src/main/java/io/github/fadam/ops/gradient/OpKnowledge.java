package io.github.fadam.ops.gradient;

import io.github.fadam.ops.runtime.RegisteredOps;
import io.github.fadam.ops.variable.TensorTypes;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.GraphOperation;
import org.tensorflow.proto.DataType;

/**
 * What is known about the gradients of single types of operations in TensorFlow 2.18, as data.
 *
 * <p>{@code GradientSweepTest} asks TensorFlow for the gradient of every operation that has one, by
 * every input, in processes of their own, and compares the answers with these tables.
 */
final class OpKnowledge {

  /** Why an operation is refused, and what to do about it; neither ends in a full stop. */
  record Finding(String problem, String remedy) {}

  /** C++ gradients that are registered as "none flows". */
  private static final Set<String> STOPS_IN_CPP =
      Set.of(
          "ApproximateEqual",
          "BroadcastGradientArgs",
          "ConcatOffset",
          "Const",
          "DeleteSessionTensor",
          "EditDistance",
          "Equal",
          "Floor",
          "GetSessionHandle",
          "GetSessionHandleV2",
          "GetSessionTensor",
          "Greater",
          "GreaterEqual",
          "InvertPermutation",
          "Less",
          "LessEqual",
          "LogicalAnd",
          "LogicalNot",
          "LogicalOr",
          "NonMaxSuppression",
          "NonMaxSuppressionV2",
          "NonMaxSuppressionV3",
          "NonMaxSuppressionV4",
          "NonMaxSuppressionV5",
          "NotEqual",
          "OneHot",
          "QueueClose",
          "QueueDequeue",
          "QueueDequeueMany",
          "QueueDequeueUpTo",
          "QueueEnqueue",
          "QueueEnqueueMany",
          "QueueSize",
          "Rank",
          "Shape",
          "ShapeN",
          "Size",
          "Stack",
          "StackClose",
          "StackPop",
          "StackPush",
          "StopGradient",
          "ZerosLike");

  /** Inputs of floating dtype by which an operation that has a gradient is not differentiated. */
  private static final Map<String, Set<Integer>> CONSTANT_INPUTS =
      Map.ofEntries(
          Map.entry("Betainc", Set.of(0, 1)),
          Map.entry("FusedBatchNorm", Set.of(3, 4)),
          Map.entry("FusedBatchNormV2", Set.of(3, 4)),
          Map.entry("FusedBatchNormV3", Set.of(3, 4)),
          Map.entry("LeakyReluGrad", Set.of(1)),
          Map.entry("MaxPool3DGrad", Set.of(0, 1)),
          Map.entry("MaxPool3DGradGrad", Set.of(0, 1)),
          Map.entry("MaxPoolGrad", Set.of(0, 1)),
          Map.entry("MaxPoolGradGrad", Set.of(0, 1)),
          Map.entry("MaxPoolGradV2", Set.of(0, 1)),
          Map.entry("NextAfter", Set.of(1)),
          Map.entry("PadV2", Set.of(2)),
          Map.entry("Polygamma", Set.of(0)),
          Map.entry("QuantizeAndDequantizeV2", Set.of(1, 2)),
          Map.entry("QuantizeAndDequantizeV3", Set.of(1, 2)),
          Map.entry("Relu6Grad", Set.of(1)),
          Map.entry("ReluGrad", Set.of(1)),
          Map.entry("ScaleAndTranslate", Set.of(2, 3)),
          Map.entry("SparseAdd", Set.of(6)),
          Map.entry("Zeta", Set.of(0)));

  /**
   * Inputs that must not come straight from a {@code VariableV2}: the C++ gradient gives the
   * input's reference dtype to an operation that takes none, which ends the process or throws
   * half-way.
   */
  private static final Map<String, Set<Integer>> FAILS_ON_REFERENCE =
      Map.ofEntries(
          Map.entry("Acos", Set.of(0)),
          Map.entry("Asin", Set.of(0)),
          Map.entry("Atan", Set.of(0)),
          Map.entry("Atanh", Set.of(0)),
          Map.entry("BatchMatMul", Set.of(0, 1)),
          Map.entry("BatchMatMulV2", Set.of(0, 1)),
          Map.entry("BatchMatMulV3", Set.of(0, 1)),
          Map.entry("GatherNd", Set.of(1)),
          Map.entry("Log1p", Set.of(0)),
          Map.entry("Pow", Set.of(0, 1)),
          Map.entry("Sign", Set.of(0)),
          Map.entry("Square", Set.of(0)));

  private static final Finding LOOP =
      new Finding(
          "gradients through the operations of a version 1 loop or conditional end the process",
          "Unroll the loop, or build both branches and choose with tf.select");

  private static final Finding FUNCTION_CALL =
      new Finding(
          "the gradient of a function call covers few operations and XLA cannot compile it",
          "Inline the function's body into the graph first");

  private static final Finding FUNCTIONAL_CONTROL =
      new Finding(
          "TensorFlow has no gradient for loops and conditionals whose branches are functions",
          "Inline first: unroll the loop, or build both branches and choose with tf.select");

  private static final Finding BROKEN =
      new Finding(
          "TensorFlow's gradient for it builds operations that do not fit together and always fails",
          "Use QuantizeAndDequantizeV3, or cut the path with tf.stopGradient");

  private static final Map<String, Finding> ALWAYS_REFUSED =
      Map.ofEntries(
          Map.entry("Enter", LOOP),
          Map.entry("Exit", LOOP),
          Map.entry("LoopCond", LOOP),
          Map.entry("Merge", LOOP),
          Map.entry("NextIteration", LOOP),
          Map.entry("RefEnter", LOOP),
          Map.entry("RefExit", LOOP),
          Map.entry("RefMerge", LOOP),
          Map.entry("RefNextIteration", LOOP),
          Map.entry("RefSwitch", LOOP),
          Map.entry("Switch", LOOP),
          Map.entry("PartitionedCall", FUNCTION_CALL),
          Map.entry("RemoteCall", FUNCTION_CALL),
          Map.entry("StatefulPartitionedCall", FUNCTION_CALL),
          Map.entry("SymbolicGradient", FUNCTION_CALL),
          Map.entry("XlaLaunch", FUNCTION_CALL),
          Map.entry("Case", FUNCTIONAL_CONTROL),
          Map.entry("If", FUNCTIONAL_CONTROL),
          Map.entry("StatelessCase", FUNCTIONAL_CONTROL),
          Map.entry("StatelessIf", FUNCTIONAL_CONTROL),
          Map.entry("StatelessWhile", FUNCTIONAL_CONTROL),
          Map.entry("While", FUNCTIONAL_CONTROL),
          Map.entry("QuantizeAndDequantizeV4", BROKEN));

  /** Of the refused ones, those that the inliner of SavedModels puts something in place of. */
  private static final Set<String> REWRITTEN =
      Set.of(
          "Case",
          "If",
          "PartitionedCall",
          "QuantizeAndDequantizeV4",
          "StatefulPartitionedCall",
          "StatelessCase",
          "StatelessIf",
          "StatelessWhile",
          "While");

  private OpKnowledge() {}

  static boolean isRegisteredOp(String type) {
    return RegisteredOps.find(type).isPresent();
  }

  /** Whether no gradient flows through an operation by definition. */
  static boolean stopsGradients(String type) {
    return STOPS_IN_CPP.contains(type) || ZeroGradients.TYPES.contains(type);
  }

  /** Whether a gradient that comes to an operation goes on along one of its inputs. */
  static boolean carriesGradient(GraphOperation op, String type, int input, DataType dtype) {
    if (stopsGradients(type) || CONSTANT_INPUTS.getOrDefault(type, Set.of()).contains(input)) {
      return false;
    }
    return Dtypes.canCarryGradient(dtype)
        || type.equals("Cast")
        || (isComputedIn(op, dtype) && !type.equals("IdentityN"));
  }

  /** TensorFlow also differentiates integer arithmetic; indices and sizes have another dtype. */
  private static boolean isComputedIn(GraphOperation op, DataType dtype) {
    for (int i = 0; i < op.numOutputs(); i++) {
      if (op.output(i).dataType() == TensorTypes.base(dtype)) {
        return true;
      }
    }
    return false;
  }

  static boolean failsOnReference(String type, int input) {
    return FAILS_ON_REFERENCE.getOrDefault(type, Set.of()).contains(input);
  }

  static Optional<Finding> alwaysRefused(String type) {
    return Optional.ofNullable(ALWAYS_REFUSED.get(type));
  }

  static boolean isRewritten(String type) {
    return REWRITTEN.contains(type);
  }

  /** What to tell the user about an operation whose gradient is built all the same. */
  static Optional<String> warning(String type, GraphOperation op) {
    return type.equals("PreventGradient")
        ? Optional.of(
            "The gradient passes through PreventGradient '"
                + op.name()
                + "', whose author asked for none: "
                + op.attributes().getAttrString("message"))
        : Optional.empty();
  }

  static Finding noGradient(String type) {
    if (BuiltInGradients.ALL.containsKey(type)) {
      return new Finding(
          "its gradient has to be registered, which TensorFlow-Java cannot do on Windows",
          "Run on Linux or macOS, or write it with other operations");
    }
    return RefusedOps.reason(type).orElseGet(() -> unknown(type));
  }

  private static Finding unknown(String type) {
    return new Finding(
        "no gradient is registered for this type",
        "Write it with operations that have one, cut the path with tf.stopGradient, or register a"
            + " gradient with GradientRegistry.register(\""
            + type
            + "\", ...)");
  }

  static Finding referenceInput(String type, String variable) {
    return new Finding(
        "its gradient fails, or ends the process, when its input is the reference variable '"
            + variable
            + "' itself",
        "Put an identity between: apply " + type + " to tf.identity(" + variable + ")");
  }
}
