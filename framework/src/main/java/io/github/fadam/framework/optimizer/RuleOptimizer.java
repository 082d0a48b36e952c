package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.gradient.GradientResult;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * What all optimizers of this library share: everything around a {@link Rule}.
 *
 * <p>It is an {@link Optimizer} of tensorflow-framework and used like one, and does more: it trains
 * resource variables ({@code VarHandleOp}) as well as reference variables ({@code VariableV2}), in
 * one graph too; it skips what the loss does not reach and says so; two optimizers may live in one
 * graph; one step has one order, whatever the number of threads.
 *
 * <p><b>One step.</b> All gradients are computed first; then every update is computed from the
 * values before the step, and a variable and its slots are assigned when all their new values are
 * there; the step counter comes last. What the builder's options add acts in this order: the loss
 * is multiplied with the loss scale; gradients are divided by it, tested by the guard, averaged
 * over micro-steps, centralised, clipped by value, by norm and by global norm; the rule; the
 * weights' average. A step that is skipped or not complete yet assigns all old values.
 *
 * <p><b>State.</b> Slots, the step counter and the learning rate's multiplier are variables of the
 * graph, of the kind of the variable they belong to, and are initialised with all others: by the
 * first run of a {@code new Session(graph)}, by {@code Session.initialize()} or {@code
 * forceInitialize()}. {@code Session.save} and {@code restore} keep those of reference variables,
 * if the step was built before the first save; TensorFlow-Java's saver leaves out every resource
 * variable, about which {@link #minimize(Operand) minimize} warns.
 *
 * <p>16-bit variables are updated in float32: their slots are float32, and by default a slot {@code
 * master} keeps the value in float32, because steps of 1e-3 are lost in a bfloat16 of 1. Where the
 * variable was assigned from outside, the assigned value counts.
 *
 * <p>An instance builds one step. It is not safe for use by several threads, as the framework's
 * optimizers are not; the step it builds may be run from any thread.
 */
public abstract class RuleOptimizer extends Optimizer {

  /** What {@link #stateBytesByGroup()} calls the variables that no parameter group fits. */
  public static final String NO_GROUP = "no group";

  private static final System.Logger LOG = System.getLogger(RuleOptimizer.class.getName());

  private final String name;
  private final Rule rule;
  private final Map<Hyper, Schedule> schedules;
  private final StepOptions options;
  private final Map<String, String> settings;
  private final Optional<Function<TrainableVariable, String>> ownNames;
  private Grouping grouping;
  private boolean grouped;
  private final Map<TrainableVariable, Operand<TInt64>> rows = new HashMap<>();
  private LossScaling scaling;
  private Ops scope;
  private OptimizerStep step;

  /**
   * Takes what a builder has collected.
   *
   * @param builder the builder; later changes to it have no effect
   * @param rule the update
   */
  protected RuleOptimizer(RuleOptimizerBuilder<?> builder, Rule rule) {
    super(builder.graph(), builder.name());
    this.name = builder.name();
    this.rule = rule;
    this.schedules = builder.schedules();
    this.options = builder.stepOptions();
    this.settings = builder.settings();
    this.ownNames = builder.names();
    this.grouping = new Grouping(builder.groups(), ownNames.orElse(TrainableVariable::name));
    for (ParameterGroup group : grouping.groups()) {
      for (Hyper hyper : group.schedules().keySet()) {
        if (!schedules.containsKey(hyper)) {
          throw new IllegalArgumentException(
              name
                  + " has no option "
                  + hyper.key()
                  + ", which parameter group '"
                  + group
                  + "' sets; remove it from the group.");
        }
      }
    }
  }

  /**
   * Says by which names parameter groups know the variables, unless the builder was given names.
   *
   * @param names from a variable to its name
   * @throws IllegalStateException if the step has been built or gradients have been computed
   */
  public void useNames(Function<TrainableVariable, String> names) {
    requireNotBuilt();
    if (grouped) {
      throw new IllegalStateException(
          name + " has assigned variables to groups already; set names before computeGradients.");
    }
    grouping = new Grouping(grouping.groups(), ownNames.orElse(names));
  }

  /** {@inheritDoc} */
  @Override
  public String getOptimizerName() {
    return name;
  }

  /**
   * All options with their values, as reports and checkpoints record them.
   *
   * @return option name in kebab case to value, in a fixed order
   */
  public Map<String, String> settings() {
    return settings;
  }

  /**
   * Builds one step over all floating point variables that the loss reaches. A variable that it
   * does not reach is skipped with a warning.
   *
   * @param loss what to minimize, floating point; anything but a scalar is summed
   * @param name name of the returned operation
   * @return the operation to run for one step
   * @throws IllegalArgumentException if the loss is of another graph, it reaches no variable at
   *     all, a variable that it reaches has no fully known shape, or something on the way has no
   *     gradient that is right
   * @throws IllegalStateException if this optimizer has built its step already
   */
  @Override
  public Op minimize(Operand<?> loss, String name) {
    return build(loss, parameters(), name);
  }

  /**
   * Builds one step over the given variables.
   *
   * @param loss what to minimize, floating point; anything but a scalar is summed
   * @param variables outputs of {@code VariableV2} or {@code VarHandleOp} operations; one that the
   *     loss does not reach is skipped with a warning
   * @return the operation to run for one step
   * @throws IllegalArgumentException if the loss reaches none of the variables, or something on the
   *     way has no gradient that is right
   * @throws IllegalStateException if this optimizer has built its step already
   */
  public Op minimize(Operand<?> loss, List<? extends Operand<?>> variables) {
    return build(loss, views(variables), name + "-minimize");
  }

  /**
   * Builds one step over the variables whose names match.
   *
   * @param loss what to minimize, floating point; anything but a scalar is summed
   * @param patterns name patterns, see {@link NamePattern}; a variable that matches any is trained
   * @return the operation to run for one step
   * @throws IllegalArgumentException if a pattern matches no variable, or as {@link
   *     #minimize(Operand, List)} says
   * @throws IllegalStateException if this optimizer has built its step already
   */
  public Op minimizeMatching(Operand<?> loss, String... patterns) {
    return build(
        loss,
        NamePattern.select(parameters(), TrainableVariable::name, List.of(patterns)),
        name + "-minimize");
  }

  private Op build(Operand<?> loss, List<TrainableVariable> variables, String name) {
    List<GradAndVar<?>> pairs = differentiate(loss, variables);
    warnAboutSaver(variables);
    return apply(pairs, List.of(loss), name, false);
  }

  /**
   * Differentiates the loss by all floating point variables of the graph that it reaches, those of
   * both kinds and no optimizer's state.
   *
   * @param loss what to minimize
   * @param <T> unused, as in the overridden method
   * @return gradient and variable pairs; the variable of a pair is the resource's handle for
   *     resource variables, the gradient of a variable with lazy rows is that by the rows which the
   *     loss looks up
   * @throws IllegalArgumentException if the loss reaches no variable at all, or something on the
   *     way has no gradient that is right
   */
  @Override
  public <T extends TType> List<GradAndVar<?>> computeGradients(Operand<?> loss) {
    return differentiate(loss, parameters());
  }

  /**
   * Differentiates the loss by the given variables.
   *
   * @param loss what to minimize
   * @param variables outputs of {@code VariableV2} or {@code VarHandleOp} operations; one that the
   *     loss does not reach is left out with a warning
   * @return pairs for {@link #applyGradients}
   * @throws IllegalArgumentException if the loss reaches none of the variables, or something on the
   *     way has no gradient that is right
   */
  public List<GradAndVar<?>> computeGradients(
      Operand<?> loss, List<? extends Operand<?>> variables) {
    return differentiate(loss, views(variables));
  }

  private static List<TrainableVariable> views(List<? extends Operand<?>> variables) {
    List<TrainableVariable> views = new ArrayList<>();
    variables.forEach(variable -> views.add(TrainableVariable.of(variable.asOutput())));
    return views;
  }

  private List<GradAndVar<?>> differentiate(Operand<?> loss, List<TrainableVariable> variables) {
    requireNotBuilt();
    GradientPairs.requireTrainable(name, graph, loss, variables);
    group(variables);
    List<TrainableVariable> trained =
        variables.stream().filter(variable -> !grouping.isFrozen(variable)).toList();
    Set<TrainableVariable> byRows = LazyRows.of(name, rule, options, grouping, trained);
    GradientResult result = Gradients.of(scaled(loss, trained), trained, byRows);
    if (result.unreached().size() == trained.size()) {
      throw new IllegalArgumentException(
          name
              + " expected a loss that depends on at least one variable, but "
              + loss.asOutput().name()
              + " reaches none of "
              + names(variables)
              + "; check that the loss is computed from the model's output and that the variables"
              + " are not behind a stop gradient.");
    }
    if (!result.unreached().isEmpty()) {
      LOG.log(
          Level.WARNING,
          "{0} does not train {1}: the loss {2} does not depend on it",
          name,
          names(result.unreached()),
          loss.asOutput().name());
    }
    List<GradAndVar<?>> pairs = new ArrayList<>();
    for (TrainableVariable variable : trained) {
      Optional.ofNullable(result.gradients().get(variable))
          .ifPresent(gradient -> pairs.add(pair(gradient, variable)));
      Optional.ofNullable(result.rows().get(variable))
          .ifPresent(
              gradient -> {
                rows.put(variable, gradient.indices());
                pairs.add(pair(gradient.values(), variable));
              });
    }
    return pairs;
  }

  /**
   * Builds one step from gradients.
   *
   * @param gradsAndVars pairs as {@link #computeGradients(Operand)} returns them, changed as you
   *     like
   * @param name name of the returned operation
   * @return the operation to run for one step
   * @throws IllegalArgumentException if there is no pair, a variable appears twice, or a gradient's
   *     dtype or shape is not its variable's
   * @throws IllegalStateException if this optimizer has built its step already
   */
  @Override
  public Op applyGradients(List<GradAndVar<? extends TType>> gradsAndVars, String name) {
    requireNotBuilt();
    return apply(gradsAndVars, List.of(), name, true);
  }

  private void group(Collection<TrainableVariable> variables) {
    if (!grouped) {
      grouping.check(name, variables);
      grouped = true;
    }
  }

  private Operand<?> scaled(Operand<?> loss, List<TrainableVariable> variables) {
    if (options.lossScale().isEmpty()) {
      return loss;
    }
    if (scaling == null) {
      Set<GraphOperation> below = graph.subgraphTo(Set.of(loss));
      List<TrainableVariable> reached =
          variables.stream().filter(v -> below.contains(v.handle().op())).toList();
      scaling = lossScaling(reached);
    }
    return scaling.scaled(scope(), loss);
  }

  private LossScaling lossScaling(List<TrainableVariable> variables) {
    return LossScaling.create(
        scope(), options.lossScale().orElseThrow(), OptimizerStep.stateKind(variables));
  }

  private Ops scope() {
    if (scope == null) {
      scope = Ops.create(graph).withSubScope(name);
    }
    return scope;
  }

  private Op apply(
      List<? extends GradAndVar<?>> pairs, List<Op> before, String name, boolean foreign) {
    Map<TrainableVariable, Output<?>> gradients = GradientPairs.checked(this.name, pairs);
    group(gradients.keySet());
    gradients.keySet().removeIf(grouping::isFrozen);
    if (!options.lazyRows().isEmpty() && rows.isEmpty()) {
      throw new IllegalStateException(
          this.name
              + " expected gradients from its own computeGradients, which finds the rows that the"
              + " loss looks up; call it before applyGradients, or set no lazy rows.");
    }
    if (options.lossScale().isPresent() && scaling == null) {
      throw new IllegalStateException(
          this.name
              + " expected gradients from its own computeGradients, which multiplies the loss with"
              + " the loss scale; call it before applyGradients, or set no loss scale.");
    }
    List<Op> computed = new ArrayList<>(before);
    gradients.values().forEach(computed::add);
    computed.addAll(rows.values());
    step =
        new OptimizerStep(
            scope(),
            this.name,
            rule,
            schedules,
            options,
            grouping,
            Optional.ofNullable(scaling),
            List.copyOf(gradients.keySet()),
            rows);
    return finish(step.add(scope(), gradients, computed, foreign), name);
  }

  /**
   * The learning rate of the step that runs next: the schedule's value times the multiplier. It can
   * be fetched alone, without feeding a batch; fetched together with the step it is the rate that
   * the step used.
   *
   * @return a float64 scalar
   * @throws IllegalStateException if the step has not been built
   */
  public Operand<TFloat64> learningRate() {
    return built().learningRate();
  }

  /**
   * A hyper-parameter's current value for a variable, that of its parameter group.
   *
   * @param variable output of the variable's operation
   * @param hyper which hyper-parameter
   * @return a float64 scalar; empty if the step does not train the variable or the rule has no such
   *     hyper-parameter
   * @throws IllegalStateException if the step has not been built
   */
  public Optional<Operand<TFloat64>> hyper(Operand<?> variable, Hyper hyper) {
    return built().hyper(TrainableVariable.of(variable.asOutput()), hyper);
  }

  /**
   * How often the operation has to be run for one step.
   *
   * @return the number of micro-steps, 1 without accumulation
   */
  public int microSteps() {
    return options.microSteps();
  }

  /**
   * The steps that the guard has skipped.
   *
   * @return what reads their number; empty if gradients are not tested
   * @throws IllegalStateException if the step has not been built
   */
  public Optional<SkippedSteps> skippedSteps() {
    OptionalLong limit = options.guard().map(Guard::limit).orElse(OptionalLong.empty());
    return built().guard().map(guard -> new SkippedSteps(name, guard, limit));
  }

  /**
   * Fails where the guard was told to give up; to be called after every step, or now and then. It
   * runs nothing unless there is a guard with a limit.
   *
   * @param session an initialised session of the optimizer's graph
   * @throws io.github.fadam.framework.gradient.NonFiniteGradientsException if as many steps in a
   *     row have been skipped as the guard fails after
   * @throws IllegalStateException if the step has not been built
   */
  public void checkGuard(Session session) {
    skippedSteps().ifPresent(skipped -> skipped.check(session));
  }

  /**
   * The factor that the next step multiplies the loss with.
   *
   * @return a float64 scalar; empty without loss scaling
   * @throws IllegalStateException if the step has not been built
   */
  public Optional<Operand<TFloat64>> lossScale() {
    return built().scaling().map(LossScaling::value);
  }

  /**
   * Puts the weights' averages in the variables' place, for evaluation and export, or the variables
   * back. While the averages are there no step can be made: it fails. Back and forth changes no
   * bit, except in the averages of 16-bit variables without master weights.
   *
   * @param session an initialised session of the optimizer's graph
   * @return true if the averages are in the variables' place now
   * @throws IllegalStateException if the optimizer keeps no average, no step has been made, or the
   *     step has not been built
   */
  public boolean swapWeights(Session session) {
    WeightAverage average =
        built()
            .average()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        name + " keeps no average of the weights; set ema on its builder."));
    return built().swapWeights(session, average);
  }

  /**
   * Sets the factor on the learning rate, 1 at first. It stays until it is set again.
   *
   * @param session an initialised session of the optimizer's graph
   * @param multiplier 0 or more, finite
   * @throws IllegalArgumentException if the multiplier is negative or not finite
   * @throws IllegalStateException if the step has not been built
   */
  public void setLearningRateMultiplier(Session session, double multiplier) {
    Requirements.notNegative("learning rate multiplier", multiplier);
    built().clock().setMultiplier(session, multiplier);
  }

  /**
   * The step counter: an int64 scalar variable, the number of completed steps.
   *
   * @return the variable
   * @throws IllegalStateException if the step has not been built
   */
  public TrainableVariable step() {
    return built().clock().variable();
  }

  /**
   * All state of this optimizer, in a fixed order.
   *
   * @return state name to variable: {@code step}, {@code learning-rate-multiplier}; where they are
   *     used, {@code micro-step}, {@code skipped}, {@code skipped-in-a-row}, {@code loss-scale},
   *     {@code loss-scale-good-steps} and {@code ema-swapped}; and {@code VARIABLE/SLOT} for every
   *     slot, {@code master}, {@code ema}, {@code accumulated} and {@code accumulated-squares}
   *     among them
   * @throws IllegalStateException if the step has not been built
   */
  public Map<String, TrainableVariable> state() {
    return built().state();
  }

  /**
   * Memory that the rule's state takes: the sum of all slots' elements times the size of their
   * type. Not counted are float32 master copies of 16-bit variables, see {@link #masterBytes()},
   * and the two scalars of the optimizer itself.
   *
   * @return bytes
   * @throws IllegalStateException if the step has not been built
   */
  public long stateBytes() {
    return built().stateBytes();
  }

  /**
   * Memory that the rule's state takes, see {@link #stateBytes()}, by parameter group.
   *
   * @return the text of each group, in the order in which they were given, to bytes, 0 for a frozen
   *     group; last {@link #NO_GROUP}, if variables of no group are trained
   * @throws IllegalStateException if the step has not been built
   */
  public Map<String, Long> stateBytesByGroup() {
    return built().stateBytesByGroup();
  }

  /**
   * Memory that the float32 master copies of 16-bit variables take.
   *
   * @return bytes, 0 without 16-bit variables or with {@code masterWeights(false)}
   * @throws IllegalStateException if the step has not been built
   */
  public long masterBytes() {
    return built().masterBytes();
  }

  /**
   * A slot of a variable of either kind.
   *
   * @param variable output of the variable's operation
   * @param slotName name of the slot, for example {@code f} or {@code m}
   * @return the slot's variable, or empty if there is none
   */
  public Optional<TrainableVariable> slot(Operand<?> variable, String slotName) {
    return Optional.ofNullable(step)
        .map(built -> built.slots(TrainableVariable.of(variable.asOutput())).get(slotName));
  }

  /**
   * A slot of a reference variable; {@link #slot} reads those of both kinds.
   *
   * @param variable the variable
   * @param slotName name of the slot
   * @param <T> the variable's type
   * @return the slot, or empty if there is none, it is a resource, or of another type than the
   *     variable: a 16-bit variable's slots are float32
   */
  @Override
  public <T extends TType> Optional<Variable<T>> getSlot(Output<T> variable, String slotName) {
    return slot(variable, slotName)
        .filter(slot -> slot.kind() == TrainableVariable.Kind.REFERENCE)
        .filter(slot -> slot.type() == variable.type())
        .map(slot -> new Variable<>(slot.handle().op()));
  }

  /**
   * Not used: {@link #applyGradients} orders the whole step.
   *
   * @param tf unused
   * @param gradient unused
   * @param variable unused
   * @param <T> unused
   * @return never
   */
  @Override
  protected final <T extends TType> Op applyDense(Ops tf, Output<T> gradient, Output<T> variable) {
    throw new UnsupportedOperationException(
        "applyDense cannot order a step; call applyGradients with all pairs.");
  }

  private List<TrainableVariable> parameters() {
    return Variables.all(graph).stream()
        .filter(variable -> !OptimizerState.contains(variable))
        .toList();
  }

  private void warnAboutSaver(List<TrainableVariable> variables) {
    if (variables.stream().anyMatch(v -> v.kind() == TrainableVariable.Kind.RESOURCE)) {
      LOG.log(
          Level.WARNING,
          "Session.save writes no resource variables: {0} and its state would be lost",
          names(variables));
    } else if (graph.operation("save/restore_all") != null) {
      LOG.log(
          Level.WARNING,
          "Session.save was used before {0} was built: its checkpoints will hold no state of it;"
              + " build the step before the first save",
          name);
    }
  }

  private void requireNotBuilt() {
    if (step != null) {
      throw new IllegalStateException(
          name + " has built its step already; make a second optimizer for a second step.");
    }
  }

  private OptimizerStep built() {
    if (step == null) {
      throw new IllegalStateException(
          name + " has not built its step; call minimize or applyGradients first.");
    }
    return step;
  }

  @SuppressWarnings("unchecked") // the framework types the pair by the variable's value
  private static GradAndVar<?> pair(Output<?> gradient, TrainableVariable variable) {
    return new GradAndVar<>((Output<TNumber>) gradient, (Output<TNumber>) variable.handle());
  }

  private static String names(List<TrainableVariable> variables) {
    return variables.stream().map(TrainableVariable::name).collect(Collectors.joining(", "));
  }
}
