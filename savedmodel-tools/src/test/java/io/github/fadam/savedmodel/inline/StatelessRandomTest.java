package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TInt64;

class StatelessRandomTest {

  private static final SavedModel MODEL = SavedModel.read(Models.directory("../graphs/random"));

  @Test
  void sameKeySameNumbersInAnotherSession() {
    Map<String, byte[]> first = draws("draws", 7, 3);
    Map<String, byte[]> second = draws("draws", 7, 3);
    first.forEach((name, bits) -> assertArrayEquals(bits, second.get(name), name));
  }

  @Test
  void anotherSeedAnotherDrawAnotherNodeOtherNumbers() {
    Map<String, byte[]> first = draws("draws", 7, 3);
    for (Map<String, byte[]> other :
        List.of(draws("draws", 7, 4), draws("draws", 8, 3), draws("draws", 3, 7))) {
      first.forEach((name, bits) -> assertFalse(Arrays.equals(bits, other.get(name)), name));
    }
    assertFalse(Arrays.equals(first.get("uniform"), first.get("again")));
  }

  @Test
  void numbersHaveTheirDistribution() {
    Map<String, byte[]> draws = draws("draws", 7, 3);
    double[] uniform = floats(draws.get("uniform")).toArray();
    assertEquals(5000, uniform.length);
    assertMoments(uniform, 0.5, 1 / 12.0);
    assertTrue(DoubleStream.of(uniform).allMatch(x -> x >= 0 && x < 1));
    assertMoments(floats(draws.get("normal")).toArray(), 3, 4);
    double[] truncated = floats(draws.get("truncated")).toArray();
    assertMoments(truncated, 0, 0.774);
    assertTrue(DoubleStream.of(truncated).allMatch(x -> Math.abs(x) <= 2));
    var integers = ByteBuffer.wrap(draws.get("integer")).order(ByteOrder.nativeOrder());
    var found = new HashSet<Integer>();
    IntStream.range(0, 5000).forEach(i -> found.add(integers.getInt()));
    assertEquals(new HashSet<>(IntStream.range(-2, 5).boxed().toList()), found);
    var categories = ByteBuffer.wrap(draws.get("category")).order(ByteOrder.nativeOrder());
    Map<Long, Integer> counts = new HashMap<>();
    IntStream.range(0, 1000).forEach(i -> counts.merge(categories.getLong(), 1, Integer::sum));
    assertEquals(200, counts.get(0L), 50);
    assertEquals(500, counts.get(2L), 60);
  }

  /** Rows of one draw must not repeat each other: a broken counter would. */
  @Test
  void rowsOfADrawAreIndependent() {
    double[] x = floats(draws("draws", 1, 1).get("uniform")).toArray();
    assertEquals(5000, new HashSet<>(DoubleStream.of(x).boxed().toList()).size(), 10);
    double correlation =
        IntStream.range(0, 4999).mapToDouble(i -> (x[i] - 0.5) * (x[i + 1] - 0.5)).sum()
            / 4999
            * 12;
    assertEquals(0, correlation, 0.06);
  }

  @Test
  void whatCannotBeReplacedIsNamed() {
    assertEquals(2, FunctionInliner.inline(MODEL, "others").unseeded().size());
    InlinePlan plan = FunctionInliner.inline(MODEL, "dropout");
    assertEquals(List.of(), plan.unseeded());
    for (NodeDef node : plan.nodes()) {
      assertFalse(StatelessRandom.isRandom(node.getOp()), node::getName);
    }
    String others = FunctionInliner.inline(MODEL, "others").unseeded().toString();
    assertTrue(others.contains("(RandomGamma)"), others);
    assertTrue(others.contains("(RandomUniform)"), others);
  }

  @Test
  void aKeyThatIsNotFedIsAnError() {
    try (SavedModelBundle bundle = SavedModelBundle.load(MODEL.directory().toString())) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(MODEL, "draws"), bundle.graph());
      Map<String, Tensor> inputs = Models.inputs(MODEL.signature("draws"), 1);
      try {
        assertThrows(
            TFInvalidArgumentException.class,
            () -> Models.run(bundle.session(), emitted.inputs(), inputs, emitted.outputs()));
      } finally {
        inputs.values().forEach(Tensor::close);
      }
    }
  }

  @Test
  void anotherGraphHasToBringTheKey() {
    InlinePlan plan = FunctionInliner.inline(MODEL, "draws");
    try (SavedModelBundle bundle = SavedModelBundle.load(MODEL.directory().toString());
        Graph graph = new Graph()) {
      Map<String, Output<?>> external = new LinkedHashMap<>();
      plan.external().forEach(name -> external.put(name, bundle.graph().output(name)));
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> GraphEmitter.emit(plan, graph, "body", external));
      assertTrue(error.getMessage().contains(StatelessRandom.KEY), error.getMessage());
    }
  }

  private static Map<String, byte[]> draws(String key, long seed, long draw) {
    try (SavedModelBundle bundle = SavedModelBundle.load(MODEL.directory().toString())) {
      EmittedGraph emitted = GraphEmitter.emit(FunctionInliner.inline(MODEL, key), bundle.graph());
      SavedSignature signature = MODEL.signature(key);
      Map<String, Tensor> inputs = Models.inputs(signature, 1);
      inputs.put(StatelessRandom.KEY, TInt64.vectorOf(seed, draw));
      Map<String, Output<?>> feeds = new LinkedHashMap<>(emitted.inputs());
      feeds.put(StatelessRandom.KEY, emitted.randomKey().orElseThrow());
      try {
        return Models.run(bundle.session(), feeds, inputs, emitted.outputs());
      } finally {
        inputs.values().forEach(Tensor::close);
      }
    }
  }

  private static DoubleStream floats(byte[] bits) {
    ByteBuffer buffer = ByteBuffer.wrap(bits).order(ByteOrder.nativeOrder());
    return IntStream.range(0, bits.length / Float.BYTES).mapToDouble(i -> buffer.getFloat());
  }

  private static void assertMoments(double[] x, double mean, double variance) {
    double found = DoubleStream.of(x).average().orElseThrow();
    double spread = DoubleStream.of(x).map(v -> (v - found) * (v - found)).average().orElseThrow();
    assertEquals(mean, found, 4 * Math.sqrt(variance / x.length));
    assertEquals(variance, spread, 0.1 * variance);
  }
}
