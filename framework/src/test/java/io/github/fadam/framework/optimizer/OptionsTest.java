package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.fisher.Epsilon;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;

class OptionsTest {

  @ParameterizedTest
  @CsvSource({
    "fadam, learning-rate, -1, at least 0",
    "fadam, learning-rate, Infinity, finite",
    "fadam, learning-rate, NaN, at least 0",
    "fadam, learning-rate, fast, number",
    "fadam, beta1, 1, below 1",
    "fadam, beta1, -0.1, at least 0",
    "fadam, beta2, 1, below 1",
    "fadam, beta2, NaN, below 1",
    "fadam, epsilon, 0, positive",
    "fadam, epsilon, Infinity, finite",
    "fadam, epsilon-rule, none, by-gradient",
    "fadam, exponent, 0, above 0",
    "fadam, exponent, 1.1, at most 1",
    "fadam, clip, 0, above 0",
    "fadam, clip, NaN, above 0",
    "fadam, weight-decay, -1, at least 0",
    "fadam, master-weights, yes, true or false",
    "fadam, momentum, 0.9, no option",
    "adam, epsilon, 0, above 0",
    "adam, epsilon, Infinity, finite",
    "adam, exponent, 0.5, no option",
    "sgd, momentum, 1, below 1",
    "sgd, nesterov, yes, true or false",
  })
  void aValueOutOfBoundsIsRefusedWithItsBoundAndItself(
      String optimizer, String option, String value, String bound) {
    try (Graph graph = new Graph()) {
      RuleOptimizerBuilder<?> builder = Optimizers.named(optimizer).apply(graph);
      IllegalArgumentException thrown =
          assertThrows(IllegalArgumentException.class, () -> builder.set(option, value));
      assertTrue(thrown.getMessage().contains(bound), thrown.getMessage());
      assertTrue(
          thrown.getMessage().contains(bound.equals("no option") ? option : value),
          thrown.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fadam", "adam", "sgd"})
  void settingsAreWhatSetTakes(String optimizer) {
    Map<String, String> changed = new LinkedHashMap<>();
    try (Graph graph = new Graph()) {
      RuleOptimizerBuilder<?> builder = Optimizers.named(optimizer).apply(graph);
      Map<String, String> defaults = builder.build().settings();
      defaults.forEach(
          (option, value) ->
              changed.put(
                  option,
                  switch (option) {
                    case "master-weights" -> "false";
                    case "centralize" -> "true";
                    case "groups" -> "bias, beta: learning-rate=0.25; head/*: frozen";
                    case "guard", "accumulate" -> "3";
                    case "loss-scale" -> "dynamic:8.0,10,4.0";
                    case "squares" -> "per-micro-step";
                    case "kernel" -> "graph";
                    case "nesterov" -> "true";
                    case "epsilon-rule" -> "by-size";
                    case "clip" -> "none";
                    case "lazy-rows" -> "none"; // excludes others, see the next test
                    default -> "0.25";
                  }));
      changed.forEach(builder::set);
      Map<String, String> settings = builder.build().settings();
      assertEquals(changed, settings);
      RuleOptimizerBuilder<?> again = Optimizers.named(optimizer).apply(graph);
      settings.forEach(again::set);
      assertEquals(settings, again.build().settings());
    }
  }

  @Test
  void lazyRowsAreAnOptionLikeOthers() {
    try (Graph graph = new Graph()) {
      FAdam optimizer = FAdam.builder(graph).set("lazy-rows", "embeddings, head/*").build();
      assertEquals("embeddings, head/*", optimizer.settings().get("lazy-rows"));
      assertThrows(
          IllegalArgumentException.class, () -> FAdam.builder(graph).set("lazy-rows", "a, "));
    }
  }

  @Test
  void presetsHaveThePapersSettings() {
    try (Graph graph = new Graph()) {
      assertSettings(new FAdam(graph), "0.9", "0.999", "1.0E-15", "0.001");
      assertSettings(FAdam.forLanguageModels(graph).build(), "0.9", "0.99", "1.0E-12", "0.1");
      assertSettings(FAdam.forSpeechRecognition(graph).build(), "0.9", "0.98", "1.0E-20", "0.001");
      assertSettings(
          FAdam.forVectorQuantizedAutoencoders(graph).build(), "0.9", "0.99", "1.0E-15", "1.0E-4");
    }
  }

  private static void assertSettings(
      FAdam optimizer, String beta1, String beta2, String epsilon, String weightDecay) {
    Map<String, String> settings = optimizer.settings();
    assertEquals(
        List.of(beta1, beta2, epsilon, weightDecay, "fixed", "0.5", "1.0", "0.001"),
        List.of(
            settings.get("beta1"),
            settings.get("beta2"),
            settings.get("epsilon"),
            settings.get("weight-decay"),
            settings.get("epsilon-rule"),
            settings.get("exponent"),
            settings.get("clip"),
            settings.get("learning-rate")));
  }

  @Test
  void aFloatLearningRateMeansItsDigits() {
    try (Graph graph = new Graph()) {
      assertEquals("0.1", new FAdam(graph, 0.1f).settings().get("learning-rate"));
    }
  }

  @Test
  void epsilonAndItsRuleCanBeSetInAnyOrder() {
    try (Graph graph = new Graph()) {
      Map<String, String> settings =
          FAdam.builder(graph)
              .set("epsilon", "1e-8")
              .set("epsilon-rule", "by-gradient")
              .build()
              .settings();
      assertEquals("1.0E-8", settings.get("epsilon"));
      assertEquals("by-gradient", settings.get("epsilon-rule"));
      assertEquals(
          "by-size",
          FAdam.builder(graph)
              .epsilon(new Epsilon.BySize(1))
              .build()
              .settings()
              .get("epsilon-rule"));
    }
  }

  @Test
  void aScheduleIsNamedWhereANumberWouldBe() {
    try (Graph graph = new Graph()) {
      String shown =
          FAdam.builder(graph)
              .learningRate(Schedules.warmupCosine(1e-3, 5, 10))
              .build()
              .settings()
              .get("learning-rate");
      assertTrue(shown.startsWith("warmup(5, cosine("), shown);
    }
  }

  @Test
  void nesterovWithoutMomentumIsRefused() {
    try (Graph graph = new Graph()) {
      Sgd.Builder builder = Sgd.builder(graph).nesterov(true);
      assertThrows(IllegalArgumentException.class, builder::build);
      builder.momentum(0.9).build();
    }
  }

  @Test
  void anUnknownOptimizerNamesThoseThereAre() {
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, () -> Optimizers.named("adagrad"));
    assertTrue(thrown.getMessage().contains("fadam"), thrown.getMessage());
    assertTrue(thrown.getMessage().contains("sgd"), thrown.getMessage());
  }

  @Test
  void aNameThatTensorFlowRefusesIsRefused() {
    try (Graph graph = new Graph()) {
      FAdam.Builder builder = FAdam.builder(graph);
      assertThrows(IllegalArgumentException.class, () -> builder.name("with space"));
      assertEquals("first", builder.name("first").build().getOptimizerName());
    }
  }
}
