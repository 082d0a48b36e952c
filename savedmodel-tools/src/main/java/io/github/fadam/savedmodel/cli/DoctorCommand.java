package io.github.fadam.savedmodel.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.tensorflow.TensorFlow;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fadam doctor}: what works on this machine. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Says what works on this machine: versions, TensorFlow's native library, devices, XLA,"
          + " gradients.",
      "Each line is OK, - (not there, and not needed) or FAILED. Exits with 1 if anything that"
          + " fine-tuning needs has failed."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  fadam doctor",
      "  fadam doctor --gradients | grep refused",
      "  FADAM_LOG=debug fadam doctor   with TensorFlow's own log, for example why a GPU is missing"
    })
final class DoctorCommand implements Callable<Integer> {

  @Option(
      names = "--json",
      description =
          "Print JSON: a list of check, status and detail, or of op, source and note with"
              + " --gradients.")
  private boolean json;

  @Option(
      names = "--gradients",
      description =
          "List instead every operation that has a gradient here or in Python, with where it comes"
              + " from: C++ (TensorFlow), ours (this library or what was registered with it), none"
              + " needed, rewritten (by what takes its place when a SavedModel is inlined) or"
              + " refused, and why.")
  private boolean gradients;

  @Spec private CommandSpec spec;

  /** What a check found; the names are what JSON says. */
  enum Status {
    OK("OK"),
    ABSENT("-"),
    FAILED("FAILED");

    private final String mark;

    Status(String mark) {
      this.mark = mark;
    }
  }

  record Finding(String check, Status status, String detail) {}

  /** A look at one thing; its exception is its failure. */
  @FunctionalInterface
  interface Check {
    String detail() throws Exception;
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (gradients) {
      listGradients(out);
      return 0;
    }
    List<Finding> findings = examine();
    if (json) {
      out.println(Json.text(findings));
    } else {
      for (Finding finding : findings) {
        out.printf("%-6s  %-14s %s%n", finding.status().mark, finding.check(), finding.detail());
      }
    }
    return findings.stream().anyMatch(finding -> finding.status() == Status.FAILED)
        ? FadamCommand.FAILED
        : 0;
  }

  private void listGradients(PrintWriter out) {
    if (json) {
      out.println(Json.text(GradientList.lines()));
    } else {
      GradientList.print(out);
    }
  }

  private static List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    findings.add(new Finding("fadam", Status.OK, FadamCommand.Version.current()));
    findings.add(
        new Finding(
            "java",
            Status.OK,
            System.getProperty("java.version")
                + " ("
                + System.getProperty("java.vendor")
                + ") in "
                + System.getProperty("java.home")));
    findings.add(
        new Finding(
            "system",
            Status.OK,
            "%s %s, %d processors, at most %,d MiB of Java heap"
                .formatted(
                    System.getProperty("os.name"),
                    System.getProperty("os.arch"),
                    Runtime.getRuntime().availableProcessors(),
                    Runtime.getRuntime().maxMemory() >> 20)));
    Finding tensorflow =
        check("tensorflow", Status.FAILED, () -> "TensorFlow " + TensorFlow.version());
    findings.add(tensorflow);
    if (tensorflow.status() == Status.OK) {
      findings.add(check("native files", Status.ABSENT, Machine::nativeDirectory));
      findings.add(check("devices", Status.FAILED, () -> String.join(", ", Machine.devices())));
      findings.add(gpu());
      findings.add(check("gradients", Status.FAILED, Machine::gradients));
      findings.add(check("XLA", Status.ABSENT, Machine::xla));
    }
    findings.add(
        new Finding(
            "native log",
            Status.OK,
            "TF_CPP_MIN_LOG_LEVEL="
                + System.getenv().getOrDefault("TF_CPP_MIN_LOG_LEVEL", "0")
                + "; FADAM_LOG=debug ./fadam ... shows TensorFlow's messages"));
    return findings;
  }

  private static Finding gpu() {
    Finding finding = check("GPU", Status.ABSENT, Machine::gpus);
    return finding.detail().isEmpty()
        ? new Finding(
            "GPU", Status.ABSENT, "none; to use one, build with ./mvnw -Pgpu on Linux with CUDA 12")
        : finding;
  }

  private static Finding check(String name, Status otherwise, Check check) {
    try {
      return new Finding(name, Status.OK, check.detail());
    } catch (Exception | LinkageError e) {
      String message =
          e.getMessage() == null ? e.toString() : e.getMessage().lines().findFirst().orElse("");
      return new Finding(name, otherwise, message);
    }
  }
}
