package io.github.fadam.ops.xla;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Operation;
import org.tensorflow.proto.GraphDef;

/** Copies a part of a graph, for others to build on without changing the original. */
public final class GraphCopy {

  private GraphCopy() {}

  /**
   * Copies operations with all that they need.
   *
   * @param graph the graph to copy from; it is only read
   * @param operations operations of the graph
   * @return a new graph with nodes of the same names, to be closed
   */
  public static Graph of(Graph graph, Collection<? extends Operation> operations) {
    SourceGraph source = new SourceGraph(graph);
    Set<String> roots = new LinkedHashSet<>();
    operations.forEach(operation -> roots.add(operation.name()));
    GraphDef.Builder part = GraphDef.newBuilder().setLibrary(source.library());
    // A node may be told to be placed with one that is not copied.
    source
        .below(roots, input -> true)
        .forEach(name -> part.addNode(source.node(name).toBuilder().removeAttr("_class")));
    Graph copy = new Graph();
    try {
      copy.importGraphDef(part.build());
      return copy;
    } catch (RuntimeException | Error e) {
      copy.close();
      throw e;
    }
  }
}
