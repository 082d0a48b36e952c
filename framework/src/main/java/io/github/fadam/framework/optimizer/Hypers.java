package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.schedule.Schedule;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The hyper-parameters of a step, for one parameter group or for the variables of none.
 *
 * @param values current values, float64 scalars
 * @param constants the values that never change
 * @param casts the values in compute types, those that some variable's rule has asked for
 */
record Hypers(
    Map<Hyper, Operand<TFloat64>> values,
    Map<Hyper, OptionalDouble> constants,
    Map<Class<? extends TNumber>, Map<Hyper, Operand<? extends TNumber>>> casts) {

  private Hypers(Map<Hyper, Operand<TFloat64>> values, Map<Hyper, OptionalDouble> constants) {
    this(values, constants, new HashMap<>());
  }

  static Hypers of(Ops tf, StepClock clock, Map<Hyper, Schedule> schedules) {
    Hypers hypers = new Hypers(new EnumMap<>(Hyper.class), new EnumMap<>(Hyper.class));
    schedules.forEach((hyper, schedule) -> hypers.put(tf, clock, hyper, schedule));
    return hypers;
  }

  /** These with what a group sets. */
  Hypers with(Ops tf, StepClock clock, ParameterGroup group) {
    Hypers hypers = new Hypers(new EnumMap<>(values), new EnumMap<>(constants));
    group.schedules().forEach((hyper, schedule) -> hypers.put(tf, clock, hyper, schedule));
    if (group.multiplier() != 1) {
      Operand<TFloat64> rate = hypers.values.get(Hyper.LEARNING_RATE);
      hypers.values.put(Hyper.LEARNING_RATE, tf.math.mul(rate, tf.constant(group.multiplier())));
      hypers.constants.put(Hyper.LEARNING_RATE, OptionalDouble.empty());
    }
    return hypers;
  }

  /** A current value in a compute type, once for all variables. */
  @SuppressWarnings("unchecked") // the class is the map's key
  <T extends TNumber> Operand<T> as(Ops tf, Hyper hyper, Class<T> type) {
    return (Operand<T>)
        casts
            .computeIfAbsent(type, any -> new EnumMap<>(Hyper.class))
            .computeIfAbsent(hyper, wanted -> tf.dtypes.cast(values.get(wanted), type));
  }

  private void put(Ops tf, StepClock clock, Hyper hyper, Schedule schedule) {
    constants.put(hyper, schedule.constant());
    values.put(
        hyper, hyper == Hyper.LEARNING_RATE ? clock.rate(tf, schedule) : clock.value(tf, schedule));
  }
}
