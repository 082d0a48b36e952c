package io.github.fadam.savedmodel.inline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * Replaces random operations that keep a hidden state in the session, which cannot be saved, by
 * those that compute their numbers from a key.
 *
 * <p>The key is a tensor that is fed with every run: the run's seed and the number of the draw. To
 * the seed each operation adds a number of its own, so that no two of them draw the same.
 */
final class StatelessRandom {

  /** Name in the plan of the node that the key comes from. */
  static final String KEY = "random_key";

  /**
   * The stateless operation for a stateful one.
   *
   * @param seedAt position of its input {@code seed}; the other inputs are the same
   * @param attributes its attribute to the stateful operation's
   */
  private record Counterpart(String op, int seedAt, Map<String, String> attributes) {}

  private static final Map<String, String> OF_SHAPE = Map.of("dtype", "dtype", "T", "T");

  private static final Map<String, Counterpart> COUNTERPARTS =
      Map.of(
          "RandomUniform", new Counterpart("StatelessRandomUniform", 1, OF_SHAPE),
          "RandomStandardNormal", new Counterpart("StatelessRandomNormal", 1, OF_SHAPE),
          "TruncatedNormal", new Counterpart("StatelessTruncatedNormal", 1, OF_SHAPE),
          "RandomUniformInt",
              new Counterpart("StatelessRandomUniformInt", 1, Map.of("dtype", "Tout", "T", "T")),
          "Multinomial",
              new Counterpart(
                  "StatelessMultinomial", 2, Map.of("T", "T", "output_dtype", "output_dtype")));

  /** Random operations with a hidden state that have no counterpart with the same meaning. */
  private static final Set<String> OTHERS =
      Set.of(
          "ParameterizedTruncatedNormal",
          "RandomGamma",
          "RandomPoisson",
          "RandomPoissonV2",
          "RandomShuffle",
          "RandomCrop",
          "SampleDistortedBoundingBox",
          "SampleDistortedBoundingBoxV2",
          "AllCandidateSampler",
          "FixedUnigramCandidateSampler",
          "LearnedUnigramCandidateSampler",
          "LogUniformCandidateSampler",
          "ThreadUnsafeUnigramCandidateSampler",
          "UniformCandidateSampler");

  private final NodeWriter writer;
  private final Set<String> taken;
  private String key;

  /**
   * Creates the rewriter.
   *
   * @param taken names of the plan's nodes
   */
  StatelessRandom(NodeWriter writer, Set<String> taken) {
    this.writer = writer;
    this.taken = taken;
  }

  static boolean isRandom(String op) {
    return COUNTERPARTS.containsKey(op) || OTHERS.contains(op);
  }

  /** Adds a random operation's stateless counterpart, or the operation itself if it has none. */
  Frame.Result add(NodeDef node) {
    Counterpart counterpart = COUNTERPARTS.get(node.getOp());
    if (counterpart == null) {
      return writer.plain(node);
    }
    NodeWriter.Nested nested = writer.under(node.getName(), List.of());
    String own = nested.pair("number", number(node.getName()), 0);
    String seed =
        nested.add("AddV2", "seed", List.of(key(), own), "T", NodeWriter.type(DataType.DT_INT64));
    List<String> inputs = new ArrayList<>(node.getInputList());
    inputs.add(counterpart.seedAt(), seed);
    NodeDef.Builder stateless =
        NodeDef.newBuilder()
            .setName(node.getName())
            .setOp(counterpart.op())
            .addAllInput(inputs)
            .putAttr("Tseed", NodeWriter.type(DataType.DT_INT64));
    counterpart
        .attributes()
        .forEach((to, from) -> stateless.putAttr(to, OpDefinitions.attribute(node, from)));
    return writer.plain(stateless.build());
  }

  /** The same for the same model on every machine, and another for every node. */
  private static long number(String name) {
    return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).getLeastSignificantBits();
  }

  private String key() {
    if (key == null) {
      String name = KEY;
      for (int i = 1; !taken.add(name); i++) {
        name = KEY + "_" + i;
      }
      key = name;
    }
    return key + ":0";
  }

  /** The tensor that has to be fed, if any of the plan's nodes takes it. */
  Optional<String> fed(List<NodeDef> nodes) {
    return Optional.ofNullable(key)
        .map(name -> name + ":0")
        .filter(tensor -> nodes.stream().anyMatch(node -> node.getInputList().contains(tensor)));
  }
}
