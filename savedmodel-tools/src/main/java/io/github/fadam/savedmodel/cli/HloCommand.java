package io.github.fadam.savedmodel.cli;

import io.github.fadam.ops.xla.HloDump;
import io.github.fadam.ops.xla.HloModule;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.Xla;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fadam hlo}: shows what XLA makes of a model's training step. */
@Command(
    name = "hlo",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Compiles a model's training step with XLA, in a process of its own, and says what came of"
          + " it: modules, variables that are updated in place, fusions, waits for the host."
    },
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExample:%n",
    footer = "  fadam hlo model --train new.npz --batch-size 32 --out hlo")
final class HloCommand implements Callable<Integer> {

  private static final String HERE = "--compile-here";

  @Mixin private RunOptions run;

  @Option(
      names = "--train",
      paramLabel = "DATA",
      required = true,
      description = "Data whose first batch the step is compiled for, .npz or .csv.")
  private Path train;

  @Mixin private LossOptions loss;

  @Mixin private OptimizerOptions optimizer;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Write the optimized HLO there, a file for each module.")
  private Path out;

  @Option(names = HERE, hidden = true, description = "What the other process does.")
  private boolean here;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    run.check();
    loss.check();
    optimizer.check();
    if (here) {
      compile();
      return 0;
    }
    List<String> arguments =
        new ArrayList<>(spec.root().commandLine().getParseResult().originalArgs());
    arguments.add(HERE);
    List<HloModule> modules = HloDump.ofProcess(FadamCommand.class.getName(), arguments);
    for (HloModule module : modules) {
      spec.commandLine()
          .getOut()
          .printf(
              "%s: %d updated in place, %d fusions, %d waits for the host%n",
              module.name(),
              module.aliases().size(),
              module.fusions(),
              module.hostTransfers().size());
      if (out != null) {
        Files.createDirectories(out);
        Path file = out.resolve(module.name() + ".txt");
        Files.writeString(file, module.text());
        spec.commandLine().getOut().printf("written to %s%n", file);
      }
    }
    return 0;
  }

  private void compile() throws IOException {
    SavedModel model = SavedModel.read(run.model());
    DataSource data = new ModelData(model, loss.signature()).open(train);
    FineTuner.Builder builder =
        FineTuner.of(run.model()).optimizer(optimizer.factory(1)).xla(Xla.STEP).data(data);
    loss.apply(builder);
    try (FineTuner tuner = builder.build()) {
      tuner.fit(data, FitOptions.steps(1).batchSize(run.batchSize()));
    }
  }
}
