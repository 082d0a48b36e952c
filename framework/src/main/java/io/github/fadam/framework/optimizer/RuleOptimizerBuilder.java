package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.framework.schedule.Schedules;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.tensorflow.Graph;
import org.tensorflow.op.Scope;

/**
 * The options that all optimizers of this library share.
 *
 * <p>Every option can also be set by its name in kebab case, see {@link #set}: that is how the
 * command line and checkpoints speak of them.
 *
 * @param <B> the concrete builder, which every setter returns
 */
public abstract non-sealed class RuleOptimizerBuilder<B extends RuleOptimizerBuilder<B>>
    extends StepBuilder<B> {

  /** Learning rate where none is given, as in the framework's Adam. */
  public static final double DEFAULT_LEARNING_RATE = 1e-3;

  private static final String NO_CLIP = "none";

  private final Graph graph;
  private final Map<Hyper, Schedule> schedules = new EnumMap<>(Hyper.class);
  private String name;

  /**
   * Starts with the learning rate {@link #DEFAULT_LEARNING_RATE}.
   *
   * @param graph the graph to train in
   * @param name the optimizer's default name
   */
  protected RuleOptimizerBuilder(Graph graph, String name) {
    this.graph = graph;
    this.name = name;
    hyper(Hyper.LEARNING_RATE, DEFAULT_LEARNING_RATE);
  }

  /**
   * Builds the optimizer.
   *
   * @return a new optimizer on the builder's graph
   */
  public abstract RuleOptimizer build();

  /**
   * Sets the learning rate. Default: 0.001.
   *
   * @param learningRate at least 0 and finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B learningRate(double learningRate) {
    return hyper(Hyper.LEARNING_RATE, learningRate);
  }

  /**
   * Sets a schedule for the learning rate.
   *
   * @param schedule the learning rate as a function of the completed steps
   * @return this builder
   * @throws IllegalArgumentException if the schedule is a constant out of bounds
   */
  public B learningRate(Schedule schedule) {
    return hyper(Hyper.LEARNING_RATE, schedule);
  }

  /**
   * Sets the optimizer's name, the prefix of its operations. Default: the name of its class.
   *
   * @param name letters, digits, {@code . _ -}, beginning with a letter, a digit or a dot
   * @return this builder
   * @throws IllegalArgumentException if TensorFlow does not take it as a name
   */
  public B name(String name) {
    if (!Scope.isValidOpName(name)) {
      throw new IllegalArgumentException(
          "Expected a name of letters, digits, '.', '_' and '-', found \"" + name + "\"");
    }
    this.name = name;
    return self();
  }

  /**
   * Sets a hyper-parameter that the rule reads and offers it as an option.
   *
   * @param hyper which one
   * @param value the same value at every step; only the clip may be infinite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  protected final B hyper(Hyper hyper, double value) {
    return hyper(hyper, Schedules.constant(Requirements.hyper(hyper, value)));
  }

  /**
   * Sets a schedule for a hyper-parameter that the rule reads and offers it as an option.
   *
   * @param hyper which one
   * @param schedule its value as a function of the completed steps
   * @return this builder
   * @throws IllegalArgumentException if the schedule is a constant out of bounds
   */
  protected final B hyper(Hyper hyper, Schedule schedule) {
    OptionalDouble constant = schedule.constant();
    if (constant.isPresent()) {
      Requirements.hyper(hyper, constant.getAsDouble());
    }
    schedules.put(hyper, schedule);
    option(
        hyper.key(),
        text -> hyper(hyper, parse(hyper, text)),
        () -> show(hyper, schedules.get(hyper)));
    return self();
  }

  private static String show(Hyper hyper, Schedule schedule) {
    return hyper == Hyper.CLIP && schedule.constant().orElse(0) == Double.POSITIVE_INFINITY
        ? NO_CLIP
        : schedule.toString();
  }

  private static double parse(Hyper hyper, String text) {
    return hyper == Hyper.CLIP && text.equals(NO_CLIP)
        ? Double.POSITIVE_INFINITY
        : Double.parseDouble(text);
  }

  Graph graph() {
    return graph;
  }

  @Override
  String name() {
    return name;
  }

  Map<Hyper, Schedule> schedules() {
    return new EnumMap<>(schedules);
  }
}
