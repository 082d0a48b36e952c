package io.github.fadam.savedmodel.inline;

import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/** Shapes of a signature's inputs: what the signature says and what the user adds to it. */
final class InputShapes {

  private final Map<String, Shape> shapes = new LinkedHashMap<>();
  private final Map<String, TensorSpec> specs = new LinkedHashMap<>();

  private InputShapes() {}

  /**
   * Joins what is known about the shapes.
   *
   * @param given signature input key to shape
   * @throws IllegalArgumentException if a key is not the signature's or a shape contradicts it
   */
  static InputShapes of(SavedSignature signature, Map<String, Shape> given) {
    InputShapes joined = new InputShapes();
    signature
        .withInputShapes(given)
        .inputs()
        .values()
        .forEach(
            spec -> {
              joined.specs.put(Frame.nodeName(spec.tensorName()), spec);
              joined.shapes.put(Frame.nodeName(spec.tensorName()), spec.shape());
            });
    return joined;
  }

  /** Placeholders that stand for the inputs where nothing is fed, by the name of their node. */
  Map<String, NodeDef> placeholders() {
    Map<String, NodeDef> placeholders = new HashMap<>();
    shapes.forEach(
        (node, shape) ->
            placeholders.put(
                node,
                NodeDef.newBuilder()
                    .setName(node)
                    .setOp("Placeholder")
                    .putAttr("dtype", NodeWriter.type(specs.get(node).dataType()))
                    .putAttr("shape", attribute(shape))
                    .build()));
    return placeholders;
  }

  /** What stands for a node of the main graph that is neither fed nor copied. */
  static NodeDef external(GraphDef graph, String name) {
    return graph.getNodeList().stream()
        .filter(node -> node.getName().equals(name))
        .findFirst()
        .map(
            node -> {
              if (LoopsOfTf1.isExit(node)) {
                return NodeDef.newBuilder()
                    .setName(name)
                    .setOp("Placeholder")
                    .putAttr("dtype", OpDefinitions.attribute(node, "T"))
                    .build();
              }
              NodeDef.Builder bare = NodeDef.newBuilder().setName(name).setOp(node.getOp());
              node.getAttrMap()
                  .forEach(
                      (key, value) -> {
                        if (!key.startsWith("_")) {
                          bare.putAttr(key, value);
                        }
                      });
              return bare.build();
            })
        .orElseThrow(() -> new IllegalArgumentException("no node " + name));
  }

  /**
   * Puts a check of its shape behind each input, so that what was concluded from the shapes holds
   * in every run.
   */
  void addChecks(NodeWriter writer, Frame main) {
    shapes.forEach(
        (node, shape) -> {
          if (!shape.isUnknown()) {
            String checked =
                writer
                    .under(node, List.of())
                    .add(
                        "EnsureShape",
                        "checked",
                        List.of(node + ":0"),
                        "T",
                        NodeWriter.type(specs.get(node).dataType()),
                        "shape",
                        attribute(shape));
            main.results.put(node, new Frame.Result(node, List.of(checked)));
          }
        });
  }

  private static AttrValue attribute(Shape shape) {
    TensorShapeProto.Builder proto = TensorShapeProto.newBuilder();
    if (shape.isUnknown()) {
      proto.setUnknownRank(true);
    } else {
      for (long size : shape.asArray()) {
        proto.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
      }
    }
    return AttrValue.newBuilder().setShape(proto).build();
  }
}
