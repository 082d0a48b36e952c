package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.GradientTransform;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** One optimizer's state in its graph, and the order of what happens in one step. */
final class OptimizerStep {

  private final Ops tf;
  private final Rule rule;
  private final StepOptions options;
  private final StepClock clock;
  private final Hypers hypers;
  private final Map<TrainableVariable, VariableUpdate<?>> updates = new LinkedHashMap<>();
  private final Map<TrainableVariable, Hypers> hypersOf = new LinkedHashMap<>();
  private final Grouping grouping;
  private final Optional<LossScaling> scaling;
  private final Optional<StepGuard> guard;
  private final Optional<MicroSteps> microSteps;
  private final Optional<WeightAverage> average;
  private final FusedUpdates fused;

  /** Creates the state of the variables that have gradients. */
  OptimizerStep(
      String name,
      Rule rule,
      Map<Hyper, Schedule> schedules,
      StepOptions options,
      LossGradients gradients,
      Set<TrainableVariable> variables) {
    tf = gradients.scope();
    this.rule = rule;
    this.options = options;
    grouping = gradients.grouping();
    scaling = gradients.scaling();
    fused = FusedUpdates.choose(name, options.kernel(), rule, variables, gradients.rows().keySet());
    TrainableVariable.Kind kind = stateKind(variables);
    clock = new StepClock(tf, kind);
    guard = options.isGuarded() ? Optional.of(new StepGuard(tf, kind)) : Optional.empty();
    microSteps =
        options.isAccumulated()
            ? Optional.of(new MicroSteps(tf, kind, options.microSteps()))
            : Optional.empty();
    average =
        options.ema().isPresent()
            ? Optional.of(new WeightAverage(tf, name, kind))
            : Optional.empty();
    hypers = Hypers.of(tf, clock, schedules);
    Map<ParameterGroup, Hypers> ofGroups = new LinkedHashMap<>();
    for (TrainableVariable variable : variables) {
      updates.put(
          variable,
          VariableUpdate.create(
              tf, variable, rule, options, Optional.ofNullable(gradients.rows().get(variable))));
      hypersOf.put(
          variable,
          grouping
              .of(variable)
              .map(group -> ofGroups.computeIfAbsent(group, g -> hypers.with(tf, clock, g)))
              .orElse(hypers));
    }
    average.ifPresent(a -> a.addSwap(tf, updates.values()));
  }

  /** Adds operations that fail where no step may be made, to be run before it. */
  List<Op> checks() {
    return average.map(a -> a.check(tf)).stream().toList();
  }

  /** What others may look at together with the step, and has to be read before it. */
  List<Op> reads() {
    List<Op> reads = new ArrayList<>(hypers.values().values());
    hypersOf.values().stream().distinct().forEach(h -> reads.addAll(h.values().values()));
    return reads;
  }

  /** What updates the variables. */
  List<KernelChoice> kernelChoices() {
    return fused.choices();
  }

  /**
   * Adds the step.
   *
   * @param computed what has to be computed before any variable is read
   * @param foreign whether the gradients may be anything, values of the variables themselves too
   * @return the operations that the step consists of
   */
  List<Op> add(Map<TrainableVariable, Output<?>> gradients, List<Op> computed, boolean foreign) {
    List<Op> first = new ArrayList<>(computed);
    Op gradientsDone = tf.withControlDependencies(first).withName("gradients").noOp();
    Ops after = tf.withControlDependencies(List.of(gradientsDone));
    updates.forEach(
        (variable, update) ->
            update.receive(tf, gradients.get(variable), scaling.map(LossScaling::value)));
    Condition finite =
        guard.map(g -> g.test(tf, options.form(), received())).orElse(Condition.ALWAYS);
    microSteps.ifPresent(
        m -> updates.values().forEach(update -> update.accumulate(tf, after, m, finite)));
    options.transforms().forEach(transform -> apply(transform));
    Condition applied = finite.and(tf, microSteps.map(MicroSteps::last).orElse(Condition.ALWAYS));
    boolean shared = foreign && hasReferences();
    List<Op> copies = shared ? fused.separate(tf, updates, hypersOf) : List.of();
    updates.forEach(
        (variable, update) -> {
          if (!fused.contains(variable)) {
            update.compute(
                tf,
                after,
                rule,
                clock.current(),
                hypersOf.get(variable),
                options,
                applied,
                !shared);
          }
        });
    List<Op> all = new ArrayList<>();
    Ops behindValues = after;
    for (List<VariableUpdate<?>> group : assignedTogether(shared)) {
      List<Op> values = new ArrayList<>(copies);
      group.forEach(update -> values.addAll(update.values()));
      // A reference variable is read in place: no assign may start before all values are computed.
      if (!values.isEmpty()) {
        // A step to subtract is computed without a read of the variable, which would wait.
        values.add(gradientsDone);
        Ops ordered = behind(tf, "values", values);
        group.forEach(update -> all.addAll(update.assign(ordered)));
        behindValues = shared ? ordered : after;
      }
    }
    all.addAll(fused.add(behindValues, updates, hypersOf, clock.current(), options, applied));
    all.addAll(reads());
    Ops last = behind(tf, "updates", all);
    all.add(clock.advance(tf, last, applied));
    microSteps.ifPresent(m -> all.add(m.advance(tf, last, finite)));
    guard.ifPresent(g -> all.addAll(g.advance(tf, last)));
    scaling.ifPresent(s -> all.addAll(s.advance(tf, last, finite)));
    return all;
  }

  private List<Operand<? extends TNumber>> received() {
    List<Operand<? extends TNumber>> gradients = new ArrayList<>();
    updates.values().forEach(update -> gradients.add(update.gradient()));
    return gradients;
  }

  private void apply(GradientTransform transform) {
    List<Operand<? extends TNumber>> changed = transform.apply(tf, options.form(), received());
    int i = 0;
    for (VariableUpdate<?> update : updates.values()) {
      update.replaceGradient(changed.get(i++));
    }
  }

  /** One operation stands for many: an edge from each of them to each that waits would be more. */
  static Ops behind(Ops tf, String name, List<Op> many) {
    return tf.withControlDependencies(
        List.of(tf.withControlDependencies(many).withName(name).noOp()));
  }

  private boolean hasReferences() {
    return updates.keySet().stream().anyMatch(v -> v.kind() == TrainableVariable.Kind.REFERENCE);
  }

  /**
   * Which variables wait for each other's new values. Normally each is on its own, which needs less
   * memory; but a gradient that somebody else made may share the buffer of a reference variable,
   * and that must not change while another update still reads it.
   */
  private List<List<VariableUpdate<?>>> assignedTogether(boolean shared) {
    return shared
        ? List.of(List.copyOf(updates.values()))
        : updates.values().stream().<List<VariableUpdate<?>>>map(List::of).toList();
  }

  /** Resource variables can only be saved and compiled together with state of their own kind. */
  static TrainableVariable.Kind stateKind(Collection<TrainableVariable> variables) {
    return variables.stream()
            .anyMatch(variable -> variable.kind() == TrainableVariable.Kind.RESOURCE)
        ? TrainableVariable.Kind.RESOURCE
        : TrainableVariable.Kind.REFERENCE;
  }

  StepClock clock() {
    return clock;
  }

  Operand<TFloat64> learningRate() {
    return hypers.values().get(Hyper.LEARNING_RATE);
  }

  /** The current value of a variable's hyper-parameter, empty where there is none. */
  Optional<Operand<TFloat64>> hyper(TrainableVariable variable, Hyper hyper) {
    return Optional.ofNullable(hypersOf.get(variable)).map(h -> h.values().get(hyper));
  }

  Optional<StepGuard> guard() {
    return guard;
  }

  Optional<LossScaling> scaling() {
    return scaling;
  }

  Optional<WeightAverage> average() {
    return average;
  }

  boolean swapWeights(Session session, WeightAverage weights) {
    return weights.swap(session, clock.variable(), clock.completed());
  }

  /** The slots of a variable by name, none for a variable that the step does not train. */
  Map<String, TrainableVariable> slots(TrainableVariable variable) {
    VariableUpdate<?> update = updates.get(variable);
    return update == null ? Map.of() : update.slots();
  }

  /** Bytes of the rule's slots. */
  long stateBytes() {
    return updates.values().stream().mapToLong(VariableUpdate::stateBytes).sum();
  }

  /** Bytes of the rule's slots by the text of the variables' group. */
  Map<String, Long> stateBytesByGroup() {
    Map<String, Long> bytes = new LinkedHashMap<>();
    grouping.groups().forEach(group -> bytes.put(group.toString(), 0L));
    updates.forEach(
        (variable, update) ->
            bytes.merge(
                grouping
                    .of(variable)
                    .map(ParameterGroup::toString)
                    .orElse(StatefulOptimizer.NO_GROUP),
                update.stateBytes(),
                Long::sum));
    return bytes;
  }

  /** Bytes of the master copies. */
  long masterBytes() {
    return updates.values().stream().mapToLong(VariableUpdate::masterBytes).sum();
  }

  /** All state by name. */
  Map<String, TrainableVariable> state() {
    Map<String, TrainableVariable> state = new LinkedHashMap<>();
    state.put("step", clock.variable());
    state.put("learning-rate-multiplier", clock.multiplier());
    microSteps.ifPresent(m -> state.put("micro-step", m.variable()));
    guard.ifPresent(g -> state.putAll(g.state()));
    scaling.ifPresent(s -> state.putAll(s.state()));
    average.ifPresent(a -> state.put("ema-swapped", a.variable()));
    updates.forEach(
        (variable, update) ->
            update
                .slots()
                .forEach((slot, value) -> state.put(variable.name() + "/" + slot, value)));
    return state;
  }
}
