package io.github.fadam.ops.xla;

import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** Constants of one element, as nodes of a function's body. */
final class ScalarNodes {

  private ScalarNodes() {}

  static NodeDef.Builder int32(String name, int value) {
    return constant(name, TensorProto.newBuilder().setDtype(DataType.DT_INT32).addIntVal(value));
  }

  static NodeDef.Builder bool(String name, boolean value) {
    return constant(name, TensorProto.newBuilder().setDtype(DataType.DT_BOOL).addBoolVal(value));
  }

  private static NodeDef.Builder constant(String name, TensorProto.Builder value) {
    value.setTensorShape(TensorShapeProto.getDefaultInstance());
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Const")
        .putAttr("dtype", AttrValue.newBuilder().setType(value.getDtype()).build())
        .putAttr("value", AttrValue.newBuilder().setTensor(value).build());
  }
}
