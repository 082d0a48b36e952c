package io.github.fadam.framework.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.rule.Hyper;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParameterGroupTest {

  @Test
  void allKeysAreRead() {
    List<ParameterGroup> groups =
        ParameterGroup.parse(
            "bias, gamma: weight-decay=0, clip=none, learning-rate=0.5,"
                + " learning-rate-multiplier=0.1; encoder/*: frozen ;"
                + "no-decay-on-biases-norms-and-embeddings");
    assertEquals(3, groups.size());
    ParameterGroup first = groups.get(0);
    assertEquals(0, first.schedules().get(Hyper.WEIGHT_DECAY).constant().orElseThrow());
    assertEquals(
        Double.POSITIVE_INFINITY, first.schedules().get(Hyper.CLIP).constant().orElseThrow());
    assertEquals(0.5, first.schedules().get(Hyper.LEARNING_RATE).constant().orElseThrow());
    assertEquals(0.1, first.multiplier());
    assertFalse(first.isFrozen());
    assertTrue(groups.get(1).isFrozen());
    assertTrue(groups.get(2).mayBeEmpty());
    assertFalse(first.mayBeEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bias, gamma: learning-rate=0.5, weight-decay=0.0, clip=none",
        "encoder/*: learning-rate-multiplier=0.1, frozen",
        "no-decay-on-biases-norms-and-embeddings: weight-decay=0.0"
      })
  void theTextOfAGroupIsReadBack(String text) {
    String shown = ParameterGroup.parse(text).get(0).toString();
    assertEquals(shown, ParameterGroup.parse(shown).get(0).toString());
    assertTrue(shown.startsWith(text.substring(0, text.indexOf(':'))), shown);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                            | pattern",
        "bias                          | no key",
        "bias:                         | found",
        ": frozen                      | pattern",
        "bias,: frozen                 | pattern",
        "bias: frozen=true             | frozen=true",
        "bias: weight-decay            | weight-decay",
        "bias: decay=0                 | decay",
        "bias: weight-decay=           | weight-decay",
        "bias: weight-decay=much       | much",
        "bias: clip=one                | one",
        "bias: frozen, frozen          | twice",
        "bias: clip=1, clip=2          | clip twice",
        "bias: learning-rate-multiplier=-1  | at least 0",
        "bias: learning-rate-multiplier=NaN | at least 0",
        "bias: frozen;                 | pattern"
      })
  void whatIsNoGroupIsRefusedAndNamed(String text, String part) {
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, () -> ParameterGroup.parse(text));
    assertTrue(thrown.getMessage().contains(part), thrown.getMessage());
  }
}
