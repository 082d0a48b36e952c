package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.OpKnowledge.Finding;
import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Output;

/**
 * Says, without adding anything to the graph, whether TensorFlow would build right gradients.
 *
 * <p>For each operation whose gradient TensorFlow would ask for: is one registered, would asking
 * end the process or fail half-way, would the answer be wrong.
 */
final class GradientCheck {

  /**
   * A check that found nothing in the way.
   *
   * @param reached variables that have a gradient
   * @param lookups for those of them that are to be differentiated by rows, where rows are read
   * @param warnings texts for the log
   */
  record Verdict(
      List<TrainableVariable> reached,
      Map<TrainableVariable, List<RowLookups.Lookup>> lookups,
      List<String> warnings) {}

  private final String loss;
  private final GradientPaths paths;
  private final List<Reason> reasons = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private final Map<TrainableVariable, List<RowLookups.Lookup>> lookups = new LinkedHashMap<>();

  private GradientCheck(String loss, GradientPaths paths) {
    this.loss = loss;
    this.paths = paths;
  }

  static GradientCheck of(Output<?> loss, List<TrainableVariable> variables) {
    return of(loss, variables, Set.of());
  }

  static GradientCheck of(
      Output<?> loss, List<TrainableVariable> variables, Set<TrainableVariable> byRows) {
    GradientCheck check = new GradientCheck(loss.name(), new GradientPaths(loss, variables));
    check.paths.differentiated().forEach(check::examine);
    for (TrainableVariable variable : check.paths.reached()) {
      if (byRows.contains(variable)) {
        check.lookups.put(
            variable, RowLookups.of(variable, check.paths.node(variable), check.reasons));
      }
    }
    return check;
  }

  /** What stands between variables and the sum of several losses. */
  static GradientObstacles obstacles(List<Output<?>> losses, List<TrainableVariable> variables) {
    GradientPaths paths = new GradientPaths(losses, variables);
    GradientCheck check = new GradientCheck("the sum of several losses", paths);
    Map<TrainableVariable, List<Reason>> blocked = new LinkedHashMap<>();
    paths.reached().forEach(variable -> blocked.put(variable, new ArrayList<>()));
    for (GradientPaths.Node node : paths.differentiated()) {
      Optional<Reason> reason = check.examine(node);
      if (reason.isPresent()) {
        for (TrainableVariable variable : paths.behind(node)) {
          blocked.get(variable).add(reason.get());
        }
      }
    }
    blocked.values().removeIf(List::isEmpty);
    return new GradientObstacles(check.reasons, paths.reached(), blocked);
  }

  /** All that stands in the way; empty if nothing does. */
  List<Reason> reasons() {
    return List.copyOf(reasons);
  }

  Verdict verdict() {
    if (!reasons.isEmpty()) {
      throw new UnsupportedGradientException(loss, reasons);
    }
    return new Verdict(List.copyOf(paths.reached()), lookups, List.copyOf(warnings));
  }

  private Optional<Reason> examine(GradientPaths.Node node) {
    Optional<Finding> finding =
        OpKnowledge.alwaysRefused(node.type())
            .or(() -> missing(node.type()))
            .or(() -> onReference(node))
            .or(() -> OpConditions.failing(node.type(), node.op()));
    if (finding.isEmpty() && node.isOnPath()) {
      finding = OpConditions.wrong(node.type(), node.op());
    }
    OpKnowledge.warning(node.type(), node.op()).ifPresent(warnings::add);
    Optional<Reason> reason =
        finding.map(
            found ->
                new Reason(
                    node.type(), node.op().name(), node.path(), found.problem(), found.remedy()));
    reason.ifPresent(reasons::add);
    return reason;
  }

  private static Optional<Finding> missing(String type) {
    return GradientRegistry.hasGradient(type)
        ? Optional.empty()
        : Optional.of(OpKnowledge.noGradient(type));
  }

  private static Optional<Finding> onReference(GradientPaths.Node node) {
    return node.inputs().stream()
        .filter(
            edge -> edge.isReference() && OpKnowledge.failsOnReference(node.type(), edge.input()))
        .findFirst()
        .map(edge -> OpKnowledge.referenceInput(node.type(), edge.from().op().name()));
  }
}
