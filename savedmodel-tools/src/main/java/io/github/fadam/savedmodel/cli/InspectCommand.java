package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.model.SavedModel;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fadam inspect}: what a SavedModel holds and what of it trains. Runs nothing of it. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Shows what a SavedModel takes, gives and holds, and what of it trains, without running any of"
          + " it.",
      "Signatures with their inputs, outputs and operations; what a training of each would train,"
          + " what it cannot and why; variables as a tree with parameter counts, dtypes, shapes,"
          + " whether they train and what says so; functions and assets."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam inspect my-model",
      "  fadam inspect my-model --depth 2",
      "  fadam inspect my-model --shape 'x=?,20,3'",
      "  fadam inspect my-model --json | jq '.variables[] | select(.trainable) | .name'",
      "  fadam inspect my-model --json | jq '.training.serving_default.obstacles'"
    })
final class InspectCommand implements Callable<Integer> {

  @Parameters(paramLabel = "MODEL", description = "Directory that holds saved_model.pb.")
  private Path model;

  @Option(
      names = "--json",
      description =
          "Print JSON: signatures, variables, parameters, functions, ops, assets, folders,"
              + " training. Open dimensions are -1, an unknown shape is null.")
  private boolean json;

  @Option(
      names = "--depth",
      paramLabel = "N",
      description =
          "Levels of the variables' tree to show; folders below are summed up." + " Default: all.")
  private int depth = Integer.MAX_VALUE;

  @Mixin private InputOptions inputs;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (depth < 1) {
      throw new ParameterException(
          spec.commandLine(), "Expected --depth of at least 1, found " + depth + ".");
    }
    inputs.check();
    InspectReport report = InspectReport.of(SavedModel.read(model), inputs);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.text(report));
    } else {
      new InspectText(report, out).print(depth);
    }
    return 0;
  }
}
