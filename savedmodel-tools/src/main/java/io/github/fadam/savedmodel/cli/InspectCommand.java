package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.Dtypes;
import io.github.fadam.savedmodel.model.Asset;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code fadam inspect}: what a SavedModel holds. Only parses: no graph, no session. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what a SavedModel takes, gives and holds, without running any of it.",
      "Signatures with their inputs and outputs, variables and whether they train, functions,"
          + " operations and assets."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam inspect my-model",
      "  fadam inspect my-model --json | jq '.variables[] | select(.trainable) | .name'"
    })
final class InspectCommand implements Callable<Integer> {

  @Parameters(paramLabel = "MODEL", description = "Directory that holds saved_model.pb.")
  private Path model;

  @Option(
      names = "--json",
      description =
          "Print JSON: signatures, variables, parameters, functions, ops, assets. Open dimensions"
              + " are -1, an unknown shape is null.")
  private boolean json;

  @Spec private CommandSpec spec;

  record Tensors(String dtype, List<Long> shape) {
    static Tensors of(TensorSpec tensor) {
      return new Tensors(Dtypes.name(tensor.dataType()), Json.shape(tensor.shape()));
    }
  }

  record Signature(Map<String, Tensors> inputs, Map<String, Tensors> outputs) {
    static Signature of(SavedSignature signature) {
      return new Signature(tensors(signature.inputs()), tensors(signature.outputs()));
    }

    private static Map<String, Tensors> tensors(Map<String, TensorSpec> specs) {
      Map<String, Tensors> tensors = new LinkedHashMap<>();
      specs.forEach((name, tensor) -> tensors.put(name, Tensors.of(tensor)));
      return tensors;
    }
  }

  record Variable(
      String name, String dtype, List<Long> shape, boolean trainable, String trainableSource) {
    static Variable of(ModelVariable variable) {
      return new Variable(
          variable.name(),
          Dtypes.name(variable.dataType()),
          Json.shape(variable.shape()),
          variable.trainable(),
          variable.trainableSource());
    }
  }

  record Report(
      String model,
      List<String> tags,
      Map<String, Signature> signatures,
      List<Variable> variables,
      ParameterCount parameters,
      List<String> functions,
      Map<String, Map<String, Long>> ops,
      List<String> assets) {}

  @Override
  public Integer call() {
    Report report = report(SavedModel.read(model));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.text(report));
    } else {
      print(report, out);
    }
    return 0;
  }

  private static Report report(SavedModel model) {
    Map<String, Signature> signatures = new LinkedHashMap<>();
    Map<String, Map<String, Long>> ops = new LinkedHashMap<>();
    model
        .signatures()
        .forEach(
            (key, signature) -> {
              signatures.put(key, Signature.of(signature));
              ops.put(key, model.ops(key));
            });
    return new Report(
        model.directory().toString(),
        model.tags(),
        signatures,
        model.variables().stream().map(Variable::of).toList(),
        new ParameterCount(
            model.variables().stream().mapToLong(InspectCommand::size).sum(),
            model.variables().stream()
                .filter(ModelVariable::trainable)
                .mapToLong(InspectCommand::size)
                .sum()),
        model.functions(),
        ops,
        model.assets().stream().map(Asset::fileName).toList());
  }

  /** Elements of a floating point variable; counters and seeds are no parameters. */
  private static long size(ModelVariable variable) {
    boolean floating =
        switch (variable.dataType()) {
          case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
          default -> false;
        };
    return !floating || variable.shape().isUnknown() || variable.shape().hasUnknownDimension()
        ? 0
        : variable.shape().size();
  }

  private static void print(Report report, PrintWriter out) {
    out.println(report.model() + "  (tags: " + String.join(", ", report.tags()) + ")");
    report
        .signatures()
        .forEach(
            (key, signature) -> {
              out.println();
              out.println("Signature " + key);
              signature.inputs().forEach((name, tensor) -> print(out, "in ", name, tensor));
              signature.outputs().forEach((name, tensor) -> print(out, "out", name, tensor));
              out.println("  ops  " + mostFrequent(report.ops().get(key)));
            });
    out.println();
    out.printf(
        "Variables: %d, parameters: %,d, of these trainable: %,d%n",
        report.variables().size(), report.parameters().all(), report.parameters().trainable());
    int width = report.variables().stream().mapToInt(v -> v.name().length()).max().orElse(1);
    for (Variable variable : report.variables()) {
      out.printf(
          "  %-" + width + "s  %-8s %-18s %s%n",
          variable.name(),
          variable.dtype(),
          text(variable.shape()),
          variable.trainable() ? "trains" : "frozen");
    }
    out.println();
    out.println("Functions: " + report.functions().size());
    out.println(
        "Assets: " + (report.assets().isEmpty() ? "none" : String.join(", ", report.assets())));
  }

  private static void print(PrintWriter out, String side, String name, Tensors tensor) {
    out.printf("  %s  %s  %s %s%n", side, name, tensor.dtype(), text(tensor.shape()));
  }

  private static String text(List<Long> shape) {
    return shape == null
        ? "(any shape)"
        : shape.stream()
            .map(dimension -> dimension < 0 ? "?" : dimension.toString())
            .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String mostFrequent(Map<String, Long> ops) {
    return ops.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
            .limit(8)
            .map(op -> op.getKey() + " " + op.getValue())
            .collect(Collectors.joining(", "))
        + (ops.size() > 8 ? ", ... (" + ops.size() + " kinds; --json lists all)" : "");
  }
}
