package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** All optimizers against src/test/python/fadam_golden.py. */
class GoldenTest {

  /** Every type with every kind of variables; otherwise each of them once for all options. */
  private static final boolean WHOLE = Boolean.getBoolean("fadam.full");

  private static final ObjectMapper JSON = new ObjectMapper();

  /** All series of one set of options, which train side by side in one graph. */
  record Golden(
      String optimizer,
      JsonNode document,
      List<JsonNode> cases,
      Kind kind,
      Class<? extends TNumber> type) {

    JsonNode options() {
      return cases.get(0).get("options");
    }

    String name(JsonNode example) {
      return example.get("data").asText().replaceAll("[^a-z0-9]", "-");
    }

    /** TensorFlow rewrites users' graphs, which takes long: one of every set of options is. */
    ConfigProto config() {
      return kind == Kind.RESOURCE && (type == TFloat32.class || cases.get(0).has("dtypes"))
          ? ConfigProto.getDefaultInstance()
          : FedStep.AS_BUILT;
    }

    boolean isStored(int t) {
      return StreamSupport.stream(document.get("stored").spliterator(), false)
          .anyMatch(stored -> stored.asInt() == t);
    }

    @Override
    public String toString() {
      String label = cases.get(0).get("name").asText();
      return String.join(
          " ", optimizer, label.replaceAll(":.*", ""), kind.name(), type.getSimpleName());
    }
  }

  static Stream<Golden> golden() throws IOException {
    List<Golden> all = new ArrayList<>();
    for (String optimizer : List.of("fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd")) {
      JsonNode document = read(optimizer);
      Map<JsonNode, List<JsonNode>> byOptions = new LinkedHashMap<>();
      for (JsonNode example : document.get("cases")) {
        String key = example.get("options") + example.path("dtypes").toString();
        byOptions
            .computeIfAbsent(JSON.getNodeFactory().textNode(key), k -> new ArrayList<>())
            .add(example);
      }
      for (List<JsonNode> cases : byOptions.values()) {
        boolean mixed = cases.get(0).has("dtypes");
        for (Kind kind : Kind.values()) {
          if (!mixed && (WHOLE || kind == Kind.REFERENCE)) {
            all.add(new Golden(optimizer, document, cases, kind, TFloat32.class));
          }
          if (mixed || WHOLE || kind == Kind.RESOURCE) {
            all.add(new Golden(optimizer, document, cases, kind, TFloat64.class));
          }
        }
      }
    }
    return all.stream();
  }

  private static JsonNode read(String optimizer) throws IOException {
    try (InputStream file =
        GoldenTest.class.getResourceAsStream("/golden/" + optimizer + ".json")) {
      return JSON.readTree(file);
    }
  }

  @ParameterizedTest
  @MethodSource("golden")
  void thetaAndSlotsAreThoseOfTheReference(Golden golden) {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    Map<String, JsonNode> data = new LinkedHashMap<>();
    for (JsonNode example : golden.cases()) {
      JsonNode series = golden.document().get("data").get(example.get("data").asText());
      Shape shape =
          Shape.of(
              StreamSupport.stream(series.get("shape").spliterator(), false)
                  .mapToLong(JsonNode::asLong)
                  .toArray());
      starts.put(golden.name(example), new FedStep.Start(shape, numbers(series.get("theta"))));
      data.put(golden.name(example), series);
    }
    assertEquals(golden.cases().size(), starts.size(), "each series once");
    boolean float32 = golden.type() == TFloat32.class;
    double bound = float32 ? 2e-6 : 1e-12;
    int compared = 0;
    try (FedStep step =
        new FedStep(optimizer(golden), golden.kind(), golden.type(), starts, golden.config())) {
      for (int t = 1; t <= golden.document().get("steps").asInt(); t++) {
        Map<String, double[]> gradients = new LinkedHashMap<>();
        int index = t - 1;
        data.forEach(
            (name, series) -> gradients.put(name, numbers(series.get("gradients").get(index))));
        step.run(gradients);
        if (!golden.isStored(t)) {
          continue;
        }
        Map<String, Map<String, double[]>> all = step.values();
        for (JsonNode example : golden.cases()) {
          JsonNode both = example.get("expected");
          JsonNode expected = both.get(float32 && both.has("float32") ? "float32" : "float64");
          JsonNode at = expected.get(Integer.toString(t));
          Map<String, double[]> found = all.get(golden.name(example));
          assertEquals(at.size(), found.size(), "theta and the slots");
          int now = t;
          found.forEach(
              (key, values) ->
                  assertNear(
                      numbers(at.get(key)),
                      values,
                      bound,
                      example.get("name").asText() + ", " + key + " after step " + now));
          compared++;
        }
      }
    }
    assertEquals(3 * golden.cases().size(), compared, "steps 1, 2 and 20 of every case");
  }

  private static Function<Graph, RuleOptimizer> optimizer(Golden golden) {
    return graph -> {
      RuleOptimizerBuilder<?> builder = Optimizers.named(golden.optimizer()).apply(graph);
      // The rule first: an epsilon keeps the rule that is set.
      if (golden.options().has("epsilonRule")) {
        builder.set("epsilon-rule", golden.options().get("epsilonRule").asText());
      }
      golden
          .options()
          .propertyStream()
          .forEach(
              option ->
                  builder.set(
                      kebab(option.getKey()),
                      option.getValue().isNull() ? "none" : option.getValue().asText()));
      return builder.build();
    };
  }

  private static String kebab(String camel) {
    return camel.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  private static void assertNear(double[] expected, double[] found, double bound, String what) {
    assertEquals(expected.length, found.length, what);
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    double sum = 0;
    for (double value : expected) {
      sum += largest == 0 ? 0 : (value / largest) * (value / largest);
    }
    double rms = expected.length == 0 ? 0 : largest * Math.sqrt(sum / expected.length);
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(found[i] - expected[i]);
      double error = difference == 0 ? 0 : difference / (Math.abs(expected[i]) + rms);
      assertTrue(
          error < bound,
          what
              + ", element "
              + i
              + ": expected "
              + expected[i]
              + ", found "
              + found[i]
              + ", error "
              + error);
    }
  }

  private static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  @Test
  void theDecayKeepsItsDigitsAtEveryStep() throws IOException {
    for (JsonNode row : read("fadam").get("beta2Hat")) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        Placeholder<TInt64> step = tf.placeholder(TInt64.class);
        var wide = BiasCorrectedDecay.of(tf, row.get("beta2").asDouble(), step, TFloat64.class);
        var narrow = BiasCorrectedDecay.of(tf, row.get("beta2").asDouble(), step, TFloat32.class);
        try (Session session = new Session(graph);
            TInt64 t = TInt64.scalarOf(row.get("t").asLong());
            Result result =
                session
                    .runner()
                    .feed(step, t)
                    .fetch(wide.decay())
                    .fetch(wide.complement())
                    .fetch(narrow.complement())
                    .run()) {
          double decay = row.get("value").asDouble();
          double complement = row.get("complement").asDouble();
          assertEquals(decay, ((TFloat64) result.get(0)).getDouble(), 1e-12 * decay, row::toString);
          assertEquals(
              complement,
              ((TFloat64) result.get(1)).getDouble(),
              1e-12 * complement,
              row::toString);
          assertEquals(
              complement, ((TFloat32) result.get(2)).getFloat(), 1e-7 * complement, row::toString);
        }
      }
    }
  }
}
