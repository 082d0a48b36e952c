package io.github.fadam.savedmodel.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SuggestionsTest {

  @Test
  void findsMisspeltSwappedAndPartialNames() {
    List<String> known = List.of("serving_default", "serve", "train", "dense/kernel");
    assertEquals(List.of("serving_default"), Suggestions.near("serving_defualt", known));
    assertEquals(List.of("serve"), Suggestions.near("SERVE_", known));
    assertEquals(List.of("dense/kernel"), Suggestions.near("kernel", known));
    assertEquals(List.of(), Suggestions.near("embedding", known));
  }

  @Test
  void givesAtMostThreeTheClosestFirst() {
    assertEquals(
        List.of("abcd", "abcde", "abce"),
        Suggestions.near("abcd", List.of("abce", "abcf", "abcde", "abcd")));
  }

  @Test
  void endsAMessage() {
    assertEquals("; did you mean 'ab'?", Suggestions.didYouMean("ac", List.of("ab", "xyz")));
    assertEquals("", Suggestions.didYouMean("ac", List.of("xyz")));
  }
}
