package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.RuleOptimizer;
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
   * Builds a step.
   *
   * @param choice whether it is compiled
   * @param required whether it is an error if it cannot be
   * @throws IllegalArgumentException if it has to be compiled and cannot be, or cannot be built at
   *     all
   */
  static ChosenStep of(
      Compilation choice,
      boolean required,
      Optional<Device> device,
      LoadedSignature loaded,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    if (!choice.compiled()) {
      return plain(choice, loaded, variables, optimizer);
    }
    try {
      return compiled(choice, device, loaded, variables, optimizer);
    } catch (IllegalArgumentException e) {
      // What no step can be built for is refused once more, by the plain one.
      if (required) {
        throw e;
      }
      return plain(
          Compilation.of(false, "it cannot be compiled: " + e.getMessage()),
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
        TrainingGraph.build(loaded.steps(), loaded.inference().scoring(), variables, optimizer),
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
