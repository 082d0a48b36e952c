package io.github.fadam.examples.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.fadam.examples.shapes.ShapeClass;
import io.github.fadam.examples.shapes.ShapeImages;
import io.github.fadam.framework.optimizer.Adam;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.savedmodel.cli.TrainingProgress;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
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
import java.util.function.Function;
import org.tensorflow.Graph;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Fine-tunes the demo's model and shows what it brought. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Shows the whole way: a Keras 3 model that knows drawings of ten shapes meets images from"
          + " another world, is fine-tuned on them with FAdam, and with Adam for comparison, and"
          + " is written back as a SavedModel that Python loads.",
      "All numbers come from the run."
    })
final class DemoCommand implements Callable<Integer> {

  private static final int BATCH_SIZE = 32;
  private static final int EVALUATION_BATCH_SIZE = 256;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "fadam-demo",
      description = "Directory for the models and the curves. Default: ${DEFAULT-VALUE}.")
  private Path out;

  @Option(
      names = "--images",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Images to train on. Default: ${DEFAULT-VALUE}.")
  private int images;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "4",
      description = "How often to use each. Default: ${DEFAULT-VALUE}.")
  private int epochs;

  @Option(
      names = "--learning-rate",
      paramLabel = "R",
      defaultValue = "0.001",
      description = "Learning rate of both optimizers. Default: ${DEFAULT-VALUE}.")
  private double learningRate;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "What images and batches depend on. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write what FAdam's run brought as JSON.")
  private Path report;

  @Spec private CommandSpec spec;

  private record Run(Evaluation before, History history, Evaluation after, Path model) {}

  @Override
  public Integer call() throws IOException {
    Path source = out.resolve("shapes-model");
    DemoModel.copyTo(source);
    describe(SavedModel.read(source));
    DataSource training = data(ShapeImages.shifted(images, seed));
    DataSource held = data(ShapeImages.shifted(1000, seed + 1));
    say("New images: %d to train on, 1000 held out.%n", images);

    Run fadam =
        run(
            source,
            "FAdam",
            graph -> new FAdam(graph, learningRate),
            training,
            held,
            out.resolve("tuned-fadam"));
    Run adam =
        run(
            source,
            "Adam",
            graph -> new Adam(graph, learningRate),
            training,
            held,
            out.resolve("tuned-adam"));

    say("%nOn the held-out images    accuracy     loss   seconds a step");
    line("before", fadam.before(), "");
    line("after, FAdam", fadam.after(), seconds(fadam));
    line("after, Adam", adam.after(), seconds(adam));
    Map<String, List<Double>> losses = new LinkedHashMap<>();
    losses.put("FAdam", fadam.history().losses());
    losses.put("Adam", adam.history().losses());
    curves(losses);
    if (report != null) {
      write(fadam);
    }
    say("%nThe tuned model is in %s. Python loads it:", fadam.model());
    say(
        "  python -c \"import tensorflow as tf;"
            + " print(tf.saved_model.load('%s').signatures['serving_default'])\"",
        fadam.model());
    return 0;
  }

  private Run run(
      Path source,
      String name,
      Function<Graph, RuleOptimizer> optimizer,
      DataSource training,
      DataSource held,
      Path target)
      throws IOException {
    try (FineTuner tuner = FineTuner.of(source).optimizer(optimizer).build();
        TrainingProgress progress = TrainingProgress.of(name, err())) {
      Evaluation before = tuner.evaluate(held, EVALUATION_BATCH_SIZE);
      History history =
          tuner.fit(
              training,
              FitOptions.epochs(epochs).batchSize(BATCH_SIZE).seed(seed).listener(progress));
      Evaluation after = tuner.evaluate(held, EVALUATION_BATCH_SIZE);
      tuner.export(target, true);
      return new Run(before, history, after, target);
    }
  }

  private void describe(SavedModel model) {
    String key = model.defaultSignatureKey();
    say("%s, signature %s:", model.directory(), key);
    List<ModelVariable> variables = model.variablesOf(key);
    for (ModelVariable variable : variables) {
      say(
          "  %-36s %-16s %8d  %s",
          variable.name(),
          variable.shape(),
          variable.shape().size(),
          variable.trainable() ? "trains" : "stays");
    }
    say(
        "  %d parameters; classes: %s",
        variables.stream().mapToLong(variable -> variable.shape().size()).sum(), classes());
  }

  private static String classes() {
    StringBuilder classes = new StringBuilder();
    for (ShapeClass shape : ShapeClass.values()) {
      classes.append(classes.isEmpty() ? "" : ", ").append(shape.label());
    }
    return classes.toString();
  }

  private static DataSource data(ShapeImages images) {
    return ArrayData.builder()
        .column("image", images.images())
        .column("labels", images.labels())
        .build();
  }

  private void curves(Map<String, List<Double>> losses) throws IOException {
    Path csv = out.resolve("losses.csv");
    LossCurves.writeCsv(csv, losses);
    try {
      Path png = out.resolve("losses.png");
      LossCurves.writePng(png, losses, 20);
      say("%nLoss curves: %s and %s", png, csv);
    } catch (IOException | RuntimeException | LinkageError e) {
      say("%nLoss curves: %s (this Java cannot draw: %s)", csv, e);
    }
  }

  private void write(Run run) throws IOException {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("before", run.before().metrics());
    values.put("after", run.after().metrics());
    values.put("losses", run.history().losses());
    values.put("secondsPerStep", run.history().secondsPerStep());
    values.put("output", run.model().toString());
    new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(report.toFile(), values);
  }

  private void line(String name, Evaluation evaluation, String seconds) {
    say(
        "  %-20s %11.1f %%  %7.3f   %s",
        name, 100 * evaluation.metrics().get("accuracy"), evaluation.loss(), seconds);
  }

  private static String seconds(Run run) {
    return String.format(Locale.ROOT, "%.4f", run.history().secondsPerStep());
  }

  private PrintWriter err() {
    return spec.commandLine().getErr();
  }

  private void say(String format, Object... values) {
    spec.commandLine().getOut().println(String.format(Locale.ROOT, format, values));
  }
}
