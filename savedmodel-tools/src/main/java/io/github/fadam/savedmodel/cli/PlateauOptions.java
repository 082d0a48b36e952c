package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.EarlyStopping;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.ReduceOnPlateau;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say what happens when the validation gets no better. */
final class PlateauOptions {

  private static final double DEFAULT_FACTOR = 0.1;

  @Option(
      names = "--early-stopping",
      paramLabel = "N",
      description = "End after N epochs without a lower validation loss; needs --validation.")
  private Integer earlyStopping;

  @Option(
      names = "--reduce-on-plateau",
      paramLabel = "N[:FACTOR]",
      description =
          "Multiply the learning rate with FACTOR, "
              + DEFAULT_FACTOR
              + " where none is given, after N epochs without a lower validation loss; needs"
              + " --validation.")
  private String reduceOnPlateau;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Patience and factor. */
  private record Reduction(int patience, double factor) {

    static Reduction parse(String text) {
      int colon = text.indexOf(':');
      String patience = colon < 0 ? text : text.substring(0, colon);
      Reduction reduction =
          new Reduction(
              Integer.parseInt(patience),
              colon < 0 ? DEFAULT_FACTOR : Double.parseDouble(text.substring(colon + 1)));
      if (reduction.patience < 1 || !(reduction.factor > 0 && reduction.factor < 1)) {
        throw new NumberFormatException(text);
      }
      return reduction;
    }
  }

  /** Refuses what cannot be right whatever the model. */
  void check(boolean validated) {
    if (earlyStopping != null) {
      RunOptions.requirePositive(spec, "--early-stopping", (long) earlyStopping);
      requireValidation("--early-stopping", validated);
    }
    if (reduceOnPlateau != null) {
      try {
        Reduction.parse(reduceOnPlateau);
      } catch (NumberFormatException e) {
        throw usage(
            "Expected --reduce-on-plateau N[:FACTOR] with N of at least 1 and a factor above 0 and"
                + " below 1, found "
                + reduceOnPlateau
                + "; try 3:0.5.");
      }
      requireValidation("--reduce-on-plateau", validated);
    }
  }

  private void requireValidation(String option, boolean validated) {
    if (!validated) {
      throw usage("Expected --validation with " + option + ", found none; give data to go by.");
    }
  }

  FitOptions apply(FitOptions options, FineTuner tuner) {
    FitOptions watched = options;
    if (earlyStopping != null) {
      watched = watched.listener(EarlyStopping.onLoss(earlyStopping));
    }
    if (reduceOnPlateau != null) {
      Reduction reduction = Reduction.parse(reduceOnPlateau);
      watched =
          watched.listener(ReduceOnPlateau.of(tuner, reduction.factor(), reduction.patience(), 0));
    }
    return watched;
  }

  /** What a report says of these options. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("earlyStopping", earlyStopping);
    report.put("reduceOnPlateau", reduceOnPlateau);
    return report;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
