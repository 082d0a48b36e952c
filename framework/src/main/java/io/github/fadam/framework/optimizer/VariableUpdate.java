package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.Form;
import io.github.fadam.ops.fisher.SquaredGradient;
import io.github.fadam.ops.kernel.FisherApply;
import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.VariableRows;
import io.github.fadam.ops.variable.Variables;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
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

  /** Slot that holds the average of a variable's values. */
  static final String AVERAGE = "ema";

  /** Slot that holds the sum of the micro-steps' shares of the gradient. */
  static final String ACCUMULATED = "accumulated";

  /** Slot that holds the sum of the micro-steps' shares of the squared gradient. */
  static final String ACCUMULATED_SQUARES = "accumulated-squares";

  private final TrainableVariable variable;
  private final Class<T> computeType;
  private final Optional<Operand<TInt64>> rows;
  private final Set<String> ruleSlots = new HashSet<>();
  private final Map<String, TrainableVariable> slots = new LinkedHashMap<>();
  private final Map<TrainableVariable, Operand<?>> targets = new LinkedHashMap<>();
  private Optional<Output<?>> raw = Optional.empty();
  private Operand<T> gradient;
  private Operand<T> squared;

  /** Whether the target of the variable is what to subtract from it. */
  private boolean subtracted;

  private VariableUpdate(
      TrainableVariable variable, Class<T> computeType, Optional<Operand<TInt64>> rows) {
    this.variable = variable;
    this.computeType = computeType;
    this.rows = rows;
  }

  /**
   * Creates the slots of a variable.
   *
   * @param rows the rows that are updated, each once; empty for all
   */
  static VariableUpdate<? extends TNumber> create(
      Ops tf,
      TrainableVariable variable,
      Rule rule,
      StepOptions options,
      Optional<Operand<TInt64>> rows) {
    VariableUpdate<? extends TNumber> update =
        variable.dataType() == DataType.DT_DOUBLE
            ? new VariableUpdate<>(variable, TFloat64.class, rows)
            : new VariableUpdate<>(variable, TFloat32.class, rows);
    for (Slot slot : rule.slots(variable.shape())) {
      update.addSlot(tf, slot);
      update.ruleSlots.add(slot.name());
    }
    if (options.masterWeights() && update.isHalf()) {
      update.addSlot(tf, MASTER);
    }
    if (options.ema().isPresent()) {
      update.addSlot(tf, AVERAGE);
    }
    if (options.isAccumulated()) {
      update.addSlot(tf, ACCUMULATED);
      if (options.squares() == Squares.PER_MICRO_STEP) {
        update.addSlot(tf, ACCUMULATED_SQUARES);
      }
    }
    return update;
  }

  private void addSlot(Ops tf, String name) {
    addSlot(tf, new Slot(name, variable.shape(), 0));
  }

  private void addSlot(Ops tf, Slot slot) {
    Ops init = tf.withInitScope();
    // Of constants alone TensorFlow would fold one as large as the slot and keep it.
    Operand<TFloat64> value =
        init.placeholderWithDefault(init.constant(slot.initial()), Shape.scalar());
    Operand<? extends TNumber> initial =
        init.fill(
            init.constant(slot.shape().asArray()),
            init.dtypes.cast(value, slot.type().orElse(computeType)));
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
    return ruleSlots.stream().mapToLong(slot -> bytes(slots.get(slot))).sum();
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

  /** Takes the gradient of the loss, in the compute type and without the loss's factor. */
  void receive(Ops tf, Output<?> raw, Optional<Operand<TFloat64>> scale) {
    Operand<T> cast = computed(tf, raw);
    Operand<T> unscaled =
        scale.map(s -> (Operand<T>) tf.math.div(cast, tf.dtypes.cast(s, computeType))).orElse(cast);
    gradient = shaped(tf, unscaled);
    this.raw = scale.isPresent() ? Optional.empty() : Optional.of(raw);
  }

  /** The gradient as far as it has come. */
  Operand<T> gradient() {
    return gradient;
  }

  /** Takes the gradient as a transform has changed it. */
  void replaceGradient(Operand<? extends TNumber> changed) {
    gradient = typed(changed);
    raw = Optional.empty();
  }

  /** Adds this micro-step to the mean, which becomes the gradient. */
  void accumulate(Ops tf, Ops after, MicroSteps microSteps, Condition finite) {
    if (slots.containsKey(ACCUMULATED_SQUARES)) {
      Operand<T> share = microSteps.share(tf, SquaredGradient.of(tf, gradient));
      squared = accumulate(tf, after, ACCUMULATED_SQUARES, share, microSteps, finite);
    }
    Operand<T> share = microSteps.share(tf, gradient);
    gradient = accumulate(tf, after, ACCUMULATED, share, microSteps, finite);
    raw = Optional.empty();
  }

  private Operand<T> accumulate(
      Ops tf, Ops after, String slot, Operand<T> share, MicroSteps microSteps, Condition finite) {
    Operand<T> before = typed(slots.get(slot).read(after));
    Operand<T> sum = tf.math.add(before, share);
    targets.put(slots.get(slot), finite.select(tf, microSteps.rest(tf, sum), before));
    return sum;
  }

  /**
   * Adds the operations that compute the new values.
   *
   * @param tf where to add them
   * @param after the same, behind all gradients: variables are read there, for a reference
   *     variable's gradient may still need the value that another step's assign replaces
   * @param applied when the new values count
   * @param inPlace whether the variable's buffer may change while values of other variables are
   *     computed
   */
  void compute(
      Ops tf,
      Ops after,
      Rule rule,
      Operand<TInt64> step,
      Hypers hypers,
      StepOptions options,
      Condition applied,
      boolean inPlace) {
    Map<TrainableVariable, Operand<?>> stored = new LinkedHashMap<>();
    Map<String, Operand<T>> values = new LinkedHashMap<>();
    for (String name : slots.keySet()) {
      if (ruleSlots.contains(name) || name.equals(MASTER) || name.equals(AVERAGE)) {
        TrainableVariable slot = slots.get(name);
        stored.put(slot, read(after, slot));
        values.put(name, cast(tf, stored.get(slot), slot.type(), computeType));
      }
    }
    stored.put(variable, read(after, variable));
    Operand<T> theta = theta(tf, stored.get(variable), values.remove(MASTER));
    Operand<T> average = values.remove(AVERAGE);
    Rule.Update<T> update =
        rule.update(tf, new Inputs(tf, theta, Map.copyOf(values), step, hypers, options.form()));
    Map<TrainableVariable, Operand<?>> computed = new LinkedHashMap<>();
    update.slots().forEach((name, value) -> computed.put(slots.get(name), value));
    if (slots.containsKey(MASTER)) {
      computed.put(slots.get(MASTER), update.theta());
    }
    if (average != null) {
      computed.put(
          slots.get(AVERAGE), averaged(tf, average, theta, update.theta(), step, options.ema()));
    }
    if (inPlace && average == null && applied.scalar().isEmpty() && subtractsInPlace(update)) {
      subtracted = true;
      targets.put(variable, update.step().orElseThrow());
    } else {
      computed.put(variable, update.theta());
    }
    computed.forEach(
        (target, value) -> {
          Class<? extends TNumber> type = target.type().asSubclass(TNumber.class);
          targets.put(
              target,
              applied.select(
                  tf, typed(cast(tf, value, computeType, type)), typed(stored.get(target))));
        });
  }

  /**
   * Whether nothing but the variable needs its new value, and an operation of its own can set it. A
   * resource variable gets a new buffer if anybody still holds the old one, a reference would not.
   */
  private boolean subtractsInPlace(Rule.Update<T> update) {
    return variable.kind() == TrainableVariable.Kind.RESOURCE
        && rows.isEmpty()
        && !slots.containsKey(MASTER)
        && variable.type() == computeType
        && Variables.isVariable(variable.handle().op())
        && update.step().filter(step -> step.shape().equals(variable.shape())).isPresent();
  }

  /** The average starts at the value before the first step. */
  private Operand<T> averaged(
      Ops tf,
      Operand<T> average,
      Operand<T> before,
      Operand<T> after,
      Operand<TInt64> step,
      OptionalDouble ema) {
    Operand<T> previous = tf.select(tf.math.equal(step, tf.constant(1L)), before, average);
    Operand<T> share = tf.dtypes.cast(tf.constant(1 - ema.orElseThrow()), computeType);
    return tf.math.add(previous, tf.math.mul(share, tf.math.sub(after, previous)));
  }

  /** Gives the gradient memory of its own. */
  Op copyGradient(Ops tf) {
    raw = raw.map(value -> tf.deepCopy(VariableUpdate.<TNumber>typed(value)).asOutput());
    gradient = raw.isPresent() ? gradient : tf.deepCopy(gradient);
    return raw.<Op>map(value -> value).orElse(gradient);
  }

  /** What a fused operation needs to know of this variable. */
  FisherApply.Parameter fused() {
    List<TrainableVariable> fisher =
        slots.entrySet().stream()
            .filter(slot -> ruleSlots.contains(slot.getKey()) && !slot.getKey().equals("m"))
            .map(Map.Entry::getValue)
            .toList();
    return new FisherApply.Parameter(
        variable,
        fisher,
        Optional.ofNullable(slots.get("m")),
        Optional.ofNullable(slots.get(MASTER)),
        Optional.ofNullable(slots.get(AVERAGE)),
        raw.<Operand<?>>map(value -> value).orElse(gradient),
        Optional.ofNullable(squared));
  }

  /** The values that put the average in the variable's place, and the variable's in its own. */
  Map<TrainableVariable, Operand<?>> swapped(Ops tf) {
    TrainableVariable average = slots.get(AVERAGE);
    TrainableVariable master = slots.get(MASTER);
    Operand<T> mean = tf.deepCopy(VariableUpdate.<T>typed(average.read(tf)));
    Operand<T> theta =
        tf.deepCopy(theta(tf, variable.read(tf), master == null ? null : typed(master.read(tf))));
    Map<TrainableVariable, Operand<?>> values = new LinkedHashMap<>();
    values.put(average, theta);
    if (master != null) {
      values.put(master, mean);
    }
    values.put(variable, cast(tf, mean, computeType, numberType()));
    return values;
  }

  /** What the variable and its slots are assigned, for others to wait for. */
  List<Operand<?>> values() {
    return List.copyOf(targets.values());
  }

  /** Adds the assigns; {@code ordered} is behind all {@link #values} of this variable at least. */
  List<Op> assign(Ops ordered) {
    List<Op> assigns = new ArrayList<>();
    targets.forEach(
        (target, value) ->
            assigns.add(
                subtracted && target == variable
                    ? target.assignSub(ordered, value)
                    : rows.map(indices -> new VariableRows(target, indices).assign(ordered, value))
                        .orElseGet(() -> target.assign(ordered, value))));
    return assigns;
  }

  /** The part of the variable or of a slot that the step is about. */
  private Operand<?> read(Ops after, TrainableVariable source) {
    return rows.<Operand<?>>map(indices -> new VariableRows(source, indices).read(after))
        .orElseGet(() -> source.read(after));
  }

  /**
   * Rules ask for static shapes; a gradient without one gets the variable's, checked in the run.
   */
  private Operand<T> shaped(Ops tf, Operand<T> gradient) {
    Shape shape = gradient.shape();
    return shape.isUnknown() || shape.hasUnknownDimension()
        ? tf.ensureShape(gradient, updatedShape())
        : gradient;
  }

  private Shape updatedShape() {
    Shape shape = variable.shape();
    return rows.isPresent() ? shape.tail().prepend(Shape.UNKNOWN_SIZE) : shape;
  }

  /** The master copy, or the variable itself where somebody else has assigned it since. */
  private Operand<T> theta(Ops tf, Operand<?> stored, Operand<T> master) {
    Operand<TNumber> value = typed(stored);
    Operand<T> cast = computed(tf, value);
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

  /** In the compute type, which most tensors have. */
  private Operand<T> computed(Ops tf, Operand<?> value) {
    return TensorTypes.of(value.asOutput().dataType()).equals(Optional.of(computeType))
        ? typed(value)
        : tf.dtypes.cast(VariableUpdate.<TNumber>typed(value), computeType);
  }

  /** What the rule asks for is added to the graph when it does, and nothing else. */
  private final class Inputs implements Gradient<T> {

    private final Ops tf;
    private final Operand<T> theta;
    private final Map<String, Operand<T>> values;
    private final Operand<TInt64> step;
    private final Hypers hypers;
    private final Form form;
    private Operand<T> square = squared;

    private Inputs(
        Ops tf,
        Operand<T> theta,
        Map<String, Operand<T>> values,
        Operand<TInt64> step,
        Hypers hypers,
        Form form) {
      this.tf = tf;
      this.theta = theta;
      this.values = values;
      this.step = step;
      this.hypers = hypers;
      this.form = form;
    }

    @Override
    public Operand<T> theta() {
      return theta;
    }

    @Override
    public Operand<T> value() {
      return gradient;
    }

    @Override
    public Operand<T> squared() {
      if (square == null) {
        square = SquaredGradient.of(tf, gradient);
      }
      return square;
    }

    @Override
    public Map<String, Operand<T>> slots() {
      return values;
    }

    @Override
    public Operand<TInt64> step() {
      return step;
    }

    @Override
    public Operand<T> hyper(Hyper hyper) {
      return hypers.as(tf, hyper, computeType);
    }

    @Override
    public OptionalDouble constant(Hyper hyper) {
      return hypers.constants().get(hyper);
    }

    @Override
    public Form form() {
      return form;
    }
  }
}
