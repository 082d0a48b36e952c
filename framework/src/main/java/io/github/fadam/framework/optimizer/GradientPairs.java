package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;

/** Checks the gradient and variable pairs that a step is built from. */
final class GradientPairs {

  private GradientPairs() {}

  static Map<TrainableVariable, Output<?>> checked(
      String optimizer, List<? extends GradAndVar<?>> pairs) {
    Map<TrainableVariable, Output<?>> gradients = new LinkedHashMap<>();
    for (GradAndVar<?> pair : pairs) {
      TrainableVariable variable = TrainableVariable.of(pair.getVariable());
      Output<?> gradient = pair.getGradient();
      if (gradient == null || gradient.isClosed()) {
        throw new IllegalArgumentException(
            optimizer
                + " expected a gradient for "
                + variable.name()
                + ", found none; leave the pair out to keep the variable as it is.");
      }
      requireKnownShape(variable);
      requireFit(variable, gradient);
      if (gradients.put(variable, gradient) != null) {
        throw twice(optimizer, variable);
      }
    }
    if (gradients.isEmpty()) {
      throw new IllegalArgumentException(
          optimizer + " expected at least one gradient, found none; is anything trainable?");
    }
    return gradients;
  }

  /** Checks loss and variables before anything is added to the graph for them. */
  static void requireTrainable(
      String optimizer, Graph graph, Operand<?> loss, List<TrainableVariable> variables) {
    if (loss.env() != graph) {
      throw new IllegalArgumentException(
          optimizer
              + " expected a loss of the graph it was made for, found one of another; make the"
              + " optimizer with the loss's graph.");
    }
    if (variables.isEmpty()) {
      throw new IllegalArgumentException(
          optimizer
              + " expected at least one floating point variable, found none in the graph; create"
              + " the model's variables before the step.");
    }
    Set<GraphOperation> below = graph.subgraphTo(Set.of(loss));
    Set<TrainableVariable> seen = new HashSet<>();
    for (TrainableVariable variable : variables) {
      if (below.contains(variable.handle().op())) {
        requireKnownShape(variable);
      }
      if (!seen.add(variable)) {
        throw twice(optimizer, variable);
      }
    }
  }

  private static IllegalArgumentException twice(String optimizer, TrainableVariable variable) {
    return new IllegalArgumentException(
        optimizer
            + " expected every variable once, found "
            + variable.name()
            + " twice; add its gradients first.");
  }

  private static void requireKnownShape(TrainableVariable variable) {
    Shape shape = variable.shape();
    if (shape.isUnknown() || shape.hasUnknownDimension()) {
      throw new IllegalArgumentException(
          "Expected a variable of fully known shape, found "
              + variable.name()
              + " of shape "
              + shape
              + "; slots cannot be made for it.");
    }
  }

  private static void requireFit(TrainableVariable variable, Output<?> gradient) {
    Shape shape = variable.shape();
    if (gradient.dataType() != variable.dataType() || !gradient.shape().isCompatibleWith(shape)) {
      throw new IllegalArgumentException(
          "Expected a gradient of "
              + variable.dataType()
              + " "
              + shape
              + " for "
              + variable.name()
              + ", found "
              + gradient.dataType()
              + " "
              + gradient.shape()
              + ".");
    }
  }
}
