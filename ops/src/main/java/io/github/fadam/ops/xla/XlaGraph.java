package io.github.fadam.ops.xla;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * A copy of a graph in which what one runs is one function that XLA compiles.
 *
 * <pre>{@code
 * Op train = new Adam(graph).minimize(loss);
 * try (XlaGraph compiled = XlaGraph.of(graph).fetch(loss).target(train).keep(accuracy).build();
 *     Session session = new Session(compiled.graph())) {
 *   session.runner()
 *       .feed(compiled.output(images), batch)
 *       .fetch(compiled.output(loss))
 *       .addTarget(compiled.operation(train))
 *       .run();
 * }
 * }</pre>
 *
 * <p>The copy has the variables, their initializers, the inputs, what is kept, and the compiled
 * call; what is compiled is not there a second time, unless something that is kept needs it. Names
 * are as they were, those of fetched tensors and of targets too, so that feeds and fetches by name
 * still work. The source graph is not changed and no longer needed.
 *
 * <p>{@link XlaFunction} says what is compiled and what stays outside. {@link #close} frees the
 * copy; sessions on it have to be closed before.
 */
public final class XlaGraph implements AutoCloseable {

  private final Graph graph;
  private final XlaFunction function;
  private final Map<String, Output<?>> outputs = new LinkedHashMap<>();

  private XlaGraph(Builder builder) {
    function = builder.function.build();
    SourceGraph source = new SourceGraph(builder.source);
    Set<String> roots = new LinkedHashSet<>(builder.kept);
    roots.addAll(function.outside());
    for (NodeDef node : source.nodes()) {
      // TensorFlow-Java takes what begins with Init for initializers when it imports a graph.
      if (SourceGraph.isVariable(node) || node.getName().startsWith("Init")) {
        roots.add(node.getName());
      }
    }
    GraphDef.Builder kept = GraphDef.newBuilder().setLibrary(source.library());
    source.below(roots, input -> true).forEach(name -> kept.addNode(source.node(name)));
    graph = new Graph();
    try {
      graph.importGraphDef(kept.build());
      Ops tf = Ops.create(graph);
      XlaCall call = function.call(tf, XlaBinding.byName(graph));
      call.outputs().forEach((tensor, output) -> outputs.put(tensor, named(tensor, output)));
      for (String target : builder.targets) {
        if (graph.operation(target) == null) {
          add("NoOp", target).addControlInput(call.done().op()).build();
        }
      }
      graph.baseScope().refreshNames();
    } catch (RuntimeException | Error e) {
      graph.close();
      throw e;
    }
  }

  private GraphOperationBuilder add(String op, String name) {
    Scope scope = graph.baseScope();
    return graph.opBuilder(op, name, scope);
  }

  /** Gives a fetched tensor its old name, if it is free. */
  private Output<?> named(String tensor, Output<?> output) {
    String name = SourceGraph.nodeOf(tensor);
    if (graph.operation(name) != null || SourceGraph.indexOf(tensor) > 0) {
      return output;
    }
    return add("Identity", name).addInput(output).build().output(0);
  }

  /**
   * Begins with nothing chosen.
   *
   * @param graph the graph to copy
   * @return a builder
   */
  public static Builder of(Graph graph) {
    return new Builder(graph);
  }

  /** What is compiled, and what else the copy has. */
  public static final class Builder {

    private final Graph source;
    private final XlaFunction.Builder function;
    private final List<String> targets = new ArrayList<>();
    private final List<String> kept = new ArrayList<>();

    private Builder(Graph source) {
      this.source = source;
      this.function = XlaFunction.of(source);
    }

    /**
     * Adds tensors that the compiled function computes.
     *
     * @param tensors tensors of the source graph
     * @return this builder
     */
    public Builder fetch(Operand<?>... tensors) {
      function.fetch(tensors);
      return this;
    }

    /**
     * Adds operations that the compiled function runs for what they do.
     *
     * @param operations operations of the source graph, such as an optimizer's step
     * @return this builder
     */
    public Builder target(Op... operations) {
      function.target(operations);
      for (Op operation : operations) {
        targets.add(operation.op().name());
      }
      return this;
    }

    /**
     * Says that tensors come from outside the function, whatever computes them.
     *
     * @param tensors tensors of the source graph
     * @return this builder
     */
    public Builder input(Operand<?>... tensors) {
      function.input(tensors);
      for (Operand<?> tensor : tensors) {
        kept.add(tensor.asOutput().op().name());
      }
      return this;
    }

    /**
     * Says what else the copy has, not compiled.
     *
     * @param operations operations of the source graph
     * @return this builder
     */
    public Builder keep(Op... operations) {
      for (Op operation : operations) {
        kept.add(operation.op().name());
      }
      return this;
    }

    /**
     * Makes the copy.
     *
     * @return the copy, to be closed
     * @throws NotCompilableException if an operation stands in the way
     * @throws IllegalArgumentException if nothing was chosen, or nothing of it can be compiled
     */
    public XlaGraph build() {
      return new XlaGraph(this);
    }
  }

  /**
   * The copy.
   *
   * @return the graph
   */
  public Graph graph() {
    return graph;
  }

  /**
   * What was compiled.
   *
   * @return the function
   */
  public XlaFunction function() {
    return function;
  }

  /**
   * A tensor of the source graph in the copy.
   *
   * @param tensor a tensor that is fetched, kept or an input
   * @return the tensor in the copy
   * @throws IllegalArgumentException if the copy does not have it
   */
  public Output<?> output(Operand<?> tensor) {
    Output<?> output = outputs.get(SourceGraph.tensor(tensor.asOutput()));
    return output != null ? output : operation(tensor).output(tensor.asOutput().index());
  }

  /**
   * An operation of the source graph in the copy.
   *
   * @param operation an operation that is a target or kept
   * @return the operation in the copy
   * @throws IllegalArgumentException if the copy does not have it
   */
  public Operation operation(Op operation) {
    Operation found = graph.operation(operation.op().name());
    if (found == null) {
      throw new IllegalArgumentException(
          "Expected an operation that the compiled graph has, found "
              + operation.op().name()
              + ", which is inside the compiled function or was not asked for; name it with fetch,"
              + " target or keep.");
    }
    return found;
  }

  /** Frees the copy. */
  @Override
  public void close() {
    graph.close();
  }
}
