package io.github.fadam.framework.checkpoint;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.Graph;

/**
 * What a checkpoint holds of a graph: variables of both kinds and an optimizer's state.
 *
 * <p>In the file a variable is called {@code variables/NAME} and state {@code optimizer/KEY}, with
 * the keys of {@link RuleOptimizer#state()}. A reference variable's value can be restored into a
 * resource variable and the other way round.
 *
 * <p>The operations that save and restore are added to the graph once, when they are first needed,
 * and again only if the optimizer has more state by then. Not safe for use by several threads.
 */
public final class TrainingState {

  private static final String VARIABLES = "variables/";
  private static final String OPTIMIZER = "optimizer/";

  private final Map<String, TrainableVariable> variables;
  private final RuleOptimizer optimizer;
  private StateOps ops;

  private TrainingState(Map<String, TrainableVariable> variables, RuleOptimizer optimizer) {
    this.variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    this.optimizer = optimizer;
  }

  /**
   * All variables of the optimizer's graph, by the names of their operations.
   *
   * @param optimizer an optimizer that has built its step
   * @return the state
   * @throws IllegalStateException if the optimizer has not built its step
   * @throws IllegalArgumentException if a variable has a dtype that TensorFlow-Java has no class
   *     for
   */
  public static TrainingState of(RuleOptimizer optimizer) {
    Set<TrainableVariable> state = new LinkedHashSet<>(optimizer.state().values());
    Map<String, TrainableVariable> variables = new LinkedHashMap<>();
    graph(optimizer)
        .operations()
        .forEachRemaining(
            operation -> {
              if (Variables.isVariable(operation)) {
                TrainableVariable variable = TrainableVariable.of(operation.output(0));
                if (!state.contains(variable)) {
                  variables.put(variable.name(), variable);
                }
              }
            });
    return new TrainingState(variables, optimizer);
  }

  /**
   * Chosen variables and all state of an optimizer.
   *
   * @param variables the variables by the names to save them under; all that change in training
   *     have to be there
   * @param optimizer an optimizer of the same graph that has built its step
   * @return the state
   * @throws IllegalStateException if the optimizer has not built its step
   * @throws IllegalArgumentException if a variable is of another graph
   */
  public static TrainingState of(
      Map<String, TrainableVariable> variables, RuleOptimizer optimizer) {
    Graph graph = graph(optimizer);
    Set<String> foreign =
        variables.entrySet().stream()
            .filter(entry -> entry.getValue().graph() != graph)
            .map(Map.Entry::getKey)
            .collect(Collectors.toCollection(LinkedHashSet::new));
    if (!foreign.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected variables of the optimizer's graph, found others: "
              + String.join(", ", foreign));
    }
    return new TrainingState(variables, optimizer);
  }

  private static Graph graph(RuleOptimizer optimizer) {
    return optimizer.step().graph();
  }

  /** Everything by its name in the file. */
  Map<String, TrainableVariable> tensors() {
    Map<String, TrainableVariable> tensors = new LinkedHashMap<>();
    variables.forEach((name, variable) -> tensors.put(VARIABLES + name, variable));
    optimizer.state().forEach((key, variable) -> tensors.put(OPTIMIZER + key, variable));
    return tensors;
  }

  /** The operations for the state that there is now. */
  StateOps ops() {
    Map<String, TrainableVariable> tensors = tensors();
    if (ops == null || !ops.tensors().equals(tensors)) {
      ops = StateOps.add(graph(optimizer), tensors);
    }
    return ops;
  }

  /** The optimizer's class without its package: its name is the user's to choose. */
  Manifest.Optimizer optimizer() {
    return new Manifest.Optimizer(
        optimizer.getClass().getSimpleName(), optimizer.settings(), optimizer.kernelChoices());
  }
}
