package io.github.fadam.savedmodel.model;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.Struct.StructuredValue;

/** The tensors in a nested Python structure, in the order in which a function has them. */
final class StructuredTensors {

  /**
   * One tensor.
   *
   * @param key the innermost key of a dictionary that leads to it, empty if there is none
   * @param name the name in its specification, which may mean nothing
   * @param dataType its dtype
   * @param shape its static shape
   */
  record Leaf(String key, String name, DataType dataType, Shape shape) {}

  private final List<Leaf> leaves = new ArrayList<>();
  private boolean other;

  private StructuredTensors() {}

  /** Lists the tensors; empty where one is sparse or ragged. */
  static List<Leaf> of(StructuredValue value) {
    StructuredTensors tensors = new StructuredTensors();
    tensors.visit(value, "");
    return tensors.other ? List.of() : tensors.leaves;
  }

  private void visit(StructuredValue value, String key) {
    switch (value.getKindCase()) {
      case LIST_VALUE -> value.getListValue().getValuesList().forEach(v -> visit(v, key));
      case TUPLE_VALUE -> value.getTupleValue().getValuesList().forEach(v -> visit(v, key));
      case DICT_VALUE ->
          new TreeMap<>(value.getDictValue().getFieldsMap()).forEach((name, v) -> visit(v, name));
      case NAMED_TUPLE_VALUE ->
          value
              .getNamedTupleValue()
              .getValuesList()
              .forEach(pair -> visit(pair.getValue(), pair.getKey()));
      case TENSOR_SPEC_VALUE -> {
        var spec = value.getTensorSpecValue();
        leaves.add(new Leaf(key, spec.getName(), spec.getDtype(), ProtoShapes.of(spec.getShape())));
      }
      case BOUNDED_TENSOR_SPEC_VALUE, TYPE_SPEC_VALUE -> other = true;
      default -> {
        // Numbers, texts and None are part of the function, not its arguments.
      }
    }
  }
}
