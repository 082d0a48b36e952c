package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
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
 * variable and says nothing: {@link io.github.fadam.framework.checkpoint.Checkpoints} keeps those
 * of both kinds. Where a graph has been saved so already, {@link #minimize(Operand) minimize}
 * warns.
 *
 * <p>16-bit variables are updated in float32: their slots are float32, and by default a slot {@code
 * master} keeps the value in float32, because steps of 1e-3 are lost in a bfloat16 of 1. Where the
 * variable was assigned from outside, the assigned value counts.
 *
 * <p>An instance builds one step. It is not safe for use by several threads, as the framework's
 * optimizers are not; the step it builds may be run from any thread.
 */
public abstract non-sealed class RuleOptimizer extends StatefulOptimizer {

  private static final System.Logger LOG = System.getLogger(RuleOptimizer.class.getName());

  private final Rule rule;
  private final Map<Hyper, Schedule> schedules;
  private final Map<String, String> settings;
  private final Optional<Function<TrainableVariable, String>> ownNames;
  private final LossGradients gradients;

  /**
   * Takes what a builder has collected.
   *
   * @param builder the builder; later changes to it have no effect
   * @param rule the update
   */
  protected RuleOptimizer(RuleOptimizerBuilder<?> builder, Rule rule) {
    super(builder);
    this.rule = rule;
    this.schedules = builder.schedules();
    this.settings = builder.settings();
    this.ownNames = builder.names();
    Grouping grouping = new Grouping(builder.groups(), ownNames.orElse(TrainableVariable::name));
    grouping.requireOptions(builder.name(), schedules.keySet());
    gradients = new LossGradients(builder.name(), graph, rule, options(), grouping);
  }

  /**
   * Says by which names parameter groups know the variables, unless the builder was given names.
   *
   * @param names from a variable to its name
   * @throws IllegalStateException if the step has been built or gradients have been computed
   */
  public void useNames(Function<TrainableVariable, String> names) {
    requireNotBuilt();
    gradients.useNames(ownNames.orElse(names));
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
    return build(loss, views(variables), getOptimizerName() + "-minimize");
  }

  /**
   * Builds one step over the given variables.
   *
   * @param loss what to minimize, floating point; anything but a scalar is summed
   * @param variables outputs of {@code VariableV2} or {@code VarHandleOp} operations; one that the
   *     loss does not reach is skipped with a warning
   * @param alongside operations to run in every step before the update, such as those that assign a
   *     batch normalisation's averages
   * @return the operation to run for one step
   * @throws IllegalArgumentException if the loss reaches none of the variables, or something on the
   *     way has no gradient that is right
   * @throws IllegalStateException if this optimizer has built its step already
   */
  public Op minimize(
      Operand<?> loss, List<? extends Operand<?>> variables, List<? extends Operation> alongside) {
    return build(loss, views(variables), alongside, getOptimizerName() + "-minimize");
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
        getOptimizerName() + "-minimize");
  }

  private Op build(Operand<?> loss, List<TrainableVariable> variables, String name) {
    Op step = build(loss, variables, List.of(), name);
    warnAboutSaver(variables);
    return step;
  }

  private Op build(
      Operand<?> loss,
      List<TrainableVariable> variables,
      List<? extends Operation> alongside,
      String name) {
    requireNotBuilt();
    List<GradAndVar<?>> pairs =
        gradients.of(
            loss,
            variables,
            trained ->
                LazyRows.exact(rule, options(), schedules, gradients.grouping(), loss, trained));
    List<Operation> before = new ArrayList<>(alongside);
    before.add(loss.op());
    Op first = gradients.scope().withControlDependencyOps(before).withName("loss").noOp();
    return apply(pairs, List.of(first), name, false);
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
    return gradients.of(loss, variables, trained -> Set.of());
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

  private Op apply(
      List<? extends GradAndVar<?>> pairs, List<Op> before, String name, boolean foreign) {
    Map<TrainableVariable, Output<?>> received = gradients.checked(pairs);
    List<Op> computed = new ArrayList<>(before);
    computed.addAll(received.values());
    computed.addAll(gradients.rows().values());
    if (options().kernel() == Kernel.XLA) {
      StepCompiler.Built built = compiler().update(received, computed);
      built(built.state());
      return finish(List.of(built.call().done()), name);
    }
    OptimizerStep step =
        new OptimizerStep(
            getOptimizerName(), rule, schedules, options(), gradients, received.keySet());
    built(step);
    computed.addAll(step.checks());
    return finish(step.add(received, computed, foreign), name);
  }

  private StepCompiler compiler() {
    return new StepCompiler(getOptimizerName(), rule, schedules, options(), graph, gradients);
  }

  /**
   * Builds one step as one function that XLA compiles: what computes the loss from the inputs, the
   * gradients, and the update with all that stands around it. In the graph there will be one call,
   * and the optimizer's state.
   *
   * <p>The operations that compute the loss stay in the graph, for evaluation; the step does not
   * run them. What XLA cannot compile and needs no trained variable, looking up strings for
   * example, runs before the function. XLA compiles in the first run, and again for every other
   * combination of the inputs' shapes.
   *
   * @param loss what to minimize, floating point; anything but a scalar is summed
   * @param variables outputs of {@code VariableV2} or {@code VarHandleOp} operations; one that the
   *     loss does not reach is skipped with a warning
   * @param alongside operations to run in every step before the update, such as those that assign a
   *     batch normalisation's averages
   * @return the step, and the loss that it computes
   * @throws io.github.fadam.ops.xla.NotCompilableException if XLA cannot compile an operation of
   *     the step
   * @throws IllegalArgumentException if the loss reaches none of the variables, something on the
   *     way has no gradient that is right, or the optimizer has lazy rows
   * @throws IllegalStateException if this optimizer has built its step already
   */
  public CompiledStep minimizeCompiled(
      Operand<?> loss, List<? extends Operand<?>> variables, List<? extends Operation> alongside) {
    return minimizeCompiled(loss, variables, alongside, Optional.empty());
  }

  /**
   * Builds one step as one function that XLA compiles, for a device.
   *
   * @param loss as above
   * @param variables as above
   * @param alongside as above
   * @param device what it is compiled for and runs on; TensorFlow's choice if empty
   * @return the step, and the loss that it computes
   * @throws io.github.fadam.ops.xla.NotCompilableException as above
   * @throws IllegalArgumentException as above
   * @throws IllegalStateException as above
   */
  public CompiledStep minimizeCompiled(
      Operand<?> loss,
      List<? extends Operand<?>> variables,
      List<? extends Operation> alongside,
      Optional<DeviceSpec> device) {
    requireNotBuilt();
    StepCompiler.Built built = compiler().whole(loss, views(variables), alongside, device);
    built(built.state());
    return new CompiledStep(
        finish(List.of(built.call().done()), getOptimizerName() + "-compiled"),
        built.call().output(loss),
        built.outside());
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

  /** Of a saver that nobody has asked for there is nothing to say. */
  private void warnAboutSaver(List<TrainableVariable> variables) {
    if (graph.operation("save/restore_all") == null) {
      return;
    }
    boolean resources =
        variables.stream().anyMatch(v -> v.kind() == TrainableVariable.Kind.RESOURCE);
    LOG.log(
        Level.WARNING,
        resources
            ? "Session.save was used in the graph of {0}: it writes no resource variables, neither"
                + " the model''s nor the optimizer''s; use Checkpoints"
            : "Session.save was used before {0} was built: its checkpoints will hold no state of"
                + " it; build the step before the first save",
        getOptimizerName());
  }
}
