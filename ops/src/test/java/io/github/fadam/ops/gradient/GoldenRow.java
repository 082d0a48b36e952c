package io.github.fadam.ops.gradient;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/** One row of {@code gradients.json}: a small graph, its inputs, and Python's gradients by them. */
record GoldenRow(JsonNode json) {

  static List<GoldenRow> all() {
    try (InputStream file = GoldenRow.class.getResourceAsStream("/golden/gradients.json")) {
      JsonNode rows = new ObjectMapper().readTree(file);
      return StreamSupport.stream(rows.spliterator(), false).map(GoldenRow::new).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String name() {
    return json.get("name").textValue();
  }

  boolean isInFloat64() {
    return json.get("dtype").textValue().equals("float64");
  }

  boolean hasDifferences() {
    return json.get("differences").booleanValue();
  }

  /** Whether Python can run the operation and its gradient. */
  boolean hasPython() {
    return json.get("python").booleanValue();
  }

  Set<String> types() {
    Set<String> types = new TreeSet<>();
    json.get("nodes").forEach(node -> types.add(node.get("op").textValue()));
    return types;
  }

  int inputs() {
    return json.get("inputs").size();
  }

  Shape shape(int input) {
    return shape(json.get("inputs").get(input).get("shape"));
  }

  double[] values(int input) {
    return doubles(json.get("inputs").get(input).get("values"));
  }

  /** Python's gradient; null where it has none. */
  double[] gradient(int input) {
    JsonNode gradient = json.get("gradients").get(input);
    return gradient.isNull() ? null : doubles(gradient);
  }

  /** Adds the row's nodes and flattens its outputs into one vector of float64. */
  Operand<?> build(Ops tf, List<Operand<?>> inputs, DataType type) {
    List<Operand<?>> constants = new ArrayList<>();
    json.get("constants").forEach(constant -> constants.add(constant(tf, constant, type)));
    List<Operation> nodes = new ArrayList<>();
    for (JsonNode node : json.get("nodes")) {
      List<Output<?>[]> edges = new ArrayList<>();
      for (JsonNode edge : node.get("inputs")) {
        List<Output<?>> list = new ArrayList<>();
        (edge.isArray() ? edge : List.of(edge))
            .forEach(each -> list.add(output(each, inputs, constants, nodes)));
        edges.add(list.toArray(new Output<?>[0]));
      }
      nodes.add(node(tf, node, edges, type));
    }
    List<Output<?>> flat = new ArrayList<>();
    for (JsonNode edge : json.get("outputs")) {
      Operand<?> value =
          DifferenceQuotient.cast(tf, output(edge, inputs, constants, nodes), DataType.DT_DOUBLE);
      flat.add(Raw.of(tf, "Reshape", value, tf.constant(new int[] {-1})));
    }
    return flat.size() == 1
        ? flat.get(0)
        : Raw.op(tf, "ConcatV2").list(flat.toArray(new Output<?>[0])).in(tf.constant(0));
  }

  private static Operation node(Ops tf, JsonNode node, List<Output<?>[]> inputs, DataType type) {
    String op = node.get("op").textValue();
    if (RepairedGradients.types().contains(op)) {
      GraphOperation plain = (GraphOperation) plain(tf, node, inputs, type);
      NodeDef.Builder definition = NodeDef.newBuilder().setOp(op);
      for (String name : attributes(op)) {
        definition.putAttr(name, plain.attributes().getAttrValueProto(name));
      }
      if (RepairedGradients.isNeeded(definition.build())) {
        return repaired(tf, node, inputs, type, definition);
      }
    }
    return plain(tf, node, inputs, type);
  }

  private static Operation repaired(
      Ops tf, JsonNode node, List<Output<?>[]> inputs, DataType type, NodeDef.Builder definition) {
    List<Output<?>> all = new ArrayList<>();
    Operation value = plain(tf, node, inputs, type);
    for (int i = 0; i < value.numOutputs(); i++) {
      all.add(Raw.of(tf, "StopGradient", value.output(i)));
    }
    inputs.forEach(input -> all.add(input[0]));
    Raw identity = Raw.op(tf, "IdentityN").list(all.toArray(new Output<?>[0]));
    identity.attr(RepairedGradients.TYPE, definition.getOp());
    definition
        .getAttrMap()
        .forEach((name, each) -> identity.attr(RepairedGradients.PREFIX + name, each));
    return identity.build();
  }

  private static List<String> attributes(String op) {
    return TensorFlow.registeredOpList().getOpList().stream()
        .filter(each -> each.getName().equals(op))
        .flatMap(each -> each.getAttrList().stream())
        .map(OpDef.AttrDef::getName)
        .toList();
  }

  private static Operation plain(Ops tf, JsonNode node, List<Output<?>[]> inputs, DataType type) {
    Raw raw = Raw.op(tf, node.get("op").textValue());
    for (int i = 0; i < inputs.size(); i++) {
      if (node.get("inputs").get(i).isArray()) {
        raw.list(inputs.get(i));
      } else {
        raw.and(inputs.get(i)[0]);
      }
    }
    node.get("attributes")
        .properties()
        .forEach(entry -> raw.attr(entry.getKey(), attribute(entry.getValue(), type)));
    return raw.build();
  }

  private static Output<?> output(
      JsonNode edge, List<Operand<?>> inputs, List<Operand<?>> constants, List<Operation> nodes) {
    String text = edge.textValue();
    return switch (text.charAt(0)) {
      case 'x' -> inputs.get(Integer.parseInt(text.substring(1))).asOutput();
      case 'c' -> constants.get(Integer.parseInt(text.substring(1))).asOutput();
      default -> {
        String[] parts = text.split(":", 2);
        yield nodes.get(Integer.parseInt(parts[0])).output(Integer.parseInt(parts[1]));
      }
    };
  }

  private static Operand<?> constant(Ops tf, JsonNode constant, DataType type) {
    Shape shape = shape(constant.get("shape"));
    JsonNode values = constant.get("values");
    return switch (constant.get("dtype").textValue()) {
      case "int32" -> tf.constant(shape, DataBuffers.of(integers(values)));
      case "int64" -> tf.constant(shape, DataBuffers.of(longs(values)));
      case "bool" -> tf.constant(shape, DataBuffers.of(booleans(values)));
      case "float32" ->
          DifferenceQuotient.cast(
              tf, tf.constant(shape, DataBuffers.of(doubles(values))), DataType.DT_FLOAT);
      case "T" ->
          DifferenceQuotient.cast(tf, tf.constant(shape, DataBuffers.of(doubles(values))), type);
      default -> throw new IllegalArgumentException(constant.toString());
    };
  }

  private static Object attribute(JsonNode value, DataType type) {
    if (value.isTextual()) {
      return value.textValue();
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (value.isInt()) {
      return value.intValue();
    }
    if (value.isDouble()) {
      return value.doubleValue();
    }
    if (value.isArray()) {
      return longs(value);
    }
    if (value.has("type")) {
      return switch (value.get("type").textValue()) {
        case "T" -> type;
        case "int32" -> DataType.DT_INT32;
        case "int64" -> DataType.DT_INT64;
        case "float32" -> DataType.DT_FLOAT;
        case "complex" ->
            type == DataType.DT_DOUBLE ? DataType.DT_COMPLEX128 : DataType.DT_COMPLEX64;
        default -> throw new IllegalArgumentException(value.toString());
      };
    }
    return shape(value.get("shape"));
  }

  private static Shape shape(JsonNode sizes) {
    return Shape.of(longs(sizes));
  }

  private static double[] doubles(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false)
        .mapToDouble(JsonNode::doubleValue)
        .toArray();
  }

  private static long[] longs(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).mapToLong(JsonNode::longValue).toArray();
  }

  private static int[] integers(JsonNode list) {
    return Arrays.stream(longs(list)).mapToInt(Math::toIntExact).toArray();
  }

  private static boolean[] booleans(JsonNode list) {
    boolean[] values = new boolean[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = list.get(i).booleanValue();
    }
    return values;
  }
}
