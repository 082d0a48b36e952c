package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.gradient.GradientRegistry;
import io.github.fadam.ops.gradient.ShapedGradients;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Finds the operations along whose dimensions it is known, for any number of rows in a batch, what
 * is broadcast or reduced: their gradients need not find it out in every step.
 */
final class KnownShapes {

  /** Give a tensor of the shape of their only input. */
  private static final Set<String> ELEMENTWISE =
      Set.of("Identity", "Relu", "Sigmoid", "Softplus", "StopGradient", "Tanh");

  private static final Set<String> BROADCASTING = ShapedGradients.broadcasting();
  private static final Set<String> REDUCING = ShapedGradients.reducing();

  private final Function<String, Shape> shapes;

  /**
   * Creates the finder.
   *
   * @param shapes what is known about the shape of a tensor of the plan
   */
  KnownShapes(Function<String, Shape> shapes) {
    this.shapes = shapes;
  }

  /**
   * What a short gradient has to know.
   *
   * @param frame where the node comes from
   * @param original the node as it is written there
   * @param node the node with the plan's names
   * @return attributes for {@link GradientRewrites#repaired}; empty if too little is known
   */
  Optional<Map<String, AttrValue>> of(Frame frame, NodeDef original, NodeDef node) {
    boolean broadcasts = BROADCASTING.contains(node.getOp());
    if ((!broadcasts && !REDUCING.contains(node.getOp()))
        || !isFloating(OpDefinitions.attribute(node, "T").getType())
        || !GradientRegistry.isAvailable()) {
      return Optional.empty();
    }
    Optional<String> known =
        broadcasts ? broadcast(frame, original, node) : reduction(frame, original, node);
    return known.map(text -> Map.of(ShapedGradients.KNOWN, NodeWriter.text(text)));
  }

  private static boolean isFloating(DataType type) {
    return switch (type) {
      case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
      default -> false;
    };
  }

  private Optional<String> broadcast(Frame frame, NodeDef original, NodeDef node) {
    return source(frame, original.getInput(0)).equals(source(frame, original.getInput(1)))
        ? Optional.of(ShapedGradients.sameShape())
        : ShapedGradients.broadcast(
            shape(frame, original, node, 0), shape(frame, original, node, 1));
  }

  /** From the file, or else inferred, which takes longer. */
  private Shape shape(Frame frame, NodeDef original, NodeDef node, int input) {
    return Ranks.shape(frame, original.getInput(input))
        .orElseGet(() -> shapes.apply(node.getInput(input)));
  }

  /** The tensor that an input has its shape from. */
  private static String source(Frame frame, String input) {
    NodeDef node = frame.producer(input);
    if (node == null) {
      return input;
    }
    if (ELEMENTWISE.contains(node.getOp())) {
      return source(frame, node.getInput(0));
    }
    if (node.getOp().equals("Mul")) {
      for (int i = 0; i < 2; i++) {
        if (isScalar(frame.producer(node.getInput(i)))) {
          return source(frame, node.getInput(1 - i));
        }
      }
    }
    return input;
  }

  private static boolean isScalar(NodeDef node) {
    return node != null
        && node.getOp().equals("Const")
        && OpDefinitions.attribute(node, "value").getTensor().getTensorShape().getDimCount() == 0;
  }

  private Optional<String> reduction(Frame frame, NodeDef original, NodeDef node) {
    NodeDef axes = frame.producer(original.getInput(1));
    return axes == null || !axes.getOp().equals("Const")
        ? Optional.empty()
        : Scalars.integers(OpDefinitions.attribute(axes, "value").getTensor())
            .flatMap(
                places ->
                    ShapedGradients.reduction(
                        shape(frame, original, node, 0),
                        places,
                        OpDefinitions.attribute(node, "keep_dims").getB()));
  }
}
