package io.github.fadam.ops.xla;

import java.util.HashMap;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operation;
import org.tensorflow.Output;

/**
 * What stands in one graph for the tensors of another. Two graphs that have nodes of the same names
 * are bound by these; single tensors may be bound otherwise.
 */
public final class XlaBinding {

  private final Graph graph;
  private final Map<String, Output<?>> others;

  private XlaBinding(Graph graph, Map<String, Output<?>> others) {
    this.graph = graph;
    this.others = others;
  }

  /**
   * Binds by the nodes' names.
   *
   * @param graph the graph that the call goes into
   * @return the binding
   */
  public static XlaBinding byName(Graph graph) {
    return new XlaBinding(graph, Map.of());
  }

  /**
   * Binds some tensors otherwise.
   *
   * @param tensors tensor of the source graph to tensor of the graph that the call goes into
   * @return a binding with these, and all other tensors by name
   */
  public XlaBinding with(Map<? extends Output<?>, ? extends Output<?>> tensors) {
    Map<String, Output<?>> all = new HashMap<>(others);
    tensors.forEach((from, to) -> all.put(SourceGraph.tensor(from), to));
    return new XlaBinding(graph, Map.copyOf(all));
  }

  Output<?> tensor(String tensor) {
    Output<?> other = others.get(tensor);
    return other != null
        ? other
        : operation(SourceGraph.nodeOf(tensor)).output(SourceGraph.indexOf(tensor));
  }

  Operation operation(String name) {
    Operation operation = graph.operation(name);
    if (operation == null) {
      throw new IllegalArgumentException(
          "Expected a graph with what the compiled function takes from outside, found one without "
              + name
              + "; bind its tensor, or add it to the graph.");
    }
    return operation;
  }
}
