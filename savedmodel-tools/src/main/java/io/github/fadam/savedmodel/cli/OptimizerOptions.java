package io.github.fadam.savedmodel.cli;

import io.github.fadam.framework.optimizer.Optimizers;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.framework.optimizer.RuleOptimizerBuilder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.Graph;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say by which rule to train. */
final class OptimizerOptions {

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "fadam",
      description = "fadam, fadafactor, adam, adamw, adafactor or sgd. Default: ${DEFAULT-VALUE}.")
  private String optimizer;

  @Option(
      names = "--learning-rate",
      paramLabel = "R",
      description = "Step size, above 0. Default: 0.001.")
  private Double learningRate;

  @Option(
      names = "--set",
      paramLabel = "OPTION=VALUE",
      description =
          "An option of the optimizer; for fadam: beta1, beta2, epsilon, epsilon-rule, clip,"
              + " weight-decay, exponent. May be repeated.")
  private Map<String, String> settings = Map.of();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Makes the optimizer on a graph. */
  Function<Graph, RuleOptimizer> factory() {
    Function<Graph, RuleOptimizerBuilder<?>> named = Optimizers.named(optimizer);
    return graph -> configure(named.apply(graph)).build();
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    if (learningRate != null && !(learningRate > 0 && Double.isFinite(learningRate))) {
      throw usage("Expected a --learning-rate above 0, found " + learningRate + "; try 0.001.");
    }
    try (Graph graph = new Graph()) {
      configure(Optimizers.named(optimizer).apply(graph));
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  String name() {
    return optimizer;
  }

  /** What a report says of these options. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("optimizer", optimizer);
    report.put(
        "learningRate",
        learningRate == null ? RuleOptimizerBuilder.DEFAULT_LEARNING_RATE : learningRate);
    report.put("set", settings);
    return report;
  }

  private RuleOptimizerBuilder<?> configure(RuleOptimizerBuilder<?> builder) {
    if (learningRate != null) {
      builder.learningRate(learningRate);
    }
    settings.forEach(builder::set);
    return builder;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
