package io.github.fadam.tpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.xla.XlaOps;
import io.github.fadam.savedmodel.training.Device;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

class DeviceTableTest {

  private static NodeDef node(String op, DataType type) {
    return NodeDef.newBuilder()
        .setName("layer/" + op)
        .setOp(op)
        .putAttr("T", AttrValue.newBuilder().setType(type).build())
        .build();
  }

  @ParameterizedTest
  @EnumSource
  void everyDeviceCompilesConvolutionsOfFloats(Device device) {
    assertEquals(Optional.empty(), DeviceTable.problem(device, node("Conv2D", DataType.DT_FLOAT)));
    assertTrue(DeviceTable.source(device).contains("2.18"), DeviceTable.source(device));
  }

  @ParameterizedTest
  @EnumSource
  void noDeviceCompilesTables(Device device) {
    assertTrue(
        DeviceTable.problem(device, node("LookupTableFindV2", DataType.DT_INT64)).isPresent());
  }

  @Test
  void aGpuHasNoConvolutionOfIntegers() {
    NodeDef integers = node("Conv2D", DataType.DT_INT32);
    assertEquals(Optional.empty(), DeviceTable.problem(Device.CPU, integers));
    String problem = DeviceTable.problem(Device.GPU, integers).orElseThrow();
    assertTrue(problem.contains("int32") && problem.contains("GPU"), problem);
  }

  @Test
  void aTpuHasNoComplexNumbersOfTwoDoubles() {
    NodeDef complex = node("AddV2", DataType.DT_COMPLEX128);
    assertEquals(Optional.empty(), DeviceTable.problem(Device.GPU, complex));
    assertTrue(DeviceTable.problem(Device.TPU, complex).orElseThrow().contains("complex128"));
    assertEquals(
        Optional.empty(), DeviceTable.problem(Device.TPU, node("AddV2", DataType.DT_COMPLEX64)));
  }

  @Test
  void variablesAndListsAreNoValues() {
    assertEquals(
        Optional.empty(), DeviceTable.problem(Device.TPU, node("Identity", DataType.DT_RESOURCE)));
  }

  @Test
  void whatWorksWithACaveatHasANote() {
    assertTrue(DeviceTable.note(Device.TPU, "Cholesky").orElseThrow().contains("precision"));
    assertEquals(Optional.empty(), DeviceTable.note(Device.TPU, "MatMul"));
    assertEquals(Optional.empty(), DeviceTable.note(Device.CPU, "Cholesky"));
  }

  /** A line about an operation or a type that the CPU backend does not have would say nothing. */
  @Test
  void everyLineIsAboutSomethingThatTheCpuCompiles() throws IOException {
    try (InputStream table = DeviceTable.class.getResourceAsStream("devices.tsv")) {
      List<String> lines =
          new String(table.readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> !line.startsWith("#"))
              .toList();
      assertFalse(lines.isEmpty());
      for (String line : lines) {
        List<String> cells = List.of(line.split("\t", -1));
        if (List.of("lacks", "note").contains(cells.get(1))) {
          assertTrue(XlaOps.names().contains(cells.get(2)), line);
        }
        if (cells.get(1).equals("lacks")) {
          DataType type = DataType.valueOf("DT_" + cells.get(4).toUpperCase(Locale.ROOT));
          assertTrue(XlaOps.types(cells.get(2)).get(cells.get(3)).contains(type), line);
        }
      }
    }
  }
}
