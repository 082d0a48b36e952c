package io.github.fadam.savedmodel.cli;

import io.github.fadam.framework.optimizer.KernelChoice;
import io.github.fadam.savedmodel.training.Compilation;
import io.github.fadam.savedmodel.training.Evaluation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code fadam finetune --report} writes.
 *
 * @param options every option as it was used, defaults included
 * @param optimizer every option of the optimizer by the name that {@code --set} takes, {@code
 *     accumulate} and {@code ema} among them
 * @param compilation whether XLA compiled the step, why, for which shapes and how long it took
 * @param kernels what updated how many variables, and why
 * @param parameters number of parameters
 * @param stateBytes bytes that the optimizer's rule keeps
 * @param stateBytesByGroup the same by parameter group, {@code no group} for the rest
 * @param losses loss of each step that was made here, before its update; null where the guard
 *     skipped it and it was no number
 * @param measuredOn the data behind {@code before} and {@code after}: validation or training
 * @param before loss and metrics of the model as it was given
 * @param after loss and metrics of the model as it was written
 * @param resumedFrom number of steps that were restored and are not in {@code losses}
 * @param skippedSteps how often the guard skipped, of an accumulated step its micro-steps
 * @param secondsPerStep median wall time of a step
 * @param secondsInSession median wall time that a step spends in the session's runs
 * @param ended why the run ended
 * @param written option to the directory or file that was written for it
 */
record FinetuneReport(
    Map<String, Object> options,
    Map<String, String> optimizer,
    Compilation compilation,
    List<KernelChoice> kernels,
    ParameterCount parameters,
    long stateBytes,
    Map<String, Long> stateBytesByGroup,
    List<Double> losses,
    String measuredOn,
    Map<String, Double> before,
    Map<String, Double> after,
    long resumedFrom,
    long skippedSteps,
    double secondsPerStep,
    double secondsInSession,
    String ended,
    Map<String, String> written) {

  /** Loss and metrics in one map. */
  static Map<String, Double> measures(Evaluation evaluation) {
    Map<String, Double> measures = new LinkedHashMap<>();
    measures.put("loss", evaluation.loss());
    measures.putAll(evaluation.metrics());
    return measures;
  }
}
