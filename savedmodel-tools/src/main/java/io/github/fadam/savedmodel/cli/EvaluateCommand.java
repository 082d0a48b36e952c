package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.data.NpzWriter;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.Evaluation;
import io.github.fadam.savedmodel.training.ModelEvaluator;
import io.github.fadam.savedmodel.training.Predictions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fadam evaluate}: measures a SavedModel on data. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures a SavedModel on data with labels: the loss, and the accuracy of a classifier.",
      "DATA is as for 'fadam finetune'."
    },
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam evaluate model --data held-out.npz",
      "  fadam evaluate model --data rows.csv --loss mse --predictions out.npz"
    })
final class EvaluateCommand implements Callable<Integer> {

  @Mixin private RunOptions run;

  @Option(
      names = "--data",
      paramLabel = "DATA",
      required = true,
      description = "Data to measure on, .npz or .csv.")
  private Path data;

  @Mixin private LossOptions loss;

  @Option(
      names = "--predictions",
      paramLabel = "FILE.npz",
      description = "Write the signature's outputs, an array each, for numpy.load.")
  private Path predictions;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    run.check();
    loss.check();
    run.requirePlaceForReport();
    ModelData.requireDirectoryFor("--predictions", predictions);
    DataSource source = new ModelData(SavedModel.read(run.model()), loss.signature()).open(data);
    ModelEvaluator.Builder builder = ModelEvaluator.of(run.model()).data(source);
    loss.apply(builder);
    try (ModelEvaluator evaluator = builder.build()) {
      Evaluation evaluation = evaluator.evaluate(source, run.batchSize());
      PrintWriter out = spec.commandLine().getOut();
      out.println(evaluation.rows() + " rows: " + TrainingProgress.text(evaluation));
      if (predictions != null) {
        try (Predictions outputs = evaluator.predict(source, run.batchSize())) {
          NpzWriter.writeBatches(predictions, outputs.batches());
        }
        out.println("predictions written to " + predictions);
      }
      if (run.isReported()) {
        run.write(report(evaluator.signature().key(), evaluation));
      }
    }
    return 0;
  }

  private Map<String, Object> report(String signature, Evaluation evaluation) {
    Map<String, Object> options = new LinkedHashMap<>();
    options.put("model", run.model().toString());
    options.put("data", data.toString());
    options.putAll(loss.report(signature));
    options.put("batchSize", run.batchSize());
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("options", options);
    result.put("rows", evaluation.rows());
    result.putAll(FinetuneReport.measures(evaluation));
    result.put("predictions", predictions == null ? null : predictions.toString());
    return result;
  }
}
