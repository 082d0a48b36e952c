package io.github.fadam.savedmodel.export;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** What stands for variables and their reads where all values are constants. */
final class FrozenNodes {

  /** Operations on the handle of a resource variable that have an equivalent on its value. */
  private static final Set<String> READS =
      Set.of("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape");

  private FrozenNodes() {}

  static boolean isVariable(NodeDef node) {
    return isHandle(node) || node.getOp().equals("VariableV2") || node.getOp().equals("Variable");
  }

  /** Whether a node is a resource variable; a reference variable's output is its value. */
  static boolean isHandle(NodeDef node) {
    return node != null && node.getOp().equals("VarHandleOp");
  }

  static boolean isRead(NodeDef node) {
    return READS.contains(node.getOp());
  }

  static NodeDef constant(String name, Tensor value) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long size : value.shape().asArray()) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    ByteDataBuffer data = value.asRawTensor().data();
    byte[] bytes = new byte[Math.toIntExact(data.size())];
    data.read(bytes);
    return constant(
        name,
        TensorProto.newBuilder()
            .setDtype(value.dataType())
            .setTensorShape(shape)
            .setTensorContent(ByteString.copyFrom(bytes))
            .build());
  }

  private static NodeDef constant(String name, TensorProto value) {
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Const")
        .putAttr("dtype", type(value.getDtype()))
        .putAttr("value", AttrValue.newBuilder().setTensor(value).build())
        .build();
  }

  /**
   * A read of a handle as an operation on the value that now stands in the handle's place.
   *
   * @param node one for which {@link #isRead} holds, with its new names
   * @return the nodes, the last of which has the name and outputs of {@code node}
   */
  static List<NodeDef> onValue(NodeDef node) {
    AttrValue dtype = node.getAttrOrThrow("dtype");
    NodeDef.Builder read = node.toBuilder().clearAttr();
    List<NodeDef> nodes = new ArrayList<>();
    switch (node.getOp()) {
      case "ReadVariableOp" -> read.setOp("Identity").putAttr("T", dtype);
      case "VariableShape" ->
          read.setOp("Shape")
              .putAttr("T", dtype)
              .putAttr("out_type", node.getAttrOrDefault("out_type", type(DataType.DT_INT32)));
      case "ResourceGatherNd" ->
          read.setOp("GatherNd")
              .putAttr("Tparams", dtype)
              .putAttr("Tindices", node.getAttrOrThrow("Tindices"));
      case "ResourceGather" -> {
        AttrValue batch =
            node.getAttrOrDefault("batch_dims", AttrValue.newBuilder().setI(0).build());
        NodeDef axis = integer(node.getName() + "/axis", Math.toIntExact(batch.getI()));
        nodes.add(axis);
        read.setOp("GatherV2")
            .clearInput()
            .addInput(node.getInput(0))
            .addInput(node.getInput(1))
            .addInput(axis.getName())
            .addAllInput(node.getInputList().subList(2, node.getInputCount()))
            .putAttr("Tparams", dtype)
            .putAttr("Tindices", node.getAttrOrThrow("Tindices"))
            .putAttr("Taxis", type(DataType.DT_INT32))
            .putAttr("batch_dims", batch);
      }
      default -> throw new IllegalArgumentException("No read of a variable: " + node.getOp());
    }
    nodes.add(read.build());
    return nodes;
  }

  private static NodeDef integer(String name, int value) {
    return constant(
        name,
        TensorProto.newBuilder()
            .setDtype(DataType.DT_INT32)
            .setTensorShape(TensorShapeProto.getDefaultInstance())
            .addIntVal(value)
            .build());
  }

  static NodeDef placeholder(String name, DataType type, Shape shape) {
    TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
    if (shape.isUnknown()) {
      sizes.setUnknownRank(true);
    } else {
      for (long size : shape.asArray()) {
        sizes.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
      }
    }
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Placeholder")
        .putAttr("dtype", type(type))
        .putAttr("shape", AttrValue.newBuilder().setShape(sizes).build())
        .build();
  }

  static NodeDef identity(String name, DataType type, String input) {
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Identity")
        .addInput(input)
        .putAttr("T", type(type))
        .build();
  }

  private static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }
}
