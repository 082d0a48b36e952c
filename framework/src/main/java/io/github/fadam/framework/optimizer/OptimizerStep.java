package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/** One optimizer's state in its graph, and the order of what happens in one step. */
final class OptimizerStep {

  private final Rule rule;
  private final StepClock clock;
  private final Map<TrainableVariable, VariableUpdate<?>> updates = new LinkedHashMap<>();
  private final Map<Hyper, Operand<TFloat64>> hypers = new EnumMap<>(Hyper.class);
  private final Map<Hyper, OptionalDouble> constants = new EnumMap<>(Hyper.class);

  /** Creates the state. */
  OptimizerStep(
      Ops tf,
      Rule rule,
      Map<Hyper, Schedule> schedules,
      boolean masterWeights,
      Map<TrainableVariable, Output<?>> gradients) {
    this.rule = rule;
    clock = new StepClock(tf, stateKind(gradients));
    gradients
        .keySet()
        .forEach(
            variable ->
                updates.put(variable, VariableUpdate.create(tf, variable, rule, masterWeights)));
    schedules.forEach(
        (hyper, schedule) -> {
          constants.put(hyper, schedule.constant());
          hypers.put(
              hyper,
              hyper == Hyper.LEARNING_RATE ? clock.rate(tf, schedule) : clock.value(tf, schedule));
        });
  }

  /**
   * Adds the step.
   *
   * @param computed what has to be computed before any variable is read
   * @param foreign whether the gradients may be anything, values of the variables themselves too
   * @return the operations that the step consists of
   */
  List<Op> add(
      Ops tf, Map<TrainableVariable, Output<?>> gradients, List<Op> computed, boolean foreign) {
    Ops after = behind(tf, "gradients", computed);
    updates.forEach(
        (variable, update) ->
            update.compute(
                tf, after, rule, gradients.get(variable), clock.current(), hypers, constants));
    List<Op> all = new ArrayList<>();
    for (List<VariableUpdate<?>> group : assignedTogether(foreign)) {
      List<Op> values = new ArrayList<>();
      group.forEach(update -> values.addAll(update.values()));
      // A reference variable is read in place: no assign may start before all values are computed.
      Ops ordered = behind(tf, "values", values);
      group.forEach(update -> all.addAll(update.assign(ordered)));
    }
    all.addAll(hypers.values());
    all.add(clock.advance(behind(tf, "updates", all)));
    return all;
  }

  /** One operation stands for many: an edge from each of them to each that waits would be more. */
  private static Ops behind(Ops tf, String name, List<Op> many) {
    return tf.withControlDependencies(
        List.of(tf.withControlDependencies(many).withName(name).noOp()));
  }

  /**
   * Which variables wait for each other's new values. Normally each is on its own, which needs less
   * memory; but a gradient that somebody else made may share the buffer of a reference variable,
   * and that must not change while another update still reads it.
   */
  private List<List<VariableUpdate<?>>> assignedTogether(boolean foreign) {
    boolean references =
        updates.keySet().stream().anyMatch(v -> v.kind() == TrainableVariable.Kind.REFERENCE);
    return foreign && references
        ? List.of(List.copyOf(updates.values()))
        : updates.values().stream().<List<VariableUpdate<?>>>map(List::of).toList();
  }

  /** Resource variables can only be saved and compiled together with state of their own kind. */
  private static TrainableVariable.Kind stateKind(Map<TrainableVariable, Output<?>> gradients) {
    return gradients.keySet().stream()
            .anyMatch(variable -> variable.kind() == TrainableVariable.Kind.RESOURCE)
        ? TrainableVariable.Kind.RESOURCE
        : TrainableVariable.Kind.REFERENCE;
  }

  StepClock clock() {
    return clock;
  }

  Operand<TFloat64> learningRate() {
    return hypers.get(Hyper.LEARNING_RATE);
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

  /** Bytes of the master copies. */
  long masterBytes() {
    return updates.values().stream().mapToLong(VariableUpdate::masterBytes).sum();
  }

  /** All state by name. */
  Map<String, TrainableVariable> state() {
    Map<String, TrainableVariable> state = new LinkedHashMap<>();
    state.put("step", clock.variable());
    state.put("learning-rate-multiplier", clock.multiplier());
    updates.forEach(
        (variable, update) ->
            update
                .slots()
                .forEach((slot, value) -> state.put(variable.name() + "/" + slot, value)));
    return state;
  }
}
