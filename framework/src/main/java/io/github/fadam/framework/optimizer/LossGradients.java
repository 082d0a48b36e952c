package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Rule;
import io.github.fadam.ops.gradient.GradientResult;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The gradients of one optimizer's loss, and what the step has to know about how they came about:
 * which variables belong to which group, the loss's factor, the rows that were looked up.
 */
final class LossGradients {

  private static final System.Logger LOG = System.getLogger(RuleOptimizer.class.getName());

  private final String name;
  private final Graph graph;
  private final Ops tf;
  private final Rule rule;
  private final StepOptions options;
  private final Map<TrainableVariable, Operand<TInt64>> rows = new HashMap<>();
  private Grouping grouping;
  private boolean grouped;
  private Optional<LossScaling> scaling = Optional.empty();

  LossGradients(String name, Graph graph, Rule rule, StepOptions options, Grouping grouping) {
    this.name = name;
    this.graph = graph;
    this.tf = Ops.create(graph).withSubScope(name);
    this.rule = rule;
    this.options = options;
    this.grouping = grouping;
  }

  /**
   * The same for copies of the variables in another graph.
   *
   * @param original from a copy to the variable that it was made from, by which groups know it
   */
  LossGradients in(Graph other, UnaryOperator<TrainableVariable> original) {
    Function<TrainableVariable, String> names = grouping.names();
    return new LossGradients(
        name,
        other,
        rule,
        options,
        new Grouping(grouping.groups(), copy -> names.apply(original.apply(copy))));
  }

  /** Says by which names groups know the variables. */
  void useNames(Function<TrainableVariable, String> names) {
    if (grouped) {
      throw new IllegalStateException(
          name + " has assigned variables to groups already; set names before computeGradients.");
    }
    grouping = new Grouping(grouping.groups(), names);
  }

  /**
   * The pairs of those variables that the loss reaches and no group freezes.
   *
   * @param also chooses variables that are differentiated by rows besides those with lazy rows
   */
  List<GradAndVar<?>> of(
      Operand<?> loss,
      List<TrainableVariable> variables,
      Function<List<TrainableVariable>, Set<TrainableVariable>> also) {
    GradientPairs.requireTrainable(name, graph, loss, variables);
    group(variables);
    List<TrainableVariable> trained =
        variables.stream().filter(variable -> !grouping.isFrozen(variable)).toList();
    Set<TrainableVariable> byRows =
        new LinkedHashSet<>(LazyRows.of(name, rule, options, grouping, trained));
    byRows.addAll(also.apply(trained));
    GradientResult result = Gradients.of(scaled(loss, trained), trained, byRows);
    warnOfUnreached(loss, trained, result.unreached());
    List<GradAndVar<?>> pairs = new ArrayList<>();
    for (TrainableVariable variable : trained) {
      Optional.ofNullable(result.gradients().get(variable))
          .ifPresent(gradient -> pairs.add(pair(gradient, variable)));
      Optional.ofNullable(result.rows().get(variable))
          .ifPresent(
              gradient -> {
                rows.put(variable, gradient.indices());
                pairs.add(pair(gradient.values(), variable));
              });
    }
    return pairs;
  }

  private void warnOfUnreached(
      Operand<?> loss, List<TrainableVariable> trained, List<TrainableVariable> unreached) {
    if (unreached.size() == trained.size()) {
      throw new IllegalArgumentException(
          name
              + " expected a loss that depends on at least one variable, but "
              + loss.asOutput().name()
              + " reaches none of "
              + names(trained)
              + "; check that the loss is computed from the model's output and that the variables"
              + " are not behind a stop gradient.");
    }
    if (!unreached.isEmpty()) {
      LOG.log(
          Level.WARNING,
          "{0} does not train {1}: the loss {2} does not depend on it",
          name,
          names(unreached),
          loss.asOutput().name());
    }
  }

  /**
   * The gradients to make a step from, without those of frozen variables.
   *
   * @throws IllegalStateException if an option needs gradients that have come from {@link #of}
   */
  Map<TrainableVariable, Output<?>> checked(List<? extends GradAndVar<?>> pairs) {
    Map<TrainableVariable, Output<?>> gradients = GradientPairs.checked(name, pairs);
    group(gradients.keySet());
    gradients.keySet().removeIf(grouping::isFrozen);
    if (!options.lazyRows().isEmpty() && rows.isEmpty()) {
      throw new IllegalStateException(
          name
              + " expected gradients from its own computeGradients, which finds the rows that the"
              + " loss looks up; call it before applyGradients, or set no lazy rows.");
    }
    if (options.lossScale().isPresent() && scaling.isEmpty()) {
      throw new IllegalStateException(
          name
              + " expected gradients from its own computeGradients, which multiplies the loss with"
              + " the loss scale; call it before applyGradients, or set no loss scale.");
    }
    return gradients;
  }

  private void group(Collection<TrainableVariable> variables) {
    if (!grouped) {
      grouping.check(name, variables);
      grouped = true;
    }
  }

  private Operand<?> scaled(Operand<?> loss, List<TrainableVariable> variables) {
    if (options.lossScale().isPresent()) {
      Set<GraphOperation> below = graph.subgraphTo(Set.of(loss));
      createScaling(variables.stream().filter(v -> below.contains(v.handle().op())).toList());
    }
    return scaling.<Operand<?>>map(factor -> factor.scaled(tf, loss)).orElse(loss);
  }

  /** Creates the factor on the loss, if there is to be one and is none yet. */
  void createScaling(Collection<TrainableVariable> reached) {
    if (scaling.isEmpty()) {
      scaling =
          options
              .lossScale()
              .map(scale -> LossScaling.create(tf, scale, OptimizerStep.stateKind(reached)));
    }
  }

  /** Where the step's operations go, in the optimizer's name scope. */
  Ops scope() {
    return tf;
  }

  Grouping grouping() {
    return grouping;
  }

  Optional<LossScaling> scaling() {
    return scaling;
  }

  /** Of the variables with lazy rows, the rows that the loss looks up. */
  Map<TrainableVariable, Operand<TInt64>> rows() {
    return rows;
  }

  @SuppressWarnings("unchecked") // the framework types the pair by the variable's value
  private static GradAndVar<?> pair(Output<?> gradient, TrainableVariable variable) {
    return new GradAndVar<>((Output<TNumber>) gradient, (Output<TNumber>) variable.handle());
  }

  private static String names(List<TrainableVariable> variables) {
    return variables.stream().map(TrainableVariable::name).collect(Collectors.joining(", "));
  }
}
