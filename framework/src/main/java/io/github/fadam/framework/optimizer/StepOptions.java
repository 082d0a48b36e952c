package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.GradientTransform;
import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.ops.fisher.Form;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Everything around the rule that a builder has collected.
 *
 * @param masterWeights whether 16-bit variables get a master copy
 * @param transforms what is done to gradients, in order
 * @param guard what happens when a gradient is not finite
 * @param lossScale the factor on the loss
 * @param microSteps how many gradients a step averages, 1 for no accumulation
 * @param squares which squares enter the Fisher information
 * @param ema the decay of the weights' average
 * @param lazyRows name patterns of the variables that are updated by rows
 * @param kernel what carries out the update
 */
record StepOptions(
    boolean masterWeights,
    List<GradientTransform> transforms,
    Optional<Guard> guard,
    Optional<LossScale> lossScale,
    int microSteps,
    Squares squares,
    OptionalDouble ema,
    List<String> lazyRows,
    Kernel kernel) {

  /** Whether gradients are tested: a loss scale that follows them has to know too. */
  boolean isGuarded() {
    return guard.isPresent() || lossScale.filter(LossScale.Dynamic.class::isInstance).isPresent();
  }

  /** A step of which XLA compiles the update is built in a function, as part of it. */
  Form form() {
    return kernel == Kernel.XLA ? Form.COMPILED : Form.OPERATIONS;
  }

  boolean isAccumulated() {
    return microSteps > 1;
  }

  /**
   * The same for a step that XLA compiles, in which there can be no native operation.
   *
   * @throws IllegalArgumentException if native operations are what was asked for
   */
  StepOptions compiled(String optimizer) {
    if (kernel == Kernel.NATIVE) {
      throw new IllegalArgumentException(
          optimizer
              + " expected a kernel that XLA can compile, found native; choose kernel auto, or"
              + " compile nothing.");
    }
    return new StepOptions(
        masterWeights,
        transforms,
        guard,
        lossScale,
        microSteps,
        squares,
        ema,
        lazyRows,
        Kernel.XLA);
  }
}
