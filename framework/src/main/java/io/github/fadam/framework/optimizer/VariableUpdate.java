package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.SquaredGradient;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * One variable's part of a step: its slots, the rule's operations, and the assigns behind them.
 *
 * @param <T> the compute type
 */
final class VariableUpdate<T extends TNumber> {

  /** Slot that holds a 16-bit variable's value in float32. */
  static final String MASTER = "master";

  private final TrainableVariable variable;
  private final Class<T> computeType;
  private final Map<String, TrainableVariable> slots = new LinkedHashMap<>();
  private final Map<TrainableVariable, Operand<?>> targets = new LinkedHashMap<>();

  private VariableUpdate(TrainableVariable variable, Class<T> computeType) {
    this.variable = variable;
    this.computeType = computeType;
  }

  /** Creates the slots of a variable. */
  static VariableUpdate<? extends TNumber> create(
      Ops tf, TrainableVariable variable, Rule rule, boolean masterWeights) {
    VariableUpdate<? extends TNumber> update =
        variable.dataType() == DataType.DT_DOUBLE
            ? new VariableUpdate<>(variable, TFloat64.class)
            : new VariableUpdate<>(variable, TFloat32.class);
    rule.slots(variable.shape()).forEach(slot -> update.addSlot(tf, slot));
    if (masterWeights && update.isHalf()) {
      update.addSlot(tf, new Slot(MASTER, variable.shape(), 0));
    }
    return update;
  }

  private void addSlot(Ops tf, Slot slot) {
    Ops init = tf.withInitScope();
    Operand<? extends TNumber> initial =
        init.fill(
            init.constant(slot.shape().asArray()),
            init.dtypes.cast(init.constant(slot.initial()), slot.type().orElse(computeType)));
    String name = variable.name().replaceAll("[^A-Za-z0-9_.-]", ".") + "-" + slot.name();
    slots.put(slot.name(), OptimizerState.create(tf, variable.kind(), name, initial));
  }

  TrainableVariable variable() {
    return variable;
  }

  Map<String, TrainableVariable> slots() {
    return slots;
  }

  /** Bytes of the rule's slots. */
  long stateBytes() {
    return slots.entrySet().stream()
        .filter(slot -> !slot.getKey().equals(MASTER))
        .mapToLong(slot -> bytes(slot.getValue()))
        .sum();
  }

  /** Bytes of the master copy, 0 where there is none. */
  long masterBytes() {
    return slots.containsKey(MASTER) ? bytes(slots.get(MASTER)) : 0;
  }

  private static long bytes(TrainableVariable slot) {
    int element =
        switch (slot.dataType()) {
          case DT_HALF, DT_BFLOAT16 -> Short.BYTES;
          case DT_DOUBLE -> Double.BYTES;
          default -> Float.BYTES;
        };
    return slot.shape().size() * element;
  }

  /**
   * Adds the operations that compute the new values.
   *
   * @param tf where to add them
   * @param after the same, behind all gradients: variables are read there, for a reference
   *     variable's gradient may still need the value that another step's assign replaces
   */
  void compute(
      Ops tf,
      Ops after,
      Rule rule,
      Output<?> gradient,
      Operand<TInt64> step,
      Map<Hyper, Operand<TFloat64>> hypers,
      Map<Hyper, OptionalDouble> constants) {
    Map<String, Operand<T>> values = new LinkedHashMap<>();
    slots.forEach(
        (name, slot) -> values.put(name, cast(tf, slot.read(after), slot.type(), computeType)));
    Operand<T> theta = theta(tf, variable.read(after), values.remove(MASTER));
    Operand<T> g = shaped(tf, tf.dtypes.cast(VariableUpdate.<TNumber>typed(gradient), computeType));
    Map<Hyper, Operand<T>> scalars = new LinkedHashMap<>();
    hypers.forEach((hyper, value) -> scalars.put(hyper, tf.dtypes.cast(value, computeType)));
    Rule.Update<T> update =
        rule.update(
            tf,
            new Inputs<>(
                theta, g, SquaredGradient.of(tf, g), Map.copyOf(values), step, scalars, constants));
    update
        .slots()
        .forEach(
            (name, value) -> {
              TrainableVariable slot = slots.get(name);
              Class<? extends TNumber> stored = slot.type().asSubclass(TNumber.class);
              targets.put(slot, cast(tf, value, computeType, stored));
            });
    if (slots.containsKey(MASTER)) {
      targets.put(slots.get(MASTER), update.theta());
    }
    targets.put(variable, tf.dtypes.cast(update.theta(), numberType()));
  }

  /** The new values of the variable and its slots, for others to wait for. */
  List<Operand<?>> values() {
    return List.copyOf(targets.values());
  }

  /** Adds the assigns; {@code ordered} is behind all {@link #values} of this variable at least. */
  List<Op> assign(Ops ordered) {
    List<Op> assigns = new ArrayList<>();
    targets.forEach((target, value) -> assigns.add(target.assign(ordered, value)));
    return assigns;
  }

  /**
   * Rules ask for static shapes; a gradient without one gets the variable's, checked in the run.
   */
  private Operand<T> shaped(Ops tf, Operand<T> gradient) {
    Shape shape = gradient.shape();
    return shape.isUnknown() || shape.hasUnknownDimension()
        ? tf.ensureShape(gradient, variable.shape())
        : gradient;
  }

  /** The master copy, or the variable itself where somebody else has assigned it since. */
  private Operand<T> theta(Ops tf, Operand<?> stored, Operand<T> master) {
    Operand<TNumber> value = typed(stored);
    Operand<T> cast = tf.dtypes.cast(value, computeType);
    if (master == null) {
      return cast;
    }
    Operand<TNumber> expected = typed(tf.dtypes.cast(master, numberType()));
    return tf.select(tf.math.equal(value, expected), master, cast);
  }

  private boolean isHalf() {
    return variable.dataType() == DataType.DT_HALF || variable.dataType() == DataType.DT_BFLOAT16;
  }

  private Class<? extends TNumber> numberType() {
    return variable.type().asSubclass(TNumber.class);
  }

  private static <U extends TNumber> Operand<U> cast(
      Ops tf, Operand<?> value, Class<? extends TType> from, Class<U> to) {
    return from == to ? typed(value) : tf.dtypes.cast(VariableUpdate.<TNumber>typed(value), to);
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // the caller knows the dtype
  static <U extends TType> Operand<U> typed(Operand<?> value) {
    return (Operand<U>) value;
  }

  private record Inputs<T extends TNumber>(
      Operand<T> theta,
      Operand<T> value,
      Operand<T> squared,
      Map<String, Operand<T>> slots,
      Operand<TInt64> step,
      Map<Hyper, Operand<T>> hypers,
      Map<Hyper, OptionalDouble> constants)
      implements Gradient<T> {

    @Override
    public Operand<T> hyper(Hyper hyper) {
      return hypers.get(hyper);
    }

    @Override
    public OptionalDouble constant(Hyper hyper) {
      return constants.get(hyper);
    }
  }
}
