package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TType;

/**
 * What can be read of a step, and set, once it is built: hyper-parameters, counters, the weights'
 * averages, and all state with its memory.
 */
public abstract sealed class StatefulOptimizer extends Optimizer permits RuleOptimizer {

  /** What {@link #stateBytesByGroup()} calls the variables that no parameter group fits. */
  public static final String NO_GROUP = "no group";

  private final String name;
  private final StepOptions options;
  private OptimizerStep step;

  StatefulOptimizer(RuleOptimizerBuilder<?> builder) {
    super(builder.graph(), builder.name());
    name = builder.name();
    options = builder.stepOptions();
  }

  /** {@inheritDoc} */
  @Override
  public String getOptimizerName() {
    return name;
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
   * What updates the step's variables, and why: what {@link Kernel#AUTO} came to.
   *
   * @return one entry for each kernel and reason
   * @throws IllegalStateException if the step has not been built
   */
  public List<KernelChoice> kernelChoices() {
    return built().kernelChoices();
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

  StepOptions options() {
    return options;
  }

  /** The step has been made, and is the only one. */
  void built(OptimizerStep step) {
    this.step = step;
  }

  void requireNotBuilt() {
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
}
