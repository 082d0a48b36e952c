package io.github.fadam.savedmodel.inline;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Adds new nodes to a plan.
 *
 * @param uniqueName makes a new node's name unique and reserves it
 * @param sink takes the new nodes in order
 */
record NodeWriter(UnaryOperator<String> uniqueName, Consumer<NodeDef> sink) {

  static final AttrValue INT32 = type(DataType.DT_INT32);

  static AttrValue type(DataType type) {
    return AttrValue.newBuilder().setType(type).build();
  }

  static AttrValue integer(long value) {
    return AttrValue.newBuilder().setI(value).build();
  }

  static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  static AttrValue tensor(TensorProto value) {
    return AttrValue.newBuilder().setTensor(value).build();
  }

  static List<String> controls(NodeDef node) {
    return node.getInputList().stream().filter(input -> input.startsWith("^")).toList();
  }

  /** Adds a node as it is; its name has to be reserved. */
  Frame.Result plain(NodeDef node) {
    sink.accept(node);
    return Frame.Result.node(node.getName());
  }

  /** For nodes under the name of the node they help to replace, behind its control inputs. */
  Nested under(NodeDef parent) {
    return new Nested(parent.getName(), controls(parent));
  }

  /** For nodes under a name. */
  Nested under(String name, List<String> controls) {
    return new Nested(name, controls);
  }

  /** Adds nodes under a name. */
  final class Nested {
    private final String prefix;
    private final List<String> controls;

    private Nested(String prefix, List<String> controls) {
      this.prefix = prefix;
      this.controls = controls;
    }

    /** Adds a node with attributes given as name, value, name, value; returns its first output. */
    String add(String op, String name, List<String> inputs, Object... attributes) {
      String unique = uniqueName.apply(prefix + "/" + name);
      NodeDef.Builder node =
          NodeDef.newBuilder().setName(unique).setOp(op).addAllInput(inputs).addAllInput(controls);
      for (int i = 0; i < attributes.length; i += 2) {
        node.putAttr((String) attributes[i], (AttrValue) attributes[i + 1]);
      }
      sink.accept(node.build());
      return unique + ":0";
    }

    String scalar(String name, DataType type, long value) {
      return constant(name, type, TensorShapeProto.getDefaultInstance(), value);
    }

    String vector(String name, int... values) {
      return constant(
          name,
          DataType.DT_INT32,
          vectorShape(values.length),
          Arrays.stream(values).asLongStream().toArray());
    }

    /** An empty vector: the shape of a scalar. */
    String noElements(String name) {
      return constant(name, DataType.DT_INT32, vectorShape(0));
    }

    /** A vector of two integers. */
    String pair(String name, long first, long second) {
      return constant(name, DataType.DT_INT64, vectorShape(2), first, second);
    }

    private static TensorShapeProto vectorShape(long size) {
      return TensorShapeProto.newBuilder()
          .addDim(TensorShapeProto.Dim.newBuilder().setSize(size))
          .build();
    }

    private String constant(String name, DataType type, TensorShapeProto shape, long... values) {
      TensorProto.Builder tensor = TensorProto.newBuilder().setDtype(type).setTensorShape(shape);
      for (long value : values) {
        if (type == DataType.DT_INT64) {
          tensor.addInt64Val(value);
        } else {
          tensor.addIntVal(Math.toIntExact(value));
        }
      }
      return add("Const", name, List.of(), "dtype", type(type), "value", tensor(tensor.build()));
    }
  }
}
