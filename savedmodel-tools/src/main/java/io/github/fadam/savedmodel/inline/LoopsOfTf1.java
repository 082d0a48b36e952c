package io.github.fadam.savedmodel.inline;

import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;

/**
 * Loops of single operations, a cycle in the graph: nodes cannot be added to a graph one by one in
 * such an order.
 */
final class LoopsOfTf1 {

  private static final Set<String> EXITS = Set.of("Exit", "RefExit");
  private static final Set<String> BACK_EDGES = Set.of("NextIteration", "RefNextIteration");

  private LoopsOfTf1() {}

  /** Whether a node hands on the result of a loop. */
  static boolean isExit(NodeDef node) {
    return EXITS.contains(node.getOp());
  }

  static boolean in(FunctionDef function) {
    return function.getNodeDefList().stream().anyMatch(node -> BACK_EDGES.contains(node.getOp()));
  }

  /** Why a call of such a function stays. */
  static String text(FunctionDef function) {
    return function.getNodeDefList().stream()
        .filter(LoopsOfTf1::isExit)
        .map(node -> node.getName() + " (" + node.getOp() + ")")
        .collect(
            Collectors.joining(
                ", ",
                "its function has a loop of TensorFlow 1, which ends in ",
                "; save the model with control flow v2 (tf.compat.v1.enable_control_flow_v2())"));
  }
}
