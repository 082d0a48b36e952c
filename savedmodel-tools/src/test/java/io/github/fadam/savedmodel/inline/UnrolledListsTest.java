package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorShapeProto;

/** That values and gradients stay, ControlFlowTest shows of every loop. */
class UnrolledListsTest {

  private final List<NodeDef> nodes = new ArrayList<>();
  private final NodeWriter.Nested writer =
      new NodeWriter(name -> name.substring(1), nodes::add).under("", List.of());

  private void add(String op, String name, String... inputs) {
    AttrValue dtype = NodeWriter.type(DataType.DT_FLOAT);
    List<String> all = List.of(inputs);
    switch (op) {
      case "Identity" -> writer.add(op, name, all, "T", NodeWriter.type(DataType.DT_VARIANT));
      case "TensorListFromTensor", "TensorListReserve" ->
          writer.add(op, name, all, "element_dtype", dtype, "shape_type", NodeWriter.INT32);
      default -> writer.add(op, name, all, "element_dtype", dtype);
    }
  }

  private void placeholder(String name, DataType type, long... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (long size : shape) {
      dimensions.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    writer.add(
        "Placeholder",
        name,
        List.of(),
        "dtype",
        NodeWriter.type(type),
        "shape",
        AttrValue.newBuilder().setShape(dimensions).build());
  }

  private void numbers() {
    for (int i = 0; i < 4; i++) {
      writer.scalar("n" + i, DataType.DT_INT32, i);
    }
    writer.noElements("scalar");
    placeholder("x", DataType.DT_FLOAT, 3, 2);
    placeholder("a", DataType.DT_FLOAT, 2);
    placeholder("b", DataType.DT_FLOAT, 2);
    placeholder("open", DataType.DT_INT32);
  }

  private Map<String, String> rewritten() {
    Map<String, NodeDef> byName =
        nodes.stream().collect(Collectors.toMap(NodeDef::getName, node -> node));
    try (StaticValues values =
        new StaticValues(FunctionDefLibrary.getDefaultInstance(), byName::get)) {
      return UnrolledLists.in(nodes, name -> name, values).stream()
          .collect(
              Collectors.toMap(
                  NodeDef::getName, node -> node.getOp() + String.join(" ", node.getInputList())));
    }
  }

  @Test
  void elementsOfASplitTensorAreItsParts() {
    numbers();
    add("TensorListFromTensor", "list", "x:0", "scalar:0");
    add("Identity", "same", "list:0");
    add("TensorListGetItem", "second", "same:0", "n1:0", "scalar:0", "^n2");
    add("TensorListGetItem", "beyond", "list:0", "n3:0", "scalar:0");
    add("TensorListGetItem", "any", "list:0", "open:0", "scalar:0");
    add("TensorListStack", "all", "list:0", "scalar:0");
    Map<String, String> found = rewritten();
    assertEquals("Unpackx:0", found.get("list/elements"));
    assertEquals("Identitylist/elements:1 ^n2", found.get("second"));
    assertEquals("TensorListGetItemlist:0 n3:0 scalar:0", found.get("beyond"));
    assertEquals("TensorListGetItemlist:0 open:0 scalar:0", found.get("any"));
    assertEquals("Identityx:0", found.get("all"));
  }

  @Test
  void aTensorOfUnknownLengthStaysAList() {
    numbers();
    placeholder("y", DataType.DT_FLOAT, -1, 2);
    add("TensorListFromTensor", "list", "y:0", "scalar:0");
    add("TensorListGetItem", "first", "list:0", "n0:0", "scalar:0");
    assertEquals("TensorListGetItemlist:0 n0:0 scalar:0", rewritten().get("first"));
  }

  @Test
  void whatWasPutIntoAListComesOutAgain() {
    numbers();
    add("TensorListReserve", "empty", "scalar:0", "n2:0");
    add("TensorListSetItem", "one", "empty:0", "n1:0", "a:0");
    add("TensorListStack", "hole", "one:0", "scalar:0");
    add("TensorListGetItem", "unset", "one:0", "n0:0", "scalar:0");
    add("TensorListSetItem", "both", "one:0", "n0:0", "b:0");
    add("TensorListSetItem", "again", "both:0", "n1:0", "b:0");
    add("TensorListGetItem", "taken", "both:0", "n1:0", "scalar:0");
    add("TensorListStack", "all", "both:0", "scalar:0");
    add("TensorListStack", "last", "again:0", "scalar:0");
    add("TensorListSetItem", "somewhere", "both:0", "open:0", "a:0");
    add("TensorListStack", "unknown", "somewhere:0", "scalar:0");
    Map<String, String> found = rewritten();
    assertEquals("TensorListStackone:0 scalar:0", found.get("hole"));
    assertEquals("TensorListGetItemone:0 n0:0 scalar:0", found.get("unset"));
    assertEquals("Identitya:0", found.get("taken"));
    assertEquals("Packb:0 a:0", found.get("all"));
    assertEquals("Packb:0 b:0", found.get("last"));
    assertEquals("TensorListStacksomewhere:0 scalar:0", found.get("unknown"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fixed_time", "downwards", "nested"})
  void noLoopThatIsWrittenOutTakesItsElementsFromLists(String key) {
    SavedModel model = SavedModel.read(Models.directory("../graphs/loops"));
    assertEquals(
        List.of(),
        FunctionInliner.inline(model, key).nodes().stream()
            .map(NodeDef::getOp)
            .filter(op -> op.equals("TensorListGetItem") || op.equals("TensorListStack"))
            .toList());
  }
}
