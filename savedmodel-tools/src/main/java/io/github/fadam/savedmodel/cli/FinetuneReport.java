package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.Evaluation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code fadam finetune --report} writes.
 *
 * @param options every option as it was used, defaults included
 * @param parameters number of parameters
 * @param losses loss of each step's batch, before the step's update
 * @param measuredOn the data behind {@code before} and {@code after}: validation or training
 * @param before loss and metrics of the model as it was given
 * @param after loss and metrics of the model as it was written
 * @param secondsPerStep median wall time of a step
 * @param ended why the run ended
 * @param output the directory that was written
 */
record FinetuneReport(
    Map<String, Object> options,
    ParameterCount parameters,
    List<Double> losses,
    String measuredOn,
    Map<String, Double> before,
    Map<String, Double> after,
    double secondsPerStep,
    String ended,
    String output) {

  /** Loss and metrics in one map. */
  static Map<String, Double> measures(Evaluation evaluation) {
    Map<String, Double> measures = new LinkedHashMap<>();
    measures.put("loss", evaluation.loss());
    measures.putAll(evaluation.metrics());
    return measures;
  }
}
