package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.Compilation;
import io.github.fadam.savedmodel.training.Device;
import io.github.fadam.savedmodel.training.Evaluation;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.Xla;
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
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

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
      "  fadam finetune model --train new.npz --out tuned --batch-size 8 --accumulate 4 \\",
      "      --loss-scale dynamic --ema 0.999",
      "  fadam finetune model --train new.npz --out tuned --mode training --feed is_training=true",
      "  fadam finetune model --train both.npz --out tuned --steps 500 \\",
      "      --loss class=sparse_categorical_crossentropy --loss box=mse",
      "",
      "A GLOB matches from any path segment on: 'head/*' matches sequential/head/kernel; it"
          + " matches from the start when it begins with '/'."
    })
final class FinetuneCommand implements Callable<Integer> {

  @Mixin private RunOptions run;

  @Option(
      names = "--train",
      paramLabel = "DATA",
      required = true,
      description = "Data to train on, .npz or .csv.")
  private Path train;

  @Mixin private ExportOptions export;

  @Option(
      names = "--validation",
      paramLabel = "DATA",
      description = "Data to measure on before, between the epochs and after. Default: --train.")
  private Path validation;

  @Mixin private LossOptions loss;

  @Mixin private ModeOptions mode;

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

  @Option(
      names = "--unfreeze",
      paramLabel = "GLOB",
      description =
          "Train variables whose names match although the model's author froze them. May be"
              + " repeated.")
  private List<String> unfrozen = List.of();

  @Mixin private OptimizerOptions optimizer;

  @ArgGroup(exclusive = true)
  private Length length = new Length();

  @Mixin private PlateauOptions plateau;

  @Option(names = "--no-shuffle", description = "Take the rows in the order of the data.")
  private boolean noShuffle;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "What the order of the rows depends on. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--xla",
      paramLabel = "MODE",
      converter = XlaConverter.class,
      description =
          "Compile the whole training step with XLA: off, step, auto, a rule over the model's"
              + " operations, or measure, which times both. Default: off; with --resume as the run"
              + " was begun.")
  private Xla xla;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      converter = DeviceConverter.class,
      description =
          "Kind of device for the training steps: cpu, gpu or tpu. Default: TensorFlow's choice.")
  private Device device;

  @Mixin private CheckpointOptions checkpoint;

  @Option(names = "--quiet", description = "Print nothing but errors.")
  private boolean quiet;

  @Spec private CommandSpec spec;

  /** Reads the names that reports use. */
  static final class XlaConverter implements ITypeConverter<Xla> {
    @Override
    public Xla convert(String value) {
      try {
        return Xla.of(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Reads the names that reports use. */
  static final class DeviceConverter implements ITypeConverter<Device> {
    @Override
    public Device convert(String value) {
      try {
        return Device.of(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

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
    run.requirePlaceForReport();
    SavedModel model = SavedModel.read(run.model());
    ModelData files = new ModelData(model, loss.signature());
    export.requirePlaces(model, ModelData.signature(model, loss.signature()));
    DataSource training = files.open(train);
    DataSource held = validation == null ? training : files.open(validation);
    FitOptions fit = options(held);
    long steps = fit.totalSteps(training.rows(), optimizer.microSteps());
    FineTuner.Builder builder =
        FineTuner.of(run.model())
            .trainable(trainable.toArray(String[]::new))
            .frozen(frozen.toArray(String[]::new))
            .unfreeze(unfrozen.toArray(String[]::new))
            .optimizer(optimizer.factory(steps))
            .data(training, held);
    if (xla != null) {
      builder.xla(xla);
    }
    if (device != null) {
      builder.device(device);
    }
    files.shapesForLoops(training).forEach(builder::inputShape);
    loss.apply(builder);
    mode.apply(builder);
    try (FineTuner tuner = builder.build()) {
      say(
          "%s: %,d of %,d parameters train",
          run.model(), tuner.trainedParameters(), tuner.parameters());
      say("%s keeps %,d bytes of state", optimizer.name(), tuner.optimizer().stateBytes());
      Map<String, Long> ofGroups = tuner.optimizer().stateBytesByGroup();
      if (ofGroups.size() > 1) {
        ofGroups.forEach((group, bytes) -> say("  %,d of them for %s", bytes, group));
      }
      Compilation chosen = tuner.compilation();
      if (xla != null && xla != Xla.OFF) {
        sayCompiled(chosen);
      }
      tuner.optimizer().kernelChoices().forEach(choice -> say("updates %s", choice));
      tuner.warnings().forEach(warning -> say("note: %s", warning));
      Evaluation before = tuner.evaluate(held, run.batchSize());
      say("before  %s", TrainingProgress.text(before));
      History history = fit(tuner, training, plateau.apply(fit, tuner));
      if (!tuner.compilation().reason().equals(chosen.reason())) {
        sayCompiled(tuner.compilation());
      }
      if (history.resumedFrom() > 0) {
        say("resumed after step %,d", history.resumedFrom());
      }
      if (history.skippedSteps() > 0) {
        say("skipped %,d times: gradients were not finite", history.skippedSteps());
      }
      Compilation compilation = tuner.compilation();
      if (compilation.compiled()) {
        say(
            "compiled for %d combinations of shapes in %.1f s; a smaller batch is %s",
            compilation.shapes().size(), compilation.seconds(), compilation.smallerBatches());
      }
      if (history.ended() == History.Ending.INTERRUPTED) {
        spec.commandLine().getErr().println(interrupted(history));
        return FadamCommand.FAILED;
      }
      Evaluation after = tuner.evaluate(held, run.batchSize());
      say("after   %s", TrainingProgress.text(after));
      Map<String, String> written = export.write(tuner);
      say("written to %s", String.join(", ", written.values()));
      if (run.isReported()) {
        run.write(report(tuner, before, history, after, written));
      }
    }
    return 0;
  }

  private void sayCompiled(Compilation chosen) {
    say("the step is %scompiled by XLA: %s", chosen.compiled() ? "" : "not ", chosen.reason());
  }

  private String interrupted(History history) {
    return "Interrupted after step "
        + (history.resumedFrom() + history.losses().size())
        + checkpoint
            .directory()
            .map(directory -> "; it is saved in " + directory + ", go on with --resume.")
            .orElse("; nothing was written.");
  }

  private FitOptions options(DataSource held) {
    FitOptions options = length.options().batchSize(run.batchSize()).shuffle(!noShuffle).seed(seed);
    if (validation != null) {
      options = options.validation(held);
    }
    return checkpoint.apply(options);
  }

  private History fit(FineTuner tuner, DataSource training, FitOptions options) {
    if (checkpoint.directory().isEmpty()) {
      return watched(tuner, training, options);
    }
    InterruptAtShutdown shutdown = new InterruptAtShutdown();
    try {
      return watched(tuner, training, options);
    } finally {
      shutdown.close();
    }
  }

  private History watched(FineTuner tuner, DataSource training, FitOptions options) {
    if (quiet) {
      return tuner.fit(training, options);
    }
    PrintWriter lines = spec.commandLine().getErr();
    try (TrainingProgress progress = TrainingProgress.of(optimizer.name(), lines)) {
      return tuner.fit(training, options.listener(progress));
    }
  }

  private FinetuneReport report(
      FineTuner tuner,
      Evaluation before,
      History history,
      Evaluation after,
      Map<String, String> written) {
    return new FinetuneReport(
        options(tuner),
        tuner.optimizer().settings(),
        tuner.compilation(),
        tuner.optimizer().kernelChoices(),
        new ParameterCount(tuner.parameters(), tuner.trainedParameters()),
        tuner.optimizer().stateBytes(),
        tuner.optimizer().stateBytesByGroup(),
        history.losses(),
        validation == null ? "training" : "validation",
        FinetuneReport.measures(before),
        FinetuneReport.measures(after),
        history.resumedFrom(),
        history.skippedSteps(),
        history.secondsPerStep(),
        history.secondsInSession(),
        history.ended().name().toLowerCase(Locale.ROOT),
        written);
  }

  private Map<String, Object> options(FineTuner tuner) {
    Map<String, Object> options = new LinkedHashMap<>();
    options.put("model", run.model().toString());
    options.put("train", train.toString());
    options.put("validation", validation == null ? null : validation.toString());
    options.putAll(loss.report(tuner.signature().key()));
    options.putAll(mode.report());
    options.put("trainable", trainable);
    options.put("frozen", frozen);
    options.put("unfrozen", unfrozen);
    options.putAll(optimizer.report());
    options.put("epochs", length.epochs());
    options.put("steps", length.steps);
    options.put("batchSize", run.batchSize());
    options.put("xla", xla == null ? null : xla.key());
    options.put("device", device == null ? null : device.key());
    options.putAll(plateau.report());
    options.putAll(checkpoint.report());
    options.put("shuffle", !noShuffle);
    options.put("seed", seed);
    return options;
  }

  /** Refuses what cannot be right whatever the model and the data. */
  private void requireUsage() {
    RunOptions.requirePositive(spec, "--epochs", length.epochs());
    RunOptions.requirePositive(spec, "--steps", length.steps);
    run.check();
    export.check();
    checkpoint.check();
    plateau.check(validation != null);
    loss.check();
    mode.check();
    optimizer.check();
    if (xla == Xla.STEP) {
      optimizer.requireCompilable();
    }
  }

  private void say(String format, Object... values) {
    if (!quiet) {
      spec.commandLine().getOut().println(String.format(Locale.ROOT, format, values));
    }
  }
}
