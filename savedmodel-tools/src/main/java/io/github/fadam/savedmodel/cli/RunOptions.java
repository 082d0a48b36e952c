package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.FitOptions;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Which model is run, in which batches, and where the report goes. */
final class RunOptions {

  @Parameters(paramLabel = "MODEL", description = "Directory of the SavedModel; never changed.")
  private Path model;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "" + FitOptions.DEFAULT_BATCH_SIZE,
      description = "Rows in a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(names = "--report", paramLabel = "FILE", description = "Write what was done as JSON.")
  private Path report;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  Path model() {
    return model;
  }

  int batchSize() {
    return batchSize;
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    requirePositive(spec, "--batch-size", (long) batchSize);
  }

  void requirePlaceForReport() throws IOException {
    ModelData.requireDirectoryFor("--report", report);
  }

  boolean isReported() {
    return report != null;
  }

  void write(Object result) throws IOException {
    Json.write(report, result);
  }

  static void requirePositive(CommandSpec spec, String option, Long value) {
    if (value != null && value < 1) {
      throw new ParameterException(
          spec.commandLine(), "Expected " + option + " of at least 1, found " + value + ".");
    }
  }
}
