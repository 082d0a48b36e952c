package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.FitOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say where and when a run is saved. */
final class CheckpointOptions {

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description =
          "Save the run there after every epoch and when it is interrupted, the last "
              + FitOptions.DEFAULT_KEPT_CHECKPOINTS
              + " and the best.")
  private Path checkpoint;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      description = "Save after every N steps instead of every epoch.")
  private Long checkpointEvery;

  @Option(
      names = "--resume",
      description =
          "Go on from the newest whole checkpoint in --checkpoint; from the beginning if there is"
              + " none.")
  private boolean resume;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  Optional<Path> directory() {
    return Optional.ofNullable(checkpoint);
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    RunOptions.requirePositive(spec, "--checkpoint-every", checkpointEvery);
    if (checkpoint == null && (resume || checkpointEvery != null)) {
      throw new ParameterException(
          spec.commandLine(),
          "Expected --checkpoint with "
              + (resume ? "--resume" : "--checkpoint-every")
              + ", found none; give the directory of the checkpoints.");
    }
  }

  FitOptions apply(FitOptions options) {
    if (checkpoint == null) {
      return options;
    }
    FitOptions saved = options.checkpoint(checkpoint).resume(resume);
    return checkpointEvery == null ? saved : saved.checkpointEvery(checkpointEvery);
  }

  /** What a report says of these options. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("checkpoint", checkpoint == null ? null : checkpoint.toString());
    report.put("checkpointEvery", checkpointEvery);
    report.put("resume", resume);
    return report;
  }
}
