package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.Mode;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say how the model runs in training steps. */
final class ModeOptions {

  @Option(
      names = "--mode",
      paramLabel = "MODE",
      defaultValue = "inference",
      description = {
        "How the model runs in training steps. inference: as it answers its callers, with batch"
            + " normalisation frozen and without dropout. training: as its author trained it, where"
            + " the model has what it takes: a Keras 2 save, an endpoint 'train', or a placeholder"
            + " that --feed sets. Default: ${DEFAULT-VALUE}."
      })
  private String mode;

  @Option(
      names = "--training-signature",
      paramLabel = "KEY",
      description =
          "Signature that training steps run with --mode training. Default: 'train', 'training' or"
              + " 'call_training' if there is one like --signature.")
  private String trainingSignature;

  @Option(
      names = "--no-regularization",
      description = "Leave the model's own losses, of its weights say, out of the training loss.")
  private boolean noRegularization;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  void check() {
    mode();
  }

  private Mode mode() {
    return switch (mode.toLowerCase(Locale.ROOT)) {
      case "inference" -> Mode.INFERENCE;
      case "training" -> Mode.TRAINING;
      default ->
          throw new ParameterException(
              spec.commandLine(), "Expected inference or training for --mode, found " + mode + ".");
    };
  }

  void apply(FineTuner.Builder builder) {
    builder.mode(mode()).regularization(!noRegularization);
    if (trainingSignature != null) {
      builder.trainingSignature(trainingSignature);
    }
  }

  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("mode", mode().name().toLowerCase(Locale.ROOT));
    report.put("trainingSignature", trainingSignature);
    report.put("regularization", !noRegularization);
    return report;
  }
}
