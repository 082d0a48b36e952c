package io.github.fadam.tpu;

import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.training.Device;
import io.github.fadam.tpu.CheckReport.OpenShape;
import io.github.fadam.tpu.CheckReport.Outcome;
import io.github.fadam.tpu.CheckReport.Trial;
import io.github.fadam.tpu.CheckReport.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.tensorflow.proto.NodeDef;

/** What to change in a model, in its user's words. */
final class Advice {

  private static final int SHOWN = 3;

  private final InlinePlan plan;
  private final SignatureNodes nodes;
  private final TrialAnswer answer;
  private final List<Variable> variables;
  private final List<OpenShape> open;
  private final List<String> lines = new ArrayList<>();

  Advice(
      InlinePlan plan,
      SignatureNodes nodes,
      TrialAnswer answer,
      List<Variable> variables,
      List<OpenShape> open) {
    this.plan = plan;
    this.nodes = nodes;
    this.answer = answer;
    this.variables = variables;
    this.open = open;
  }

  /** The most important first; empty if nothing is left to say. */
  List<String> lines() {
    Map<NodeDef, String> everywhere = nodes.problems(Device.CPU);
    inTheStep(everywhere);
    inFront(everywhere);
    otherDevices(everywhere);
    trial(everywhere.isEmpty());
    references();
    gradients();
    open.forEach(
        shape ->
            lines.add(
                shape.what()
                    + " "
                    + shape.shape()
                    + ": "
                    + shape.why()
                    + "; "
                    + shape.remedy()
                    + "."));
    if (!plan.unseeded().isEmpty()) {
      lines.add(
          "Random numbers that follow from no seed differ from run to run: "
              + some(plan.unseeded())
              + ".");
    }
    return lines;
  }

  private void inTheStep(Map<NodeDef, String> everywhere) {
    everywhere.forEach(
        (node, problem) -> {
          if (nodes.isTrained(node)) {
            lines.add(
                named(node)
                    + " cannot be compiled, and a trained variable has a part in it: "
                    + problem
                    + ".");
          }
        });
  }

  private void inFront(Map<NodeDef, String> everywhere) {
    List<NodeDef> host = everywhere.keySet().stream().filter(n -> !nodes.isTrained(n)).toList();
    if (host.isEmpty()) {
      return;
    }
    String ops = String.join(", ", new TreeSet<>(host.stream().map(NodeDef::getOp).toList()));
    lines.add(
        "What works on text or tables, or decodes files, runs on no device: "
            + ops
            + " ("
            + some(host.stream().map(NodeDef::getName).toList())
            + "). No trained variable has a part in them, so leave them in front of what is"
            + " compiled and hand over the numbers that they compute"
            + (answer.step().outcome() == Outcome.OK
                ? "; XlaFunction does so by itself, and the rest compiles."
                : "."));
  }

  private void otherDevices(Map<NodeDef, String> everywhere) {
    for (Device device : List.of(Device.GPU, Device.TPU)) {
      nodes
          .problems(device)
          .forEach(
              (node, problem) -> {
                if (!everywhere.containsKey(node)) {
                  lines.add(named(node) + " does not compile for " + device + ": " + problem + ".");
                }
              });
    }
  }

  /** What TensorFlow said, where the tables had seen nothing coming. */
  private void trial(boolean nothingElseFound) {
    Trial trial = answer.trial();
    switch (trial.outcome()) {
      case OK -> {}
      case REFUSED -> {
        if (nothingElseFound) {
          lines.add("XLA refused the signature as a whole: " + firstLine(trial.message()));
        }
      }
      case NOT_RUN ->
          lines.add(
              "The signature could not be run with inputs of the shapes "
                  + trial.fed()
                  + "; give some that it takes with --shape. TensorFlow said: "
                  + firstLine(trial.message()));
      case CRASHED ->
          lines.add(
              "Compiling the signature ended the process, do not compile it: "
                  + firstLine(trial.message()));
    }
  }

  private void references() {
    List<String> names =
        variables.stream()
            .filter(variable -> variable.kind().equals("reference"))
            .map(Variable::name)
            .toList();
    if (!names.isEmpty()) {
      lines.add(
          names.size()
              + " reference variables of TensorFlow 1 ("
              + some(names)
              + ") cannot enter a compiled function. On this machine their values go in and the new"
              + " values come out, which is fine; for a TPU, make the model anew with resource"
              + " variables: tf.compat.v1.enable_resource_variables() before it is built.");
    }
  }

  private void gradients() {
    CheckReport.Gradients gradients = answer.gradients();
    if (gradients.outcome() != Outcome.OK) {
      lines.add("The trainable variables cannot be trained: " + oneLine(gradients.message()));
    } else if (variables.stream().noneMatch(Variable::trains)) {
      lines.add("Nothing trains: the signature reads no variable that its author left trainable.");
    } else if (!gradients.unreached().isEmpty()) {
      lines.add(
          "No differentiable path leads from "
              + some(gradients.unreached())
              + " to the outputs: leave them out of training, or train another signature.");
    }
  }

  private static String named(NodeDef node) {
    return node.getOp() + " '" + node.getName() + "'";
  }

  private static String some(List<String> names) {
    String shown = String.join(", ", names.subList(0, Math.min(SHOWN, names.size())));
    return names.size() > SHOWN ? shown + " and " + (names.size() - SHOWN) + " more" : shown;
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
