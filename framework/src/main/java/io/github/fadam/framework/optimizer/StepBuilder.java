package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.GradientTransform;
import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The options of everything around a rule, all off at first. {@link RuleOptimizer} says in which
 * order they act.
 *
 * @param <B> the concrete builder, which every setter returns
 */
public abstract sealed class StepBuilder<B extends StepBuilder<B>> permits RuleOptimizerBuilder {

  private static final String NONE = "none";

  private final Map<String, Option> options = new LinkedHashMap<>();
  private final Map<String, Double> clips = new LinkedHashMap<>();
  private boolean masterWeights = true;
  private boolean centralize;
  private List<ParameterGroup> groups = new ArrayList<>();
  private Optional<Function<TrainableVariable, String>> names = Optional.empty();
  private Optional<Guard> guard = Optional.empty();
  private Optional<LossScale> lossScale = Optional.empty();
  private int microSteps = 1;
  private Squares squares = Squares.OF_THE_MEAN;
  private OptionalDouble ema = OptionalDouble.empty();
  private List<String> lazyRows = List.of();
  private Kernel kernel = Kernel.AUTO;

  private record Option(Consumer<String> setter, Supplier<String> getter) {}

  StepBuilder() {
    option(
        "master-weights",
        value -> masterWeights(Requirements.truth("master-weights", value)),
        () -> Boolean.toString(masterWeights));
    option(
        "centralize",
        value -> centralize(Requirements.truth("centralize", value)),
        () -> Boolean.toString(centralize));
    optionalNumber("clip-by-value", this::clipByValue, () -> clips.remove("clip-by-value"));
    optionalNumber("clip-by-norm", this::clipByNorm, () -> clips.remove("clip-by-norm"));
    optionalNumber(
        "clip-by-global-norm", this::clipByGlobalNorm, () -> clips.remove("clip-by-global-norm"));
    option(
        "groups",
        value -> groups = value.equals(NONE) ? new ArrayList<>() : checked(value),
        () ->
            groups.isEmpty()
                ? NONE
                : groups.stream().map(ParameterGroup::toString).collect(Collectors.joining("; ")));
    option(
        "guard",
        value -> guard = value.equals(NONE) ? Optional.empty() : Optional.of(Guard.parse(value)),
        () -> guard.map(Guard::toString).orElse(NONE));
    option(
        "loss-scale",
        value ->
            lossScale = value.equals(NONE) ? Optional.empty() : Optional.of(LossScale.parse(value)),
        () -> lossScale.map(LossScale::toString).orElse(NONE));
    option(
        "accumulate",
        value -> accumulate(Integer.parseInt(value)),
        () -> Integer.toString(microSteps));
    option("squares", value -> squares(Squares.of(value)), () -> squares.key());
    option(
        "ema",
        value -> {
          if (value.equals(NONE)) {
            ema = OptionalDouble.empty();
          } else {
            ema(Double.parseDouble(value));
          }
        },
        () -> ema.isPresent() ? Double.toString(ema.getAsDouble()) : NONE);
    option(
        "lazy-rows",
        value ->
            lazyRows(value.equals(NONE) ? new String[0] : value.strip().split("\\s*,\\s*", -1)),
        () -> lazyRows.isEmpty() ? NONE : String.join(", ", lazyRows));
    option("kernel", value -> kernel(Kernel.of(value)), () -> kernel.key());
  }

  private void optionalNumber(String option, DoubleConsumer setter, Runnable clear) {
    option(
        option,
        value -> {
          if (value.equals(NONE)) {
            clear.run();
          } else {
            setter.accept(Double.parseDouble(value));
          }
        },
        () -> clips.containsKey(option) ? clips.get(option).toString() : NONE);
  }

  /**
   * Says whether 16-bit variables get a master copy in float32. Default: they do.
   *
   * @param masterWeights false to save the memory and lose small steps
   * @return this builder
   */
  public B masterWeights(boolean masterWeights) {
    this.masterWeights = masterWeights;
    return self();
  }

  /**
   * Says whether the mean over all but the last dimension is subtracted from the gradients of
   * matrices and kernels. Default: it is not.
   *
   * @param centralize true to subtract it
   * @return this builder
   */
  public B centralize(boolean centralize) {
    this.centralize = centralize;
    return self();
  }

  /**
   * Clips every element of every gradient. Default: no clip.
   *
   * @param limit the largest absolute value, positive and finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B clipByValue(double limit) {
    return clip("clip-by-value", limit);
  }

  /**
   * Scales the gradient of each variable on its own down to a norm. Default: no clip.
   *
   * @param limit the largest Euclidean norm, positive and finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B clipByNorm(double limit) {
    return clip("clip-by-norm", limit);
  }

  /**
   * Scales all gradients of the step down together. Default: no clip.
   *
   * @param limit the largest Euclidean norm of all gradients taken as one vector, positive and
   *     finite
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B clipByGlobalNorm(double limit) {
    return clip("clip-by-global-norm", limit);
  }

  private B clip(String option, double limit) {
    clips.put(option, Requirements.positiveFinite(option, limit));
    return self();
  }

  /**
   * Adds a parameter group behind those that are there. A variable belongs to the first that it
   * fits.
   *
   * @param group the group
   * @return this builder
   * @throws IllegalArgumentException if one of its numbers is out of bounds
   */
  public B group(ParameterGroup group) {
    groups.add(checked(group));
    return self();
  }

  private static List<ParameterGroup> checked(String text) {
    List<ParameterGroup> parsed = new ArrayList<>(ParameterGroup.parse(text));
    parsed.forEach(StepBuilder::checked);
    return parsed;
  }

  private static ParameterGroup checked(ParameterGroup group) {
    group
        .schedules()
        .forEach(
            (hyper, schedule) ->
                schedule.constant().ifPresent(value -> Requirements.hyper(hyper, value)));
    return group;
  }

  /**
   * Sets the names by which parameter groups know the variables. Default: the names of their
   * operations; {@code FineTuner} sets the model's own names where none are set here.
   *
   * @param names from a variable to its name
   * @return this builder
   */
  public B names(Function<TrainableVariable, String> names) {
    this.names = Optional.of(names);
    return self();
  }

  /**
   * Skips steps with gradients that are not finite. Default: they are not tested.
   *
   * @param guard what to do
   * @return this builder
   */
  public B guard(Guard guard) {
    this.guard = Optional.of(guard);
    return self();
  }

  /**
   * Multiplies the loss with a factor before it is differentiated, and divides the gradients by it.
   * Default: no factor. One that is {@link LossScale#dynamic() dynamic} also tests the gradients as
   * a {@link #guard guard} does. {@code applyGradients} expects gradients from {@code
   * computeGradients} then.
   *
   * @param lossScale the factor
   * @return this builder
   */
  public B lossScale(LossScale lossScale) {
    this.lossScale = Optional.of(lossScale);
    return self();
  }

  /**
   * Averages the gradients of several micro-steps into one step: the operation is run once for each
   * micro-batch, and every k-th run updates. Default: 1, every run updates.
   *
   * @param microSteps k, at least 1
   * @return this builder
   * @throws IllegalArgumentException if it is below 1
   */
  public B accumulate(int microSteps) {
    if (microSteps < 1) {
      throw new IllegalArgumentException(
          "Expected accumulate at least 1 micro-step, found " + microSteps);
    }
    this.microSteps = microSteps;
    return self();
  }

  /**
   * Says which squares enter the Fisher information of an accumulated step. Default: that of the
   * mean.
   *
   * @param squares which
   * @return this builder
   */
  public B squares(Squares squares) {
    this.squares = squares;
    return self();
  }

  /**
   * Keeps an exponential moving average of the trained variables' values. Default: none.
   *
   * @param decay at least 0 and below 1; 0.999 is usual
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  public B ema(double decay) {
    this.ema = OptionalDouble.of(Requirements.decay("ema", decay));
    return self();
  }

  /**
   * Updates of some variables only the rows that the loss looked up, as embeddings of large
   * vocabularies need it: time does not grow with the table. All other rows keep every bit, and
   * their slots too: they neither decay nor move by old momentum. A row looked up several times
   * gets the sum of its gradients; t counts all steps; RMS clip and norms go over the rows of the
   * step. Default: all rows of all variables, as if nothing were sparse.
   *
   * @param patterns names of the variables, as parameter groups know them; the loss may only look
   *     up rows of them. None for none
   * @return this builder
   * @throws IllegalArgumentException if a pattern is blank
   */
  public B lazyRows(String... patterns) {
    List.of(patterns).forEach(NamePattern::of);
    lazyRows = List.of(patterns);
    return self();
  }

  /**
   * Says what carries out the update. Default: {@link Kernel#AUTO}.
   *
   * @param kernel which
   * @return this builder
   */
  public B kernel(Kernel kernel) {
    this.kernel = kernel;
    return self();
  }

  /**
   * Sets an option by its name.
   *
   * @param option name in kebab case, for example {@code weight-decay}
   * @param value the value as text
   * @return this builder
   * @throws IllegalArgumentException if there is no such option, with those there are, or the value
   *     does not fit it
   */
  public B set(String option, String value) {
    Option found = options.get(option);
    if (found == null) {
      throw new IllegalArgumentException(
          name() + " has no option " + option + "; it has " + String.join(", ", options.keySet()));
    }
    try {
      found.setter().accept(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "Expected a number for option " + option + " of " + name() + ", found " + value, e);
    }
    return self();
  }

  /**
   * Offers an option of the concrete optimizer by name.
   *
   * @param option name in kebab case
   * @param setter takes the value as text
   * @param getter gives the current value as text
   */
  protected final void option(String option, Consumer<String> setter, Supplier<String> getter) {
    options.put(option, new Option(setter, getter));
  }

  /**
   * This builder as its own type.
   *
   * @return this
   */
  protected abstract B self();

  abstract String name();

  Optional<Function<TrainableVariable, String>> names() {
    return names;
  }

  List<ParameterGroup> groups() {
    return List.copyOf(groups);
  }

  StepOptions stepOptions() {
    requireDenseWhereNeeded();
    List<GradientTransform> transforms = new ArrayList<>();
    if (centralize) {
      transforms.add(new GradientTransform.Centralize());
    }
    add(transforms, "clip-by-value", GradientTransform.ClipByValue::new);
    add(transforms, "clip-by-norm", GradientTransform.ClipByNorm::new);
    add(transforms, "clip-by-global-norm", GradientTransform.ClipByGlobalNorm::new);
    return new StepOptions(
        masterWeights, transforms, guard, lossScale, microSteps, squares, ema, lazyRows, kernel);
  }

  /** What works on every row of a variable at every step cannot leave rows alone. */
  private void requireDenseWhereNeeded() {
    if (lazyRows.isEmpty()) {
      return;
    }
    String other = microSteps > 1 ? "accumulate" : centralize ? "centralize" : "ema";
    if (microSteps > 1 || centralize || ema.isPresent()) {
      throw new IllegalArgumentException(
          "Expected lazy-rows without "
              + other
              + ", which changes every row at every step, found both; leave out one of them.");
    }
  }

  private void add(
      List<GradientTransform> transforms,
      String option,
      DoubleFunction<GradientTransform> transform) {
    Optional.ofNullable(clips.get(option))
        .ifPresent(limit -> transforms.add(transform.apply(limit)));
  }

  Map<String, String> settings() {
    Map<String, String> values = new LinkedHashMap<>();
    options.forEach((option, access) -> values.put(option, access.getter().get()));
    return Collections.unmodifiableMap(values);
  }
}
