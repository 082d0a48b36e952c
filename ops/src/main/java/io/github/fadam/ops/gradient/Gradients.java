package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;

/** Derivatives of a loss by variables of both kinds. */
public final class Gradients {
  private Gradients() {}

  /**
   * Adds the operations that differentiate a loss.
   *
   * @param loss what to differentiate, floating point; anything but a scalar is summed
   * @param variables the variables to differentiate by
   * @return the gradients, and the variables without one
   */
  public static GradientResult of(Operand<?> loss, List<TrainableVariable> variables) {
    Graph graph = (Graph) loss.env();
    Set<GraphOperation> sub = graph.subgraphTo(Set.of(loss));
    List<TrainableVariable> in = new ArrayList<>();
    List<TrainableVariable> out = new ArrayList<>();
    for (TrainableVariable v : variables) {
      (sub.contains(v.handle().op()) ? in : out).add(v);
    }
    Map<TrainableVariable, Output<?>> map = new LinkedHashMap<>();
    if (!in.isEmpty()) {
      Output<?>[] g =
          graph.addGradients(
              loss.asOutput(),
              in.stream().map(TrainableVariable::handle).toArray(Output<?>[]::new));
      for (int i = 0; i < g.length; i++) {
        map.put(in.get(i), g[i]);
      }
    }
    return new GradientResult(map, out);
  }
}
