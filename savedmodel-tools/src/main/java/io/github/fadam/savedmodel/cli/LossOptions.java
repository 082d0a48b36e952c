package io.github.fadam.savedmodel.cli;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.loss.Losses;
import io.github.fadam.savedmodel.training.ObjectiveBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say what is measured: signature, outputs, labels, losses. */
final class LossOptions {

  @Option(
      names = "--signature",
      paramLabel = "KEY",
      description = "Signature to run. Default: serving_default, or the only one.")
  private String signature;

  @Option(
      names = "--loss",
      paramLabel = "[OUTPUT=]NAME",
      description = {
        "sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, mse, mae"
            + " or huber, as in Keras. Default: a crossentropy where the model ends with a softmax"
            + " or sigmoid.",
        "Several outputs: one OUTPUT=NAME each; the losses are added up, the labels are the"
            + " columns labels:OUTPUT."
      })
  private List<String> losses = List.of();

  @Option(
      names = "--from-logits",
      description = "The outputs are logits: no softmax or sigmoid stands before them.")
  private boolean fromLogits;

  @Option(
      names = "--output",
      paramLabel = "NAME",
      description = "Output that the loss is computed from. Default: the only one.")
  private String output;

  @Option(
      names = "--labels",
      paramLabel = "KEY",
      defaultValue = "labels",
      description = "Column that holds the labels. Default: ${DEFAULT-VALUE}.")
  private String labels;

  @Mixin private InputOptions inputs;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  String signature() {
    return signature;
  }

  String labels() {
    return labels;
  }

  /** Applies the options, of which nothing depends on the model, after checking them. */
  void apply(ObjectiveBuilder<?> builder) {
    builder.labels(labels);
    if (signature != null) {
      builder.signature(signature);
    }
    if (output != null) {
      builder.output(output);
    }
    inputs.apply(builder);
    for (Map.Entry<String, Loss> loss : parse().entrySet()) {
      if (loss.getKey().isEmpty()) {
        builder.loss(loss.getValue());
      } else {
        builder.loss(loss.getKey(), loss.getValue());
      }
    }
  }

  /** Refuses what cannot be right whatever the model. */
  void check() {
    parse();
    inputs.check();
  }

  /** What a report says of these options. */
  Map<String, Object> report(String signature) {
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("signature", signature);
    report.put("loss", losses);
    report.put("fromLogits", fromLogits);
    report.put("output", output);
    report.put("labels", labels);
    report.putAll(inputs.report());
    return report;
  }

  /** Losses by output, under the empty name where the output is not named. */
  private Map<String, Loss> parse() {
    Map<String, Loss> parsed = new LinkedHashMap<>();
    for (String text : losses) {
      int equals = text.indexOf('=');
      String key = equals < 0 ? "" : text.substring(0, equals);
      if (parsed.put(key, named(text.substring(equals + 1))) != null) {
        throw usage(
            "Expected one --loss, or --loss OUTPUT=NAME once for each output, found two for "
                + (key.isEmpty() ? "the same output" : key)
                + ".");
      }
    }
    if (parsed.size() > 1 && parsed.containsKey("")) {
      throw usage(
          "Expected --loss OUTPUT=NAME for every output, found one without an output; name it.");
    }
    if (output != null && !parsed.isEmpty() && !parsed.containsKey("")) {
      throw usage(
          "Expected either --output or --loss OUTPUT=NAME, found both; leave out --output.");
    }
    if (fromLogits && parsed.isEmpty()) {
      throw usage("Expected --loss with --from-logits, found none; name the loss.");
    }
    return parsed;
  }

  private Loss named(String name) {
    try {
      return Losses.named(name, fromLogits);
    } catch (IllegalArgumentException e) {
      throw usage("--loss: " + e.getMessage());
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
