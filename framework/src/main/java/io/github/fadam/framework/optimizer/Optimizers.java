package io.github.fadam.framework.optimizer;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.tensorflow.Graph;

/** The optimizers by the names that the command line and checkpoints use. */
public final class Optimizers {

  private static final Map<String, Function<Graph, RuleOptimizerBuilder<?>>> BUILDERS =
      new TreeMap<>(
          Map.of(
              "fadam", FAdam::builder,
              "fadafactor", FAdafactor::builder,
              "adam", Adam::builder,
              "adamw", AdamW::builder,
              "adafactor", Adafactor::builder,
              "sgd", Sgd::builder));

  private Optimizers() {}

  /**
   * What makes a builder of the named optimizer.
   *
   * @param name {@code fadam}, {@code fadafactor}, {@code adam}, {@code adamw}, {@code adafactor}
   *     or {@code sgd}
   * @return from a graph to a new builder
   * @throws IllegalArgumentException if there is no such optimizer, with those there are
   */
  public static Function<Graph, RuleOptimizerBuilder<?>> named(String name) {
    Function<Graph, RuleOptimizerBuilder<?>> builder = BUILDERS.get(name);
    if (builder == null) {
      throw new IllegalArgumentException(
          "Expected an optimizer of " + String.join(", ", BUILDERS.keySet()) + ", found " + name);
    }
    return builder;
  }
}
