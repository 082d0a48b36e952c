package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;

/**
 * Which step trains a model: chosen when the model is loaded, and, where that was not said, once
 * more when training begins, from what a checkpoint says or a measurement finds.
 */
final class StepChoice {

  private static final System.Logger LOG = System.getLogger(StepChoice.class.getName());

  private final List<ModelVariable> trained;
  private final Function<Graph, ? extends RuleOptimizer> optimizers;
  private final Optional<Xla> asked;
  private SignaturePlan planned;
  private boolean settled;

  StepChoice(
      List<ModelVariable> trained,
      Function<Graph, ? extends RuleOptimizer> optimizers,
      Optional<Xla> asked) {
    this.trained = trained;
    this.optimizers = optimizers;
    this.asked = asked;
  }

  /** The model with the step that is chosen before anything is known of the training. */
  LoadedTraining load(ObjectiveBuilder<?> builder) {
    Xla xla = asked.orElse(Xla.OFF);
    LoadedSignature loaded = LoadedSignature.of(builder);
    planned = loaded.planned();
    return load(
        loaded,
        plan -> Compilation.choose(xla, planned.device(), plan, shapes()),
        xla == Xla.STEP || isForTpu());
  }

  private Map<String, Shape> shapes() {
    Map<String, Shape> shapes = new HashMap<>();
    for (ModelVariable variable : planned.model().variables()) {
      shapes.put(variable.handle(), variable.shape());
      variable.copies().forEach(copy -> shapes.put(copy, variable.shape()));
    }
    return shapes;
  }

  private LoadedTraining load(Function<InlinePlan, Compilation> choose, boolean required) {
    return load(LoadedSignature.again(planned), choose, required);
  }

  private LoadedTraining load(
      LoadedSignature loaded, Function<InlinePlan, Compilation> choose, boolean required) {
    return new LoadedTraining(loaded, trained, optimizers, choose, required);
  }

  private boolean isForTpu() {
    return planned.device().equals(Optional.of(Device.TPU));
  }

  /**
   * The model with the step that trains. Where that is another one than before, it takes over all
   * that training has changed, and the one before is closed.
   */
  LoadedTraining settle(LoadedTraining current, DataBinding data, FitOptions options) {
    Optional<RecordedChoice> recorded =
        options
            .checkpoint()
            .filter(CheckpointPlan::resume)
            .flatMap(plan -> RecordedChoice.in(plan.directory()));
    boolean open = isOpen();
    if (recorded.isPresent()) {
      settled = true;
      return open ? asRecorded(current, recorded.get()) : asAsked(current, recorded.get());
    }
    if (open && !settled && asked.equals(Optional.of(Xla.MEASURE))) {
      settled = true;
      return measured(current, data, options);
    }
    return current;
  }

  /** Whether it was left to this class. */
  private boolean isOpen() {
    return !isForTpu()
        && !asked.equals(Optional.of(Xla.OFF))
        && !asked.equals(Optional.of(Xla.STEP));
  }

  /**
   * The model with the step not compiled, after all.
   *
   * @param why what came of the first step
   * @return the model; empty if that is not what was asked for, or steps have been made
   */
  Optional<LoadedTraining> plainInstead(LoadedTraining current, NotCompilableException why) {
    if (!isOpen() || !current.shapes().compilation().shapes().isEmpty()) {
      return Optional.empty();
    }
    try (StateCopy state = StateCopy.of(current)) {
      Compilation plain = Compilation.of(false, "it cannot be compiled: " + why.getMessage());
      return Optional.of(say(replaced(current, load(plan -> plain, false), state)));
    }
  }

  private static LoadedTraining asAsked(LoadedTraining current, RecordedChoice recorded) {
    boolean compiled = current.shapes().compilation().compiled();
    if (recorded.compiled() != compiled) {
      LOG.log(
          Level.INFO,
          "the step is {0}compiled now and was {1}compiled so far; results differ by rounding",
          compiled ? "" : "not ",
          recorded.compiled() ? "" : "not ");
    }
    return current;
  }

  private LoadedTraining asRecorded(LoadedTraining current, RecordedChoice recorded) {
    Compilation choice = recorded.again();
    if (recorded.compiled() == current.shapes().compilation().compiled()) {
      current.shapes().because(choice.reason());
      return current;
    }
    try (StateCopy state = StateCopy.of(current)) {
      LoadedTraining other = load(plan -> choice, false);
      return say(replaced(current, other, state));
    }
  }

  private LoadedTraining measured(LoadedTraining plain, DataBinding data, FitOptions options) {
    try (StateCopy state = StateCopy.of(plain)) {
      LoadedTraining compiled;
      try {
        compiled = load(plan -> Compilation.of(true, ""), true);
      } catch (IllegalArgumentException e) {
        plain.shapes().because("it cannot be compiled: " + e.getMessage());
        return say(plain);
      }
      boolean faster = false;
      try {
        StepTimes times = StepTimes.of(plain, compiled, data, options);
        faster = times.compiledIsFaster();
        (faster ? compiled : plain).shapes().because(times);
      } catch (TensorFlowException | IllegalArgumentException e) {
        // TensorFlow-Java's own exception for invalid arguments is none of TensorFlowException.
        plain.shapes().because("it could not be measured: " + e.getMessage());
      } finally {
        if (!faster) {
          compiled.close();
        }
        state.restore(plain);
      }
      return say(faster ? replaced(plain, compiled, state) : plain);
    }
  }

  private static LoadedTraining replaced(
      LoadedTraining before, LoadedTraining now, StateCopy state) {
    try {
      state.restore(now);
    } catch (RuntimeException | Error e) {
      now.close();
      throw e;
    }
    before.close();
    return now;
  }

  private static LoadedTraining say(LoadedTraining training) {
    Compilation choice = training.shapes().compilation();
    LOG.log(
        Level.INFO,
        "the step is {0}compiled by XLA: {1}",
        choice.compiled() ? "" : "not ",
        choice.reason());
    return training;
  }
}
