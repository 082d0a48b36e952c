package io.github.fadam.savedmodel.model;

import java.util.Optional;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;

/**
 * A placeholder of the main graph that is no input of a signature.
 *
 * @param name name of its operation
 * @param dataType dtype of what is fed
 * @param shape static shape of what is fed
 * @param defaultValue the constant that it has where nothing is fed; empty where there is none, or
 *     it is computed
 */
public record ModelPlaceholder(
    String name, DataType dataType, Shape shape, Optional<TensorProto> defaultValue) {

  private static final String WITH_DEFAULT = "PlaceholderWithDefault";

  static boolean is(NodeDef node) {
    return node.getOp().equals("Placeholder")
        || node.getOp().equals("PlaceholderV2")
        || node.getOp().equals(WITH_DEFAULT);
  }

  static ModelPlaceholder of(NodeDef node, MainGraph graph) {
    Optional<TensorProto> value =
        Optional.of(node)
            .filter(placeholder -> placeholder.getOp().equals(WITH_DEFAULT))
            .map(placeholder -> graph.node(placeholder.getInput(0)))
            .filter(source -> source.getOp().equals("Const"))
            .map(source -> attribute(source, "value").getTensor());
    return new ModelPlaceholder(
        node.getName(),
        attribute(node, "dtype").getType(),
        ProtoShapes.of(attribute(node, "shape").getShape()),
        value);
  }

  private static AttrValue attribute(NodeDef node, String name) {
    return node.getAttrOrDefault(name, AttrValue.getDefaultInstance());
  }
}
