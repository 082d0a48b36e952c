package io.github.fadam.savedmodel.inline;

import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalLong;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;

/** Arithmetic of integer and boolean scalars, 1 for true: what loops count with. */
final class Scalars {

  private Scalars() {}

  /** Value of a constant scalar; empty for any other node. */
  static OptionalLong constant(NodeDef node) {
    if (node == null || !node.getOp().equals("Const")) {
      return OptionalLong.empty();
    }
    TensorProto value = OpDefinitions.attribute(node, "value").getTensor();
    if (value.getIntValCount() > 0) {
      return OptionalLong.of(value.getIntVal(0));
    }
    if (value.getInt64ValCount() > 0) {
      return OptionalLong.of(value.getInt64Val(0));
    }
    if (value.getBoolValCount() > 0) {
      return OptionalLong.of(value.getBoolVal(0) ? 1 : 0);
    }
    var bytes = value.getTensorContent().asReadOnlyByteBuffer().order(ByteOrder.nativeOrder());
    return switch (bytes.remaining()) {
      case Byte.BYTES -> OptionalLong.of(bytes.get());
      case Integer.BYTES -> OptionalLong.of(bytes.getInt());
      case Long.BYTES -> OptionalLong.of(bytes.getLong());
      case 0 -> OptionalLong.of(0); // how a tensor of zeros is written
      default -> OptionalLong.empty();
    };
  }

  /** Elements of a vector or scalar of integers; empty for any other tensor. */
  static Optional<long[]> integers(TensorProto tensor) {
    if (tensor.getTensorShape().getDimCount() > 1
        || (tensor.getDtype() != DataType.DT_INT32 && tensor.getDtype() != DataType.DT_INT64)) {
      return Optional.empty();
    }
    int count =
        tensor.getTensorShape().getDimCount() == 0
            ? 1
            : Math.toIntExact(tensor.getTensorShape().getDim(0).getSize());
    boolean wide = tensor.getDtype() == DataType.DT_INT64;
    var bytes = tensor.getTensorContent().asReadOnlyByteBuffer().order(ByteOrder.nativeOrder());
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      if (bytes.hasRemaining()) {
        values[i] = wide ? bytes.getLong() : bytes.getInt();
      } else {
        // Of equal elements at the end the file has the first only.
        int written = wide ? tensor.getInt64ValCount() : tensor.getIntValCount();
        int place = Math.min(i, written - 1);
        values[i] = place < 0 ? 0 : wide ? tensor.getInt64Val(place) : tensor.getIntVal(place);
      }
    }
    return Optional.of(values);
  }

  /** Whether a node is a constant integer or boolean scalar. */
  static boolean isConstant(NodeDef node) {
    if (!node.getOp().equals("Const")) {
      return false;
    }
    TensorProto value = OpDefinitions.attribute(node, "value").getTensor();
    return isCounted(value.getDtype()) && value.getTensorShape().getDimCount() == 0;
  }

  private static boolean isCounted(DataType type) {
    return type == DataType.DT_INT32 || type == DataType.DT_INT64 || type == DataType.DT_BOOL;
  }

  /** Number of inputs of an operation that {@link #compute} knows, else 0. */
  static int arity(String op) {
    return switch (op) {
      case "Identity", "LogicalNot" -> 1;
      case "Add",
          "AddV2",
          "Sub",
          "Minimum",
          "Maximum",
          "Less",
          "LessEqual",
          "Greater",
          "GreaterEqual",
          "LogicalAnd",
          "LogicalOr" ->
          2;
      default -> 0;
    };
  }

  /** Value of an operation of scalars; empty where it leaves int32, in which some count. */
  static OptionalLong compute(String op, long a, long b) {
    long value =
        switch (op) {
          case "Identity" -> a;
          case "LogicalNot" -> 1 - a;
          case "Add", "AddV2" -> a + b;
          case "Sub" -> a - b;
          case "Minimum" -> Math.min(a, b);
          case "Maximum" -> Math.max(a, b);
          case "Less" -> a < b ? 1 : 0;
          case "LessEqual" -> a <= b ? 1 : 0;
          case "Greater" -> a > b ? 1 : 0;
          case "GreaterEqual" -> a >= b ? 1 : 0;
          case "LogicalAnd" -> a & b;
          case "LogicalOr" -> a | b;
          default -> throw new IllegalArgumentException(op);
        };
    return value == (int) value ? OptionalLong.of(value) : OptionalLong.empty();
  }
}
