package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.tensorflow.Operand;

class GradientTableTest {

  private static Map<String, GradientTable.Row> rows() {
    return GradientTable.rows().stream()
        .collect(Collectors.toMap(GradientTable.Row::opType, row -> row));
  }

  /** Whatever Python can differentiate is here, too, or says why not. */
  @Test
  void everyGradientOfPythonIsAccountedFor() throws IOException {
    TreeSet<String> unaccounted = new TreeSet<>();
    try (InputStream file = getClass().getResourceAsStream("/golden/python_gradients.txt")) {
      new String(file.readAllBytes(), StandardCharsets.UTF_8).lines().forEach(unaccounted::add);
    }
    assertTrue(unaccounted.size() > 350, "only " + unaccounted.size());
    unaccounted.removeIf(type -> !OpKnowledge.isRegisteredOp(type));
    rows().values().stream()
        .filter(row -> row.source() != GradientSource.NONE || !row.note().isEmpty())
        .forEach(row -> unaccounted.remove(row.opType()));
    assertEquals(new TreeSet<>(), unaccounted);
  }

  @Test
  void everyRefusalHasAReasonAndEverySourceIsThere() {
    Map<GradientSource, List<GradientTable.Row>> bySource =
        GradientTable.rows().stream().collect(Collectors.groupingBy(GradientTable.Row::source));
    assertEquals(GradientSource.values().length, bySource.size());
    bySource.get(GradientSource.NONE).forEach(row -> assertFalse(row.note().isEmpty()));
    bySource.get(GradientSource.REWRITTEN).forEach(row -> assertFalse(row.note().isEmpty()));
  }

  @Test
  void whatIsWrongForSomeAttributesSaysSo() {
    assertTrue(rows().get("Conv2D").note().contains("right in inlined SavedModels"));
    assertTrue(rows().get("Mean").note().contains("DT_INT32"));
    assertEquals("", rows().get("MatMul").note());
  }

  /** Nothing is both refused with a reason and registered: the reason would be a lie. */
  @Test
  void noReasonIsOutdated() {
    rows().values().stream()
        .filter(row -> RefusedOps.reason(row.opType()).isPresent())
        .forEach(row -> assertEquals(GradientSource.NONE, row.source(), row::opType));
  }

  @Test
  void aUsersGradientIsInTheTable() {
    OpGradient gradient = (tf, op, gradients) -> List.<Operand<?>>of(gradients.get(0));
    GradientRegistry.register("CheckPinned", gradient);
    assertEquals(GradientSource.OURS, rows().get("CheckPinned").source());
  }
}
