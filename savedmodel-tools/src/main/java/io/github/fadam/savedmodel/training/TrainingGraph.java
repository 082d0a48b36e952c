package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.CompiledStep;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.gradient.UnsupportedGradientException;
import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * What is added to a signature's scoring graph to train it: gradients and the optimizer's step.
 *
 * @param scoring inputs, labels, loss of the steps
 * @param inference the same of the model as it answers its callers
 * @param step runs one micro-step and what the signature's functions do besides
 * @param optimizer whose step it is
 * @param loss the step's loss
 * @param skipped the guard's counters behind the step, if there is a guard
 */
record TrainingGraph(
    ScoringGraph scoring,
    ScoringGraph inference,
    Op step,
    RuleOptimizer optimizer,
    Operand<TFloat32> loss,
    Optional<Operand<TInt64>> skipped) {

  /** Adds the step. */
  static TrainingGraph build(
      ScoredPlan steps,
      ScoringGraph inference,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    Operand<TFloat32> loss = steps.scoring().loss();
    Op step =
        explained(
            steps.plan(), () -> optimizer.minimize(loss, variables, steps.emitted().sideEffects()));
    return of(steps, inference, step, optimizer, loss);
  }

  /** Adds the step as one compiled function. */
  @SuppressWarnings("unchecked") // a function does not change the type of the loss
  static TrainingGraph compile(
      ScoredPlan steps,
      ScoringGraph inference,
      List<Output<?>> variables,
      RuleOptimizer optimizer,
      Optional<DeviceSpec> device) {
    CompiledStep step =
        explained(
            steps.plan(),
            () ->
                optimizer.minimizeCompiled(
                    steps.scoring().loss(), variables, steps.emitted().sideEffects(), device));
    return of(steps, inference, step.step(), optimizer, (Operand<TFloat32>) step.loss());
  }

  private static TrainingGraph of(
      ScoredPlan steps,
      ScoringGraph inference,
      Op step,
      RuleOptimizer optimizer,
      Operand<TFloat32> loss) {
    Optional<Operand<TInt64>> skipped =
        optimizer.skippedSteps().map(counters -> counters.readBehind(step));
    return new TrainingGraph(steps.scoring(), inference, step, optimizer, loss, skipped);
  }

  /** The inliner knows why it left an operation that has no gradient. */
  private static <T> T explained(InlinePlan plan, Supplier<T> differentiates) {
    try {
      return differentiates.get();
    } catch (UnsupportedGradientException e) {
      String why =
          e.reasons().stream()
              .flatMap(found -> KeptNodes.of(plan, found.opName()).stream())
              .distinct()
              .map(
                  kept -> "\n'" + kept.getKey() + "' is as it was because " + kept.getValue() + ".")
              .collect(Collectors.joining());
      if (why.isEmpty()) {
        throw e;
      }
      throw new IllegalArgumentException(e.getMessage() + why, e);
    }
  }
}
