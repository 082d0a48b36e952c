package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.xla.NotCompilableException;
import java.util.List;
import java.util.Optional;
import org.tensorflow.Output;

/**
 * A training step, compiled or not.
 *
 * @param graph the step
 * @param compilation what was chosen and why
 */
record ChosenStep(TrainingGraph graph, Compilation compilation) {

  /**
   * Builds the step that was asked for.
   *
   * @throws NotCompilableException if it has to be compiled and cannot be
   */
  static ChosenStep of(
      Xla xla,
      Optional<Device> device,
      LoadedSignature loaded,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    Compilation choice = Compilation.choose(xla, device, loaded.steps().plan());
    if (!choice.compiled()) {
      return plain(choice, loaded, variables, optimizer);
    }
    try {
      return compiled(choice, device, loaded, variables, optimizer);
    } catch (NotCompilableException e) {
      if (xla != Xla.AUTO || device.equals(Optional.of(Device.TPU))) {
        throw e;
      }
      return plain(
          Compilation.not("it cannot be compiled: " + e.getMessage()),
          loaded,
          variables,
          optimizer);
    }
  }

  private static ChosenStep plain(
      Compilation choice,
      LoadedSignature loaded,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    return new ChosenStep(
        TrainingGraph.build(
            loaded.ops(), loaded.steps(), loaded.inference().scoring(), variables, optimizer),
        choice);
  }

  private static ChosenStep compiled(
      Compilation choice,
      Optional<Device> device,
      LoadedSignature loaded,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    Optional<String> interacting = loaded.rowsInteract();
    Optional<ScoredPlan> weighted =
        interacting.isPresent() ? Optional.empty() : loaded.weightedSteps();
    TrainingGraph graph =
        TrainingGraph.compile(
            weighted.orElse(loaded.steps()),
            loaded.inference().scoring(),
            variables,
            optimizer,
            device.map(Device::spec));
    return new ChosenStep(
        graph,
        weighted.isPresent()
            ? choice.filledUp()
            : choice.notFilledUp(
                interacting.orElse("a loss of one's own does not say how to weight rows")));
  }
}
