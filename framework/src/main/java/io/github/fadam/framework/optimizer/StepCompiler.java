package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.schedule.Schedule;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.xla.GraphCopy;
import io.github.fadam.ops.xla.XlaBinding;
import io.github.fadam.ops.xla.XlaCall;
import io.github.fadam.ops.xla.XlaFunction;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Builds steps in a graph of their own and calls them in the optimizer's graph as one function: no
 * operation of an update is left there, only the state and what reads it.
 */
final class StepCompiler {

  private final String name;
  private final Rule rule;
  private final Map<Hyper, Schedule> schedules;
  private final StepOptions options;
  private final Graph graph;
  private final LossGradients gradients;

  StepCompiler(
      String name,
      Rule rule,
      Map<Hyper, Schedule> schedules,
      StepOptions options,
      Graph graph,
      LossGradients gradients) {
    this.name = name;
    this.rule = rule;
    this.schedules = schedules;
    this.options = options.compiled(name);
    this.graph = graph;
    this.gradients = gradients;
    if (!options.lazyRows().isEmpty()) {
      throw new IllegalArgumentException(
          name
              + " expected a step of fixed shapes to compile, found lazy-rows: the number of rows"
              + " that a batch looks up changes, and XLA would compile every step anew; leave out"
              + " lazy-rows, or compile nothing.");
    }
  }

  /** A step's state in the optimizer's graph, and the operation that makes the step. */
  record Built(OptimizerStep state, XlaCall call, List<String> outside) {}

  /** Only the update is compiled; gradients come from operations of the optimizer's graph. */
  Built update(Map<TrainableVariable, Output<?>> received, List<Op> computed) {
    OptimizerStep state = step(gradients, received.keySet());
    try (Graph body = GraphCopy.of(graph, handles(received.keySet()))) {
      LossGradients inner = inner(body, received.keySet());
      Ops tf = inner.scope();
      Map<Output<?>, Output<?>> bound = new HashMap<>();
      Map<TrainableVariable, Output<?>> fed = new LinkedHashMap<>();
      received.forEach(
          (variable, gradient) -> {
            Placeholder<?> placeholder =
                tf.placeholder(type(gradient), Placeholder.shape(gradient.shape()));
            fed.put(in(body, variable), placeholder.asOutput());
            bound.put(placeholder.asOutput(), gradient);
          });
      inner.createScaling(fed.keySet());
      OptimizerStep step = step(inner, fed.keySet());
      Op target = all(tf, step.add(fed, List.copyOf(fed.values()), true));
      XlaFunction function =
          XlaFunction.of(body).name(functionName("_update")).target(target).build();
      XlaCall call = call(gradients.scope(), function, state, step, bound, computed);
      return new Built(state, call, function.outside());
    }
  }

  /** Everything from the inputs to the assigned variables is compiled. */
  Built whole(
      Operand<?> loss,
      List<TrainableVariable> variables,
      Collection<? extends Operation> alongside,
      Optional<DeviceSpec> device) {
    List<Operation> roots = new ArrayList<>(handles(variables));
    roots.add(loss.op());
    roots.addAll(alongside);
    try (Graph body = GraphCopy.of(graph, roots)) {
      LossGradients inner = inner(body, variables);
      Output<?> lossInside =
          body.operationOrThrow(loss.asOutput().op().name()).output(loss.asOutput().index());
      List<Operation> before = new ArrayList<>(List.of(lossInside.op()));
      alongside.forEach(operation -> before.add(body.operationOrThrow(operation.name())));
      // The loss that is reported has to be computed before any variable moves.
      Op first = inner.scope().withControlDependencyOps(before).withName("loss").noOp();
      Ops after = inner.scope().withControlDependencies(List.of(first));
      List<GradAndVar<?>> pairs = new ArrayList<>();
      for (GradAndVar<?> pair :
          inner.of(
              lossInside, variables.stream().map(v -> in(body, v)).toList(), all -> Set.of())) {
        pairs.add(behind(after, pair));
      }
      Map<TrainableVariable, Output<?>> received = inner.checked(pairs);
      OptimizerStep step = step(inner, received.keySet());
      List<Op> computed = new ArrayList<>(List.of(first));
      computed.addAll(received.values());
      Op target = all(inner.scope(), step.add(received, computed, true));
      XlaFunction function =
          XlaFunction.of(body).name(functionName("_step")).fetch(lossInside).target(target).build();
      Set<TrainableVariable> trained = new LinkedHashSet<>();
      received.keySet().forEach(v -> trained.add(in(graph, v)));
      gradients.createScaling(trained);
      OptimizerStep state = step(gradients, trained);
      Ops scope = device.map(gradients.scope()::withDevice).orElseGet(gradients::scope);
      XlaCall call = call(scope, function, state, step, Map.of(), List.of());
      return new Built(state, call, function.outside());
    }
  }

  private OptimizerStep step(LossGradients from, Set<TrainableVariable> variables) {
    return new OptimizerStep(name, rule, schedules, options, from, variables);
  }

  private LossGradients inner(Graph body, Collection<TrainableVariable> variables) {
    Map<String, TrainableVariable> originals = new HashMap<>();
    variables.forEach(variable -> originals.put(variable.name(), variable));
    return gradients.in(body, copy -> originals.getOrDefault(copy.name(), copy));
  }

  private XlaCall call(
      Ops scope,
      XlaFunction function,
      OptimizerStep state,
      OptimizerStep inner,
      Map<Output<?>, Output<?>> inputs,
      List<Op> computed) {
    Map<Output<?>, Output<?>> bound = new HashMap<>(inputs);
    Map<String, TrainableVariable> outer = state.state();
    inner.state().forEach((key, variable) -> bound.put(variable.handle(), outer.get(key).handle()));
    List<Op> before = new ArrayList<>(computed);
    before.addAll(state.checks());
    before.addAll(state.reads());
    return function.call(
        OptimizerStep.behind(scope, "before", before), XlaBinding.byName(graph).with(bound));
  }

  private String functionName(String suffix) {
    return name.replaceAll("[^A-Za-z0-9_]", "_") + suffix;
  }

  private static Op all(Ops tf, List<Op> ops) {
    return tf.withControlDependencies(ops).withName("step").noOp();
  }

  private static List<Operation> handles(Collection<TrainableVariable> variables) {
    return variables.stream().map(variable -> variable.handle().op()).toList();
  }

  private static TrainableVariable in(Graph graph, TrainableVariable variable) {
    return TrainableVariable.of(graph.operationOrThrow(variable.name()).output(0));
  }

  private static Class<? extends TType> type(Output<?> gradient) {
    return gradient.type();
  }

  @SuppressWarnings("unchecked") // the pair's two types are one
  private static GradAndVar<?> behind(Ops after, GradAndVar<?> pair) {
    return new GradAndVar<>(
        after.identity((Output<TNumber>) pair.getGradient()).asOutput(),
        (Output<TNumber>) pair.getVariable());
  }
}
