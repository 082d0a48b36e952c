package io.github.fadam.framework.group;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Variables that are trained with hyper-parameters of their own, or not at all.
 *
 * <pre>{@code
 * ParameterGroup.matching("bias", "gamma", "beta").weightDecay(0)
 * ParameterGroup.matching("encoder/*").learningRateMultiplier(0.1)
 * ParameterGroup.matching("embeddings").frozen()
 * }</pre>
 *
 * <p>A variable belongs to the first of the optimizer's groups that it fits, and to none if it fits
 * none. What a group does not set is as the optimizer has it. A group is immutable: every setter
 * returns a new one.
 */
public final class ParameterGroup {

  private static final String NO_DECAY = "no-decay-on-biases-norms-and-embeddings";
  private static final Pattern EMBEDDING = Pattern.compile("embedding", Pattern.CASE_INSENSITIVE);

  private final String description;
  private final List<NamePattern> patterns;
  private final BiPredicate<String, TrainableVariable> test;
  private final boolean mayBeEmpty;
  private final Map<Hyper, Schedule> schedules;
  private final double multiplier;
  private final boolean frozen;

  private ParameterGroup(
      String description,
      List<NamePattern> patterns,
      BiPredicate<String, TrainableVariable> test,
      boolean mayBeEmpty,
      Map<Hyper, Schedule> schedules,
      double multiplier,
      boolean frozen) {
    this.description = description;
    this.patterns = patterns;
    this.test = test;
    this.mayBeEmpty = mayBeEmpty;
    this.schedules = schedules;
    this.multiplier = multiplier;
    this.frozen = frozen;
  }

  private static ParameterGroup of(
      String description,
      List<NamePattern> patterns,
      BiPredicate<String, TrainableVariable> test,
      boolean mayBeEmpty) {
    return new ParameterGroup(
        description, patterns, test, mayBeEmpty, new EnumMap<>(Hyper.class), 1, false);
  }

  /**
   * Variables whose names match.
   *
   * @param globs name patterns, see {@link NamePattern}, at least one; a variable that matches any
   *     belongs to the group. One that matches no variable is an error when the step is built
   * @return the group
   * @throws IllegalArgumentException if there is no pattern or one is blank
   */
  public static ParameterGroup matching(String... globs) {
    if (globs.length == 0) {
      throw new IllegalArgumentException(
          "Expected at least one name pattern for a parameter group, found none.");
    }
    List<NamePattern> patterns = List.of(globs).stream().map(NamePattern::of).toList();
    return of(
        String.join(", ", globs),
        patterns,
        (name, variable) -> patterns.stream().anyMatch(pattern -> pattern.matches(name)),
        false);
  }

  /**
   * Variables that fulfil a condition.
   *
   * @param description the condition in words, for messages and reports
   * @param condition says which variables belong to the group; none at all is an error when the
   *     step is built
   * @return the group
   */
  public static ParameterGroup where(
      String description, Predicate<? super TrainableVariable> condition) {
    return of(description, List.of(), (name, variable) -> condition.test(variable), false);
  }

  /**
   * No weight decay on scalars and vectors, which is what biases and the scales and offsets of
   * normalisations are, and on variables with {@code embedding} in their names, case ignored. A
   * model may have none of them.
   *
   * @return the group, with weight decay 0
   */
  public static ParameterGroup noDecayOnBiasesNormsAndEmbeddings() {
    return of(
            NO_DECAY,
            List.of(),
            (name, variable) ->
                variable.shape().numDimensions() < 2 || EMBEDDING.matcher(name).find(),
            true)
        .weightDecay(0);
  }

  /**
   * Reads groups from text, as the option {@code groups} and the command line give them.
   *
   * @param text groups with {@code ;} between them, each {@code PATTERN, PATTERN: KEY=VALUE,
   *     KEY=VALUE}; keys are {@code learning-rate}, {@code learning-rate-multiplier}, {@code
   *     weight-decay}, {@code clip} ({@code none} for no clip) and, without a value, {@code
   *     frozen}. {@code no-decay-on-biases-norms-and-embeddings} in place of the patterns is the
   *     group of that name, which needs no keys
   * @return the groups in their order
   * @throws IllegalArgumentException if the text is of another form
   */
  public static List<ParameterGroup> parse(String text) {
    List<ParameterGroup> groups = new ArrayList<>();
    for (String part : text.split(";", -1)) {
      groups.add(GroupText.parse(part));
    }
    return groups;
  }

  static ParameterGroup named(String head) {
    if (head.equals(NO_DECAY)) {
      return noDecayOnBiasesNormsAndEmbeddings();
    }
    return matching(head.strip().split("\\s*,\\s*", -1));
  }

  /**
   * Sets the learning rate.
   *
   * @param learningRate at least 0 and finite
   * @return a group like this with the learning rate
   */
  public ParameterGroup learningRate(double learningRate) {
    return with(Hyper.LEARNING_RATE, Schedules.constant(learningRate));
  }

  /**
   * Sets a schedule for the learning rate.
   *
   * @param learningRate the learning rate as a function of the completed steps
   * @return a group like this with the schedule
   */
  public ParameterGroup learningRate(Schedule learningRate) {
    return with(Hyper.LEARNING_RATE, learningRate);
  }

  /**
   * Sets a factor on the learning rate, the group's own or the optimizer's. Default: 1.
   *
   * @param multiplier at least 0 and finite
   * @return a group like this with the factor
   * @throws IllegalArgumentException if it is out of bounds
   */
  public ParameterGroup learningRateMultiplier(double multiplier) {
    if (!(multiplier >= 0 && multiplier < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Expected learning-rate-multiplier at least 0 and finite, found " + multiplier);
    }
    return new ParameterGroup(
        description, patterns, test, mayBeEmpty, schedules, multiplier, frozen);
  }

  /**
   * Sets the weight decay.
   *
   * @param weightDecay at least 0 and finite
   * @return a group like this with the weight decay
   */
  public ParameterGroup weightDecay(double weightDecay) {
    return with(Hyper.WEIGHT_DECAY, Schedules.constant(weightDecay));
  }

  /**
   * Sets a schedule for the weight decay.
   *
   * @param weightDecay the weight decay as a function of the completed steps
   * @return a group like this with the schedule
   */
  public ParameterGroup weightDecay(Schedule weightDecay) {
    return with(Hyper.WEIGHT_DECAY, weightDecay);
  }

  /**
   * Sets the threshold of the rule's RMS clip.
   *
   * @param clip above 0; infinity clips nothing
   * @return a group like this with the threshold
   */
  public ParameterGroup clip(double clip) {
    return with(Hyper.CLIP, Schedules.constant(clip));
  }

  /**
   * Sets a schedule for the threshold of the rule's RMS clip.
   *
   * @param clip the threshold as a function of the completed steps
   * @return a group like this with the schedule
   */
  public ParameterGroup clip(Schedule clip) {
    return with(Hyper.CLIP, clip);
  }

  /**
   * Leaves the variables out of the step: they keep every bit, no gradient is computed for them,
   * and they have no slots.
   *
   * @return a group like this that is not trained
   */
  public ParameterGroup frozen() {
    return new ParameterGroup(description, patterns, test, mayBeEmpty, schedules, multiplier, true);
  }

  private ParameterGroup with(Hyper hyper, Schedule schedule) {
    Map<Hyper, Schedule> changed = new EnumMap<>(schedules);
    changed.put(hyper, schedule);
    return new ParameterGroup(description, patterns, test, mayBeEmpty, changed, multiplier, frozen);
  }

  /**
   * Whether a variable fits the group.
   *
   * @param name the variable's name as users know it
   * @param variable the variable
   * @return whether it does; an earlier group may have it all the same
   */
  public boolean matches(String name, TrainableVariable variable) {
    return test.test(name, variable);
  }

  /**
   * Checks that the group means something.
   *
   * @param variables all variables by name
   * @throws IllegalArgumentException if one of the patterns, or the condition, fits no variable
   */
  public void requireMatches(Map<String, TrainableVariable> variables) {
    List<String> names = List.copyOf(variables.keySet());
    for (NamePattern pattern : patterns) {
      if (names.stream().noneMatch(pattern::matches)) {
        throw NamePattern.noMatch(pattern, names);
      }
    }
    if (!mayBeEmpty
        && variables.entrySet().stream().noneMatch(v -> matches(v.getKey(), v.getValue()))) {
      throw new IllegalArgumentException(
          "The condition of parameter group '"
              + description
              + "' holds for no variable; there are "
              + String.join(", ", names));
    }
  }

  /**
   * Whether it is no error that no variable is in the group.
   *
   * @return true for the ready-made group
   */
  public boolean mayBeEmpty() {
    return mayBeEmpty;
  }

  /**
   * The hyper-parameters that the group sets.
   *
   * @return a new map
   */
  public Map<Hyper, Schedule> schedules() {
    return new EnumMap<>(schedules);
  }

  /**
   * The factor on the learning rate.
   *
   * @return at least 0 and finite
   */
  public double multiplier() {
    return multiplier;
  }

  /**
   * Whether the group's variables are left out of the step.
   *
   * @return true after {@link #frozen()}
   */
  public boolean isFrozen() {
    return frozen;
  }

  /**
   * The group as {@link #parse} reads it, if it is made of patterns and numbers.
   *
   * @return the text
   */
  @Override
  public String toString() {
    List<String> keys = new ArrayList<>();
    schedules.forEach((hyper, schedule) -> keys.add(hyper.key() + "=" + show(hyper, schedule)));
    if (multiplier != 1) {
      keys.add("learning-rate-multiplier=" + multiplier);
    }
    if (frozen) {
      keys.add("frozen");
    }
    return description + ": " + keys.stream().collect(Collectors.joining(", "));
  }

  private static String show(Hyper hyper, Schedule schedule) {
    return hyper == Hyper.CLIP && schedule.constant().orElse(0) == Double.POSITIVE_INFINITY
        ? "none"
        : schedule.toString();
  }
}
