package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.export.SavedModelExporter;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.EarlyStopping;
import io.github.fadam.savedmodel.training.Evaluation;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fadam finetune}: trains a SavedModel on new data and writes it to a new directory. */
@Command(
    name = "finetune",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains a SavedModel on your data and writes the result to a directory of its own, which"
          + " Python, Keras and TensorFlow Serving load like the original.",
      "",
      "DATA is a .npz file (numpy.savez) whose arrays are named as the signature's inputs, and"
          + " 'labels'; or a .csv file with a header of these names, name[0], name[1], ... for"
          + " vectors. See the inputs with 'fadam inspect MODEL'."
    },
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam finetune model --train new.npz --out model-tuned --epochs 3",
      "  fadam finetune model --train new.npz --validation held-out.npz --out tuned \\",
      "      --trainable 'head/*' --learning-rate 3e-4 --set weight-decay=0.01 --report run.json",
      "  fadam finetune model --train new.npz --out tuned --epochs 90 --checkpoint state --resume",
      "  fadam finetune model --train both.npz --out tuned --steps 500 \\",
      "      --loss class=sparse_categorical_crossentropy --loss box=mse",
      "",
      "A GLOB matches from any path segment on: 'head/*' matches sequential/head/kernel; it"
          + " matches from the start when it begins with '/'."
    })
final class FinetuneCommand implements Callable<Integer> {

  @Parameters(paramLabel = "MODEL", description = "Directory of the SavedModel; never changed.")
  private Path model;

  @Option(
      names = "--train",
      paramLabel = "DATA",
      required = true,
      description = "Data to train on, .npz or .csv.")
  private Path train;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "Directory to write; must not exist, but for --overwrite.")
  private Path out;

  @Option(
      names = "--validation",
      paramLabel = "DATA",
      description = "Data to measure on before, between the epochs and after. Default: --train.")
  private Path validation;

  @Mixin private LossOptions loss;

  @Option(
      names = "--trainable",
      paramLabel = "GLOB",
      description =
          "Train only variables whose names match. May be repeated. Default: all that"
              + " the model's author meant to be trained.")
  private List<String> trainable = List.of();

  @Option(
      names = "--frozen",
      paramLabel = "GLOB",
      description = "Keep variables whose names match as they are. May be repeated.")
  private List<String> frozen = List.of();

  @Mixin private OptimizerOptions optimizer;

  @ArgGroup(exclusive = true)
  private Length length = new Length();

  @Option(
      names = "--early-stopping",
      paramLabel = "N",
      description = "End after N epochs without a lower validation loss; needs --validation.")
  private Integer earlyStopping;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      defaultValue = "" + FitOptions.DEFAULT_BATCH_SIZE,
      description = "Rows in a batch. Default: ${DEFAULT-VALUE}.")
  private int batchSize;

  @Option(names = "--no-shuffle", description = "Take the rows in the order of the data.")
  private boolean noShuffle;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "What the order of the rows depends on. Default: ${DEFAULT-VALUE}.")
  private long seed;

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

  @Option(names = "--report", paramLabel = "FILE", description = "Write what was done as JSON.")
  private Path report;

  @Option(names = "--quiet", description = "Print nothing but errors.")
  private boolean quiet;

  @Option(
      names = "--overwrite",
      description = "Replace DIR, once the new model is whole, if it exists.")
  private boolean overwrite;

  @Spec private CommandSpec spec;

  /** How long to train: one or the other. */
  static final class Length {
    @Option(
        names = "--epochs",
        paramLabel = "N",
        description = "Number of times to use every row. Default: 1.")
    private Long epochs;

    @Option(names = "--steps", paramLabel = "N", description = "Number of updates.")
    private Long steps;

    /** Null where steps are given. */
    Long epochs() {
      return epochs == null && steps == null ? Long.valueOf(1) : epochs;
    }

    FitOptions options() {
      return steps != null ? FitOptions.steps(steps) : FitOptions.epochs(epochs());
    }
  }

  @Override
  public Integer call() throws IOException {
    requireUsage();
    ModelData.requireDirectoryFor("--report", report);
    ModelData files = new ModelData(SavedModel.read(model), loss.signature());
    SavedModelExporter.requireTarget(model, out, overwrite);
    DataSource training = files.open(train);
    DataSource held = validation == null ? training : files.open(validation);
    FineTuner.Builder builder =
        FineTuner.of(model)
            .trainable(trainable.toArray(String[]::new))
            .frozen(frozen.toArray(String[]::new))
            .optimizer(optimizer.factory(steps(training.rows())));
    loss.apply(builder);
    try (FineTuner tuner = builder.build()) {
      say("%s: %,d of %,d parameters train", model, tuner.trainedParameters(), tuner.parameters());
      say("%s keeps %,d bytes of state", optimizer.name(), tuner.optimizer().stateBytes());
      Evaluation before = tuner.evaluate(held, batchSize);
      say("before  %s", TrainingProgress.text(before));
      History history = fit(tuner, training, held);
      if (history.resumedFrom() > 0) {
        say("resumed after step %,d", history.resumedFrom());
      }
      if (history.ended() == History.Ending.INTERRUPTED) {
        spec.commandLine()
            .getErr()
            .println(
                "Interrupted after step "
                    + (history.resumedFrom() + history.losses().size())
                    + (checkpoint == null
                        ? "; nothing was written."
                        : "; it is saved in " + checkpoint + ", go on with --resume."));
        return FadamCommand.FAILED;
      }
      Evaluation after = tuner.evaluate(held, batchSize);
      say("after   %s", TrainingProgress.text(after));
      tuner.export(out, overwrite);
      say("written to %s", out);
      if (report != null) {
        Json.write(report, report(tuner, before, history, after));
      }
    }
    return 0;
  }

  private long steps(long rows) {
    return length.options().batchSize(batchSize).totalSteps(rows, optimizer.microSteps());
  }

  private History fit(FineTuner tuner, DataSource training, DataSource held) {
    if (checkpoint == null) {
      return train(tuner, training, held);
    }
    InterruptAtShutdown shutdown = new InterruptAtShutdown();
    try {
      return train(tuner, training, held);
    } finally {
      shutdown.close();
    }
  }

  private History train(FineTuner tuner, DataSource training, DataSource held) {
    FitOptions options = length.options().batchSize(batchSize).shuffle(!noShuffle).seed(seed);
    if (validation != null) {
      options = options.validation(held);
    }
    if (checkpoint != null) {
      options = options.checkpoint(checkpoint).resume(resume);
      if (checkpointEvery != null) {
        options = options.checkpointEvery(checkpointEvery);
      }
    }
    if (earlyStopping != null) {
      options = options.listener(EarlyStopping.onLoss(earlyStopping));
    }
    if (quiet) {
      return tuner.fit(training, options);
    }
    PrintWriter lines = spec.commandLine().getErr();
    try (TrainingProgress progress = TrainingProgress.of(optimizer.name(), lines)) {
      return tuner.fit(training, options.listener(progress));
    }
  }

  private FinetuneReport report(
      FineTuner tuner, Evaluation before, History history, Evaluation after) {
    return new FinetuneReport(
        options(tuner),
        new ParameterCount(tuner.parameters(), tuner.trainedParameters()),
        history.losses(),
        validation == null ? "training" : "validation",
        FinetuneReport.measures(before),
        FinetuneReport.measures(after),
        history.secondsPerStep(),
        history.ended().name().toLowerCase(Locale.ROOT),
        out.toString());
  }

  private Map<String, Object> options(FineTuner tuner) {
    Map<String, Object> options = new LinkedHashMap<>();
    options.put("model", model.toString());
    options.put("train", train.toString());
    options.put("validation", validation == null ? null : validation.toString());
    options.putAll(loss.report(tuner.signature().key()));
    options.put("trainable", trainable);
    options.put("frozen", frozen);
    options.putAll(optimizer.report());
    options.put("epochs", length.epochs());
    options.put("steps", length.steps);
    options.put("batchSize", batchSize);
    options.put("earlyStopping", earlyStopping);
    options.put("checkpoint", checkpoint == null ? null : checkpoint.toString());
    options.put("checkpointEvery", checkpointEvery);
    options.put("resume", resume);
    options.put("shuffle", !noShuffle);
    options.put("seed", seed);
    return options;
  }

  /** Refuses what cannot be right whatever the model and the data. */
  private void requireUsage() {
    requirePositive("--epochs", length.epochs());
    requirePositive("--steps", length.steps);
    requirePositive("--batch-size", (long) batchSize);
    requirePositive("--checkpoint-every", checkpointEvery);
    if (checkpoint == null && (resume || checkpointEvery != null)) {
      throw new ParameterException(
          spec.commandLine(),
          "Expected --checkpoint with "
              + (resume ? "--resume" : "--checkpoint-every")
              + ", found none; give the directory of the checkpoints.");
    }
    if (earlyStopping != null) {
      requirePositive("--early-stopping", (long) earlyStopping);
      if (validation == null) {
        throw new ParameterException(
            spec.commandLine(),
            "Expected --validation with --early-stopping, found none; give data to go by.");
      }
    }
    loss.check();
    optimizer.check();
  }

  private void requirePositive(String option, Long value) {
    if (value != null && value < 1) {
      throw new ParameterException(
          spec.commandLine(), "Expected " + option + " of at least 1, found " + value + ".");
    }
  }

  private void say(String format, Object... values) {
    if (!quiet) {
      spec.commandLine().getOut().println(String.format(Locale.ROOT, format, values));
    }
  }
}
