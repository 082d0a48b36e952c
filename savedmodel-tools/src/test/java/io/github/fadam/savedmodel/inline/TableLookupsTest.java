package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** That values stay, FunctionInlinerTest shows of every model. */
class TableLookupsTest {

  private final List<NodeDef> nodes = new ArrayList<>();

  private NodeDef.Builder node(String name, String op, String... inputs) {
    return NodeDef.newBuilder().setName(name).setOp(op).addAllInput(List.of(inputs));
  }

  /** A gather along the first axis of what was read, and what came before. */
  private void lookup(String value) {
    nodes.add(
        node("axis", "Const")
            .putAttr("dtype", NodeWriter.INT32)
            .putAttr(
                "value",
                NodeWriter.tensor(
                    TensorProto.newBuilder()
                        .setDtype(DataType.DT_INT32)
                        .setTensorShape(TensorShapeProto.getDefaultInstance())
                        .addIntVal(0)
                        .build()))
            .build());
    nodes.add(
        node("rows", "GatherV2", value, "ids:0", "axis:0", "^ready")
            .putAttr("Tparams", NodeWriter.type(DataType.DT_FLOAT))
            .putAttr("Tindices", NodeWriter.type(DataType.DT_INT64))
            .putAttr("Taxis", NodeWriter.INT32)
            .build());
  }

  private void read(String... controls) {
    NodeDef.Builder read = node("read", "ReadVariableOp", "table:0").addAllInput(List.of(controls));
    nodes.add(read.putAttr("dtype", NodeWriter.type(DataType.DT_FLOAT)).build());
  }

  private Map<String, NodeDef> rewritten(String... results) {
    return TableLookups.in(nodes, List.of(results), name -> name).stream()
        .collect(Collectors.toMap(NodeDef::getName, node -> node));
  }

  @Test
  void rowsAreLookedUpInTheVariableItself() {
    read("^before");
    nodes.add(node("same", "Identity", "read:0", "^between").build());
    lookup("same:0");
    nodes.add(node("done", "NoOp", "^read", "^rows").build());
    Map<String, NodeDef> found = rewritten("rows");
    NodeDef rows = found.get("rows");
    assertEquals("ResourceGather", rows.getOp());
    assertEquals(List.of("table:0", "ids:0", "^ready", "^between", "^before"), rows.getInputList());
    assertEquals(DataType.DT_FLOAT, rows.getAttrOrThrow("dtype").getType());
    assertEquals(DataType.DT_INT64, rows.getAttrOrThrow("Tindices").getType());
    assertEquals(List.of("^before", "^rows"), found.get("done").getInputList());
  }

  @Test
  void aCastOfTheTableBecomesACastOfTheRows() {
    read();
    AttrValue half = NodeWriter.type(DataType.DT_HALF);
    nodes.add(
        node("half", "Cast", "read:0")
            .putAttr("SrcT", NodeWriter.type(DataType.DT_FLOAT))
            .putAttr("DstT", half)
            .build());
    lookup("half:0");
    Map<String, NodeDef> found = rewritten("rows");
    assertEquals("Cast", found.get("rows").getOp());
    assertEquals(half, found.get("rows").getAttrOrThrow("DstT"));
    assertEquals(List.of("rows/rows:0"), found.get("rows").getInputList());
    assertEquals("ResourceGather", found.get("rows/rows").getOp());
  }

  /** A lookup may come later than the read: what is assigned in between must not be seen. */
  @Test
  void aTableThatTheModelAssignsIsReadWhenTheModelReadsIt() {
    read();
    lookup("read:0");
    nodes.add(node("assign", "AssignVariableOp", "table:0", "new:0", "^read").build());
    Map<String, NodeDef> found = rewritten("rows");
    assertEquals("GatherV2", found.get("rows").getOp());
    assertEquals(List.of("table:0", "new:0", "^read"), found.get("assign").getInputList());
  }

  @Test
  void whatTheModelReadsWholeIsStillRead() {
    read();
    lookup("read:0");
    nodes.add(node("logits", "MatMul", "rows:0", "read:0").build());
    nodes.add(node("done", "NoOp", "^read").build());
    Map<String, NodeDef> found = rewritten("logits");
    assertEquals("ResourceGather", found.get("rows").getOp());
    assertEquals(List.of("rows:0", "read:0"), found.get("logits").getInputList());
    assertEquals(List.of("^read"), found.get("done").getInputList());
  }

  @Test
  void whatIsNoVariablesValueStays() {
    lookup("images:0");
    assertEquals("GatherV2", rewritten("rows").get("rows").getOp());
  }

  @Test
  void noStepOfAKerasModelReadsItsTableWhole() {
    for (String name : List.of("keras3_embedding", "tfkeras_embedding")) {
      InlinePlan plan =
          FunctionInliner.inline(SavedModel.read(Models.directory(name)), "serving_default");
      List<NodeDef> gathers =
          plan.nodes().stream().filter(n -> n.getOp().equals("ResourceGather")).toList();
      assertEquals(1, gathers.size(), name);
      String table = gathers.get(0).getInput(0);
      assertTrue(
          plan.nodes().stream()
              .filter(node -> node.getOp().equals("ReadVariableOp"))
              .noneMatch(node -> node.getInput(0).equals(table)),
          name);
    }
  }
}
