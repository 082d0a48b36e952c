package io.github.fadam.tpu;

import io.github.fadam.ops.gradient.GradientSource;
import io.github.fadam.savedmodel.cli.Json;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.training.Device;
import io.github.fadam.tpu.CheckReport.Answer;
import io.github.fadam.tpu.CheckReport.Outcome;
import io.github.fadam.tpu.CheckReport.Readiness;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.tensorflow.ndarray.Shape;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code fadam check}: whether XLA compiles a model and it can be trained, and what to change. */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    description = {
      "Says whether XLA compiles a model for CPU, GPU and TPU, whether it can be trained, and what"
          + " to change.",
      "The signature is compiled and run on this machine's CPU, in a process of its own. What is"
          + " said of GPU and TPU comes from tables and has not been run.",
      "Exits with 0 if the model is ready, with 3 if not."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam check my-model",
      "  fadam check my-model --signature train --shape x=32,224,224,3",
      "  fadam check my-model --device cpu --json | jq '.changes'"
    })
final class CheckCommand implements Callable<Integer> {

  /** Exit code for a model that is not ready. */
  static final int NOT_READY = 3;

  @Parameters(paramLabel = "MODEL", description = "Directory that holds saved_model.pb.")
  private Path model;

  @Option(
      names = "--signature",
      paramLabel = "KEY",
      description = "The signature to check. Default: serving_default, or the only one.")
  private String signature;

  @Option(
      names = "--shape",
      paramLabel = "INPUT=SIZES",
      description =
          "Shape of an input to try, sizes separated by commas. Default: the signature's, 2 for an"
              + " open first dimension, 16 for others.")
  private Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      converter = DeviceName.class,
      description =
          "The model has to be ready for this device: cpu, gpu or tpu; several times for several."
              + " Default: all.")
  private List<Device> devices = List.of();

  @Option(
      names = "--json",
      description =
          "Print JSON: ready, devices, trial, step, gradients, ops, variables, shapes, changes.")
  private boolean json;

  @Spec private CommandSpec spec;

  /** The devices in small letters. */
  static final class DeviceName implements ITypeConverter<Device> {
    @Override
    public Device convert(String name) {
      for (Device device : Device.values()) {
        if (device.key().equals(name.toLowerCase(Locale.ROOT))) {
          return device;
        }
      }
      throw new TypeConversionException("Expected cpu, gpu or tpu, found '" + name + "'.");
    }
  }

  /** What JSON says: the verdict for the wanted devices, and the report. */
  record Verdict(
      boolean ready,
      Set<Device> wanted,
      @com.fasterxml.jackson.annotation.JsonUnwrapped CheckReport report) {}

  @Override
  public Integer call() {
    SavedModel read = SavedModel.read(model);
    String key = signature == null ? read.defaultSignatureKey() : signature;
    CheckReport report = ModelCheck.of(read, key).shapes(parsedShapes()).run();
    Set<Device> wanted = devices.isEmpty() ? EnumSet.allOf(Device.class) : EnumSet.copyOf(devices);
    boolean ready = report.isReady(wanted);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.text(new Verdict(ready, wanted, report)));
    } else {
      print(report, ready, wanted, out);
    }
    return ready ? 0 : NOT_READY;
  }

  private Map<String, Shape> parsedShapes() {
    Map<String, Shape> parsed = new LinkedHashMap<>();
    shapes.forEach(
        (key, sizes) -> {
          try {
            parsed.put(key, TrialProcess.shape(sizes));
          } catch (NumberFormatException e) {
            throw new ParameterException(
                spec.commandLine(),
                "Expected sizes like " + key + "=2,28,28 for --shape, found '" + sizes + "'.",
                e);
          }
        });
    return parsed;
  }

  private static void print(
      CheckReport report, boolean ready, Set<Device> wanted, PrintWriter out) {
    out.printf(
        "%s, signature %s: %s for %s%n",
        report.model(), report.signature(), ready ? "ready" : "not ready", names(wanted));
    report.devices().forEach((device, readiness) -> out.println(line(device, readiness, report)));
    out.println();
    printOps(report, out);
    out.println();
    long trained = report.variables().stream().filter(CheckReport.Variable::trains).count();
    out.printf("Variables: %d, of these trained: %d%n", report.variables().size(), trained);
    int width = report.variables().stream().mapToInt(v -> v.name().length()).max().orElse(1);
    for (CheckReport.Variable variable : report.variables()) {
      out.printf(
          "  %-" + width + "s  %-8s %-16s %-9s  %s%n",
          variable.name(),
          variable.dtype(),
          ModelCheck.text(variable.shape()),
          variable.kind(),
          variable.trains() ? "trains" : "frozen");
    }
    out.println();
    out.println(report.changes().isEmpty() ? "Nothing to change." : "To change or to know:");
    report.changes().forEach(change -> out.println("  - " + change));
  }

  private static void printOps(CheckReport report, PrintWriter out) {
    int width = report.ops().stream().mapToInt(op -> op.op().length()).max().orElse(2);
    String row = "%-" + width + "s  %5s  %-8s  %-3s  %-3s  %-3s  %s%n";
    out.printf(row, "operation", "count", "gradient", "cpu", "gpu", "tpu", "example");
    for (CheckReport.Op op : report.ops()) {
      out.printf(
          row,
          op.op(),
          op.count(),
          gradient(op),
          mark(op, Device.CPU),
          mark(op, Device.GPU),
          mark(op, Device.TPU),
          op.example());
    }
    out.println(
        "(gradient -: none is needed, no trained variable has a part in it or none flows by definition)");
  }

  private static String gradient(CheckReport.Op op) {
    return switch (GradientSource.valueOf(op.gradient())) {
      case CPP, OURS -> op.trained() ? "yes" : "-";
      case ZERO -> "-";
      case REWRITTEN, NONE -> op.trained() ? "NO" : "-";
    };
  }

  private static String mark(CheckReport.Op op, Device device) {
    Answer answer = op.devices().get(device);
    return answer.compiles() ? "yes" : "NO";
  }

  private static String line(Device device, Readiness readiness, CheckReport report) {
    StringBuilder line =
        new StringBuilder(
            "  %s  %-9s  ".formatted(device, readiness.ready() ? "ready" : "not ready"));
    if (device != Device.CPU) {
      return line.append("from the table, not run here").toString();
    }
    CheckReport.Trial trial = report.trial();
    if (trial.outcome() != Outcome.OK) {
      return line.append("the whole signature: ").append(trial.outcome()).toString();
    }
    line.append("compiled and run here in %.1f s".formatted(trial.seconds()));
    return Double.isNaN(trial.largestDifference())
        ? line.toString()
        : line.append(", outputs differ from the plain ones by at most %.1e")
            .toString()
            .formatted(trial.largestDifference());
  }

  private static String names(Set<Device> devices) {
    return String.join(", ", devices.stream().map(Device::name).toList());
  }
}
