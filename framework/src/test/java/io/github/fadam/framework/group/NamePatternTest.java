package io.github.fadam.framework.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamePatternTest {

  @ParameterizedTest
  @CsvSource({
    "head/*, sequential/head/kernel, true",
    "head/*, head/kernel, true",
    "head/*, sequential/head, false",
    "head/*, overhead/kernel, false",
    "head, sequential/head/kernel, false",
    "kernel, sequential/head/kernel, true",
    "kernel, sequential/head/kernel_1, false",
    "/head/*, head/kernel, true",
    "/head/*, sequential/head/kernel, false",
    "/sequential/*/kernel, sequential/a/b/kernel, true",
    "*, sequential/head/kernel, true",
    "*bias, dense/bias, true",
    "dense_?/bias, net/dense_1/bias, true",
    "dense_?/bias, net/dense_12/bias, false",
    "dense_?/bias, net/dense_/bias, false",
    "a.c, net/abc, false",
    "a.c, net/a.c, true",
    "kernel, kernel@ks/0, true",
    "kernel@ks/0, kernel@ks/0, true",
    "kernel@ks/1, kernel@ks/0, false",
    "kernel@*, net/kernel@ks/0, true",
    "0, kernel@ks/0, false",
    "ks/0, kernel@ks/0, false",
    "/kernel, kernel@ks/0, true",
    "/kernel, net/kernel@ks/0, false"
  })
  void matchesFromASegmentToTheEnd(String glob, String name, boolean expected) {
    assertEquals(expected, NamePattern.of(glob).matches(name));
  }

  @Test
  void regularExpressionsHaveNoMeaning() {
    assertTrue(NamePattern.of("a(b|c)[d]+\\E$").matches("x/a(b|c)[d]+\\E$"));
    assertEquals(false, NamePattern.of("a(b|c)").matches("ab"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "/"})
  void refusesWhatSelectsNothing(String glob) {
    assertThrows(IllegalArgumentException.class, () -> NamePattern.of(glob));
  }
}
