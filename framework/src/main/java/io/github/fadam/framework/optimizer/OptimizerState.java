package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;

/** Remembers which variables of a graph are state of one of our optimizers, not parameters. */
final class OptimizerState {

  private static final Map<Graph, Set<String>> NAMES = new WeakHashMap<>();

  private OptimizerState() {}

  static synchronized TrainableVariable create(
      Ops tf, TrainableVariable.Kind kind, String name, Operand<?> initial) {
    TrainableVariable variable = TrainableVariable.create(tf, kind, name, initial);
    NAMES.computeIfAbsent(variable.graph(), graph -> new HashSet<>()).add(variable.name());
    return variable;
  }

  static synchronized boolean contains(TrainableVariable variable) {
    return NAMES.getOrDefault(variable.graph(), Set.of()).contains(variable.name());
  }
}
