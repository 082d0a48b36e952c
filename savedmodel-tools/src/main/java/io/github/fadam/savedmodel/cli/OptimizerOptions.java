package io.github.fadam.savedmodel.cli;

import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.optimizer.Kernel;
import io.github.fadam.framework.optimizer.Optimizers;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.framework.optimizer.RuleOptimizerBuilder;
import io.github.fadam.framework.schedule.Schedules;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.Graph;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say by which rule to train. */
final class OptimizerOptions {

  /** Enough for any schedule, to check its text before the data is read. */
  private static final long ANY_STEPS = 1L << 40;

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
      names = "--schedule",
      paramLabel = "NAME[:KEY=VALUE,...]",
      description =
          "How the learning rate goes from step to step, up to the one of --learning-rate: constant,"
              + " linear, cosine, polynomial, exponential, inverse-square-root, one-cycle and more;"
              + " for example cosine:warmup=500 or linear:warmup=10%%,end=0.1. Default: constant.")
  private String schedule;

  @Option(
      names = "--clip-norm",
      paramLabel = "X",
      description = "Scale all gradients together down to at most this norm. Default: not.")
  private Double clipNorm;

  @Option(
      names = "--accumulate",
      paramLabel = "K",
      description =
          "Average the gradients of K batches into one step; --steps, schedules and checkpoints count"
              + " steps. Default: 1.")
  private Integer accumulate;

  @Option(
      names = "--guard",
      paramLabel = "skip|N",
      description =
          "Skip steps whose gradients are not finite, and fail after N in a row. Default: not"
              + " tested.")
  private String guard;

  @Option(
      names = "--loss-scale",
      paramLabel = "dynamic|X",
      description =
          "Factor on the loss while it is differentiated, for 16-bit models; dynamic follows the"
              + " gradients and skips what overflows. Default: none.")
  private String lossScale;

  @Option(
      names = "--ema",
      paramLabel = "DECAY",
      description =
          "Keep an average of the weights, which is validated and written. Default: none; 0.999 is"
              + " usual.")
  private Double ema;

  @Option(
      names = "--lazy-rows",
      paramLabel = "GLOB",
      description =
          "Update of embedding tables whose names match only the rows that a step has looked up; the"
              + " others neither decay nor move. Not with --accumulate and --ema. May be repeated."
              + " Default: none.")
  private List<String> lazyRows = List.of();

  @Option(
      names = "--kernel",
      paramLabel = "NAME",
      description =
          "What carries out the update: auto, graph, native or xla; auto takes native operations"
              + " where it can. Default: auto.")
  private String kernel;

  @Option(
      names = "--group",
      paramLabel = "'GLOB[, GLOB]...: KEY=VALUE[, KEY=VALUE]...'",
      description = {
        "Other settings for variables whose names match; the first group that matches counts. Keys:"
            + " learning-rate, learning-rate-multiplier, weight-decay, clip, or the word frozen. For"
            + " example --group 'bias, gamma, beta: weight-decay=0'. May be repeated."
      })
  private List<String> groups = List.of();

  @Option(
      names = "--set",
      paramLabel = "OPTION=VALUE",
      description =
          "An option of the optimizer; for fadam: beta1, beta2, epsilon, epsilon-rule, clip,"
              + " weight-decay, exponent; for fadafactor also momentum and"
              + " min-dimension-to-factor; for all: centralize, clip-by-value, clip-by-norm,"
              + " squares, master-weights. May be repeated.")
  private Map<String, String> settings = Map.of();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /**
   * Makes the optimizer on a graph.
   *
   * @param steps number of steps that the run will have
   */
  Function<Graph, RuleOptimizer> factory(long steps) {
    Function<Graph, RuleOptimizerBuilder<?>> named = Optimizers.named(optimizer);
    return graph -> configure(named.apply(graph), steps).build();
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    if (learningRate != null && !(learningRate > 0 && Double.isFinite(learningRate))) {
      throw usage("Expected a --learning-rate above 0, found " + learningRate + "; try 0.001.");
    }
    for (String option : ofTheirOwn().keySet()) {
      if (settings.containsKey(option)) {
        throw usage(
            "Expected "
                + option
                + " once, found it in --set and as an option of its own; leave one of them out.");
      }
    }
    try (Graph graph = new Graph()) {
      configure(Optimizers.named(optimizer).apply(graph), ANY_STEPS).build();
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  /** Refuses what no compiled step can have, whatever the model. */
  void requireCompilable() {
    Map<String, String> options;
    try (Graph graph = new Graph()) {
      options = configure(Optimizers.named(optimizer).apply(graph), ANY_STEPS).build().settings();
    }
    if (options.get("kernel").equals(Kernel.NATIVE.key())) {
      throw usage(
          "Expected a kernel that XLA can compile with --xla step, found --kernel native; leave out"
              + " one of them.");
    }
    if (!options.get("lazy-rows").equals("none")) {
      throw usage(
          "Expected steps of fixed shapes with --xla step, found --lazy-rows, of which every batch"
              + " has another number; leave out one of them.");
    }
  }

  /** Number of batches that a step takes. */
  int microSteps() {
    try (Graph graph = new Graph()) {
      return configure(Optimizers.named(optimizer).apply(graph), ANY_STEPS).build().microSteps();
    }
  }

  String name() {
    return optimizer;
  }

  /** What a report says of these options. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("optimizer", optimizer);
    report.put("learningRate", learningRate());
    report.put("schedule", schedule);
    report.put("clipNorm", clipNorm);
    report.put("accumulate", accumulate);
    report.put("guard", guard);
    report.put("lossScale", lossScale);
    report.put("ema", ema);
    report.put("lazyRows", lazyRows);
    report.put("kernel", kernel == null ? Kernel.AUTO.key() : kernel);
    report.put("groups", groups);
    report.put("set", settings);
    return report;
  }

  private RuleOptimizerBuilder<?> configure(RuleOptimizerBuilder<?> builder, long steps) {
    if (schedule != null) {
      builder.learningRate(Schedules.parse(schedule, learningRate(), steps));
    } else {
      builder.learningRate(learningRate());
    }
    ofTheirOwn().forEach(builder::set);
    groups.forEach(group -> ParameterGroup.parse(group).forEach(builder::group));
    settings.forEach(builder::set);
    return builder;
  }

  /** Options of the optimizer that the command line has an option for, where they were given. */
  private Map<String, String> ofTheirOwn() {
    Map<String, String> given = new LinkedHashMap<>();
    put(given, "clip-by-global-norm", clipNorm);
    put(given, "accumulate", accumulate);
    put(given, "guard", guard);
    put(given, "loss-scale", lossScale);
    put(given, "ema", ema);
    put(given, "kernel", kernel);
    put(given, "lazy-rows", lazyRows.isEmpty() ? null : String.join(", ", lazyRows));
    return given;
  }

  private static void put(Map<String, String> given, String option, Object value) {
    if (value != null) {
      given.put(option, value.toString());
    }
  }

  private double learningRate() {
    return learningRate == null ? RuleOptimizerBuilder.DEFAULT_LEARNING_RATE : learningRate;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
