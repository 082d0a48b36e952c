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
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.GraphDef;

/**
 * A part of a graph as one function that XLA has to compile, to be called in another graph: the
 * graph it is built in holds the operations one by one, the graph it is called in does not.
 *
 * <pre>{@code
 * XlaFunction function = XlaFunction.of(scratch).fetch(loss).target(step).build();
 * XlaCall call = function.call(tf, XlaBinding.byName(graph));
 * session.runner().fetch(call.output(loss)).addTarget(call.done()).run();
 * }</pre>
 *
 * <p><b>Variables.</b> Resource variables go in as handles and are updated in place. Reference
 * variables go in as values; their new values come out and are assigned outside. A read of a
 * reference variable that is not ordered behind its assign sees the value from before the call.
 *
 * <p><b>What stays outside.</b> Placeholders, variables, and operations that XLA does not compile,
 * with all that they need; what they compute goes in as tensors. An operation that XLA does not
 * compile and that a trained variable has a part in is refused. See {@link XlaOps}.
 *
 * <p>XLA compiles the function in the first run, and again for every new combination of shapes that
 * its inputs have.
 */
public final class XlaFunction {

  private final String name;
  private final Cluster cluster;
  private final GraphDef body;
  private final Map<String, String> inputs;
  private final Set<String> before;
  private final Map<String, String> newValues;
  private final Map<String, Shape> fetched;
  private final List<String> outsideFetches;

  private XlaFunction(Builder builder) {
    SourceGraph source = new SourceGraph(builder.graph);
    name = builder.name;
    Set<String> roots = new LinkedHashSet<>(builder.targets);
    builder.fetches.forEach(fetch -> roots.add(fetch.op().name()));
    if (roots.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected something to compile, found neither fetches nor targets; add fetch or target.");
    }
    cluster = Cluster.of(source, roots, builder.cuts);
    FunctionBody functionBody = new FunctionBody(source, cluster, builder.cuts, builder.targets);
    body = functionBody.graph();
    inputs = functionBody.inputs();
    before = functionBody.before();
    newValues = functionBody.newValues();
    fetched = new LinkedHashMap<>();
    outsideFetches = new ArrayList<>();
    Set<String> inside = Set.copyOf(cluster.inside());
    for (Output<?> fetch : builder.fetches) {
      String tensor = SourceGraph.tensor(fetch);
      if (inside.contains(fetch.op().name()) && !builder.cuts.contains(tensor)) {
        fetched.put(tensor, fetch.shape());
      } else {
        outsideFetches.add(tensor);
      }
    }
    if (inside.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected operations to compile, found none: "
              + roots
              + " come from outside altogether; choose what is computed from the inputs.");
    }
  }

  /**
   * Begins with nothing chosen.
   *
   * @param graph the graph that holds what is to be compiled; it is only read
   * @return a builder
   */
  public static Builder of(Graph graph) {
    return new Builder(graph);
  }

  /** What is compiled. */
  public static final class Builder {

    private final Graph graph;
    private final List<Output<?>> fetches = new ArrayList<>();
    private final Set<String> targets = new LinkedHashSet<>();
    private final Set<String> cuts = new LinkedHashSet<>();
    private String name = "xla_function";

    private Builder(Graph graph) {
      this.graph = graph;
    }

    /**
     * Sets the function's name, to which a number is appended. Default: {@code xla_function}.
     *
     * @param name letters, digits and underscores
     * @return this builder
     */
    public Builder name(String name) {
      this.name = name;
      return this;
    }

    /**
     * Adds tensors to compute.
     *
     * @param tensors tensors of the graph
     * @return this builder
     */
    public Builder fetch(Operand<?>... tensors) {
      return fetch(List.of(tensors));
    }

    /**
     * Adds tensors to compute.
     *
     * @param tensors tensors of the graph
     * @return this builder
     */
    public Builder fetch(List<? extends Operand<?>> tensors) {
      tensors.forEach(tensor -> fetches.add(own(tensor.asOutput())));
      return this;
    }

    /**
     * Adds operations to run for what they do.
     *
     * @param operations operations of the graph, such as an optimizer's step
     * @return this builder
     */
    public Builder target(Op... operations) {
      return target(List.of(operations));
    }

    /**
     * Adds operations to run for what they do.
     *
     * @param operations operations of the graph
     * @return this builder
     */
    public Builder target(List<? extends Op> operations) {
      operations.forEach(operation -> targets.add(own(operation.op()).name()));
      return this;
    }

    /**
     * Says that tensors come from outside, whatever computes them. Placeholders always do.
     *
     * @param tensors tensors of the graph
     * @return this builder
     */
    public Builder input(Operand<?>... tensors) {
      for (Operand<?> tensor : tensors) {
        cuts.add(SourceGraph.tensor(own(tensor.asOutput())));
      }
      return this;
    }

    /**
     * Checks that XLA compiles it, as far as that is known beforehand, and describes it.
     *
     * @return the function
     * @throws NotCompilableException if an operation stands in the way
     * @throws IllegalArgumentException if nothing was chosen, or nothing of it can be compiled
     */
    public XlaFunction build() {
      return new XlaFunction(this);
    }

    private Output<?> own(Output<?> output) {
      own(output.op());
      return output;
    }

    private Operation own(Operation operation) {
      if (operation.env() != graph) {
        throw new IllegalArgumentException(
            "Expected operations of the graph that is compiled, found "
                + operation.name()
                + " of another; pass those of one graph.");
      }
      return operation;
    }
  }

  /**
   * What the function takes, as tensors of the source graph ({@code node:index}): placeholders,
   * variables, and what is computed outside.
   *
   * @return the names in the order of the arguments
   */
  public List<String> inputs() {
    return List.copyOf(inputs.keySet());
  }

  /**
   * Names of the operations that are needed and stay outside, variables and placeholders included.
   *
   * @return the names, each after those that it needs
   */
  public List<String> outside() {
    return cluster.outside();
  }

  /**
   * Names of the operations that are compiled.
   *
   * @return the names, each after those that it needs
   */
  public List<String> compiled() {
    return cluster.inside();
  }

  /**
   * Calls the function in a graph.
   *
   * @param tf where to add the call: its name scope and its control dependencies
   * @param binding what stands in that graph for {@link #inputs} and {@link #outside}
   * @return the call; running any of its outputs runs all of it
   * @throws IllegalArgumentException if the graph has nothing for an input; nothing has been added
   *     then
   */
  public XlaCall call(Ops tf, XlaBinding binding) {
    List<Output<?>> arguments = new ArrayList<>();
    inputs.keySet().forEach(tensor -> arguments.add(binding.tensor(tensor)));
    List<Operation> first = before.stream().map(binding::operation).toList();
    Map<String, Output<?>> outputs = new LinkedHashMap<>();
    outsideFetches.forEach(tensor -> outputs.put(tensor, binding.tensor(tensor)));
    Map<String, Output<?>> variables = new LinkedHashMap<>();
    newValues.keySet().forEach(name -> variables.put(name, binding.tensor(name + ":0")));

    List<String> results = new ArrayList<>(new LinkedHashSet<>(newValues.values()));
    fetched.keySet().stream().filter(tensor -> !results.contains(tensor)).forEach(results::add);
    results.add(FunctionBody.DONE + ":0");
    Operation call = call(tf, arguments, first, results);

    List<Operation> effects = new ArrayList<>(List.of(call));
    variables.forEach(
        (name, variable) ->
            effects.add(
                assign(tf.scope(), variable, call.output(results.indexOf(newValues.get(name))))));
    // Whoever looks at one result has run all of it, for both kinds of variables.
    Ops after = tf.withControlDependencyOps(effects);
    fetched.forEach(
        (tensor, shape) ->
            outputs.put(tensor, shaped(after, call.output(results.indexOf(tensor)), shape)));
    Op done = after.withName(name + "_done").noOp();
    return new XlaCall(call, done, outputs);
  }

  private Operation call(
      Ops tf, List<Output<?>> given, List<Operation> first, List<String> results) {
    List<Output<?>> arguments = new ArrayList<>(given);
    try (Graph graph = new Graph()) {
      graph.importGraphDef(body);
      List<Output<?>> parameters = new ArrayList<>();
      inputs.values().forEach(input -> parameters.add(graph.operationOrThrow(input).output(0)));
      Operation one = graph.operation(FunctionBody.ONE);
      if (one != null) {
        parameters.add(one.output(0));
        arguments.add(tf.constant(1f).asOutput());
      }
      List<Output<?>> returned = new ArrayList<>();
      results.forEach(result -> returned.add(graph.outputOrThrow(result)));
      return MustCompile.call(tf.scope(), name, graph, parameters, returned, arguments, first);
    }
  }

  /** A call does not tell the shapes of what it returns. */
  private static Output<?> shaped(Ops tf, Output<?> output, Shape shape) {
    Scope scope = tf.scope();
    String op = shape.isUnknown() ? "Identity" : "EnsureShape";
    GraphOperationBuilder builder =
        ((Graph) scope.env()).opBuilder(op, scope.makeOpName(op), scope).addInput(output);
    if (!shape.isUnknown()) {
      builder.setAttr("shape", shape);
    }
    return builder.build().output(0);
  }

  private static Operation assign(Scope scope, Output<?> variable, Output<?> value) {
    return scope
        .env()
        .opBuilder("Assign", scope.makeOpName("Assign"), scope)
        .addInput(variable)
        .addInput(value)
        .build();
  }
}
