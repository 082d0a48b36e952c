package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.ObjectiveBuilder;
import io.github.fadam.savedmodel.training.Trainability;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.tensorflow.ndarray.Shape;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say of a model's inputs and placeholders what the model leaves open. */
final class InputOptions {

  @Option(
      names = "--feed",
      paramLabel = "NAME=VALUE[,VALUE]",
      description =
          "Value of a placeholder that is no input of the signature, such as is_training=true:"
              + " in training steps, and after a comma wherever else the model runs. Default there:"
              + " the placeholder's default, or the opposite of true or false. May be repeated.")
  private List<String> feeds = List.of();

  @Option(
      names = "--shape",
      paramLabel = "INPUT=SIZE,...",
      description =
          "Shape of an input of which the signature leaves sizes open, the batch first and ? for"
              + " what stays open: x=?,20,3 for 20 time steps of 3 numbers. May be repeated."
              + " Default with data: as they are, where the model has loops.")
  private List<String> shapes = List.of();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Applies the options, of which nothing depends on the model, after checking them. */
  void apply(ObjectiveBuilder<?> builder) {
    shapes().forEach(builder::inputShape);
    feeds(builder::feed, builder::feed);
  }

  /** Asks what of a model trains when it is run with these options. */
  Trainability.Question ask(SavedModel model) {
    Trainability.Question question = Trainability.asked(model);
    shapes().forEach(question::inputShape);
    feeds(question::feed, question::feed);
    return question;
  }

  private interface Both {
    void feed(String name, String training, String inference);
  }

  private void feeds(BiConsumer<String, String> training, Both both) {
    for (String feed : feeds) {
      int equals = feed.indexOf('=');
      if (equals < 1) {
        throw usage("Expected --feed NAME=VALUE, found " + feed + ".");
      }
      String name = feed.substring(0, equals);
      String[] values = feed.substring(equals + 1).split(",", 2);
      if (values.length == 1) {
        training.accept(name, values[0]);
      } else {
        both.feed(name, values[0], values[1]);
      }
    }
  }

  /** Input key to shape. */
  Map<String, Shape> shapes() {
    Map<String, Shape> parsed = new LinkedHashMap<>();
    for (String text : shapes) {
      int equals = text.indexOf('=');
      if (equals < 1) {
        throw usage("Expected --shape INPUT=SIZE,SIZE,..., found " + text + ".");
      }
      try {
        parsed.put(
            text.substring(0, equals),
            Shape.of(
                Arrays.stream(text.substring(equals + 1).split(",", -1))
                    .mapToLong(InputOptions::size)
                    .toArray()));
      } catch (NumberFormatException e) {
        throw usage(
            "Expected sizes of at least 0, or ? for one that stays open, in --shape, found "
                + text
                + ".");
      }
    }
    return parsed;
  }

  private static long size(String text) {
    if (text.equals("?") || text.equals("-1")) {
      return Shape.UNKNOWN_SIZE;
    }
    long size = Long.parseLong(text);
    if (size < 0) {
      throw new NumberFormatException();
    }
    return size;
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    feeds((name, training) -> {}, (name, training, inference) -> {});
    shapes();
  }

  /** What a report says of these options. */
  Map<String, Object> report() {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("feed", feeds);
    report.put("shape", shapes);
    return report;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
