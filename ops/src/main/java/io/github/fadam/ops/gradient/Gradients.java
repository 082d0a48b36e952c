package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;

/**
 * Adds the gradients of a loss to its graph.
 *
 * <pre>{@code
 * GradientResult result = Gradients.of(loss, Variables.all(graph));
 * result.gradients().forEach((variable, gradient) -> ...);
 * }</pre>
 */
public final class Gradients {

  private static final System.Logger LOG = System.getLogger(Gradients.class.getName());

  private Gradients() {}

  /**
   * Adds the gradient of the sum of a loss's elements by each of the variables that it reaches.
   *
   * <p>A variable is reached when a path of differentiable operations leads from it to the loss;
   * one that is connected through {@code ArgMax}, {@code Shape}, {@code StopGradient} and the like
   * only is not. As in Python, non-differentiable inputs of an operation (indices, a batch
   * normalisation's running averages) end a path.
   *
   * <p>The whole graph between the variables and the loss is checked first. When the check passes,
   * the gradients that this library adds to TensorFlow's own are registered (once in a process) and
   * the gradients are built.
   *
   * @param loss a float16, bfloat16, float32 or float64 tensor of any shape; the gradient of a
   *     tensor that is not a scalar is that of its sum, as everywhere in TensorFlow
   * @param variables variables of the loss's graph, each once
   * @return the gradients and the variables that have none, possibly all of them
   * @throws UnsupportedGradientException if an operation on the way has no gradient, would end the
   *     process or give a wrong result; the graph is unchanged
   * @throws IllegalArgumentException if the loss is not of a floating point dtype or not of a
   *     graph, a variable is of another graph or given twice, or there is no variable; the graph is
   *     unchanged
   * @throws GradientFailedException if a registered gradient threw or returned something unusable;
   *     the graph then holds parts of gradients and should be closed
   */
  public static GradientResult of(Operand<?> loss, List<TrainableVariable> variables) {
    return of(loss, variables, Set.of());
  }

  /**
   * Adds the gradient of the sum of a loss's elements by each of the variables that it reaches; by
   * some of them only by the rows that the loss looks up, so that the work does not grow with the
   * variable. Else like {@link #of(Operand, List)}.
   *
   * @param loss what to differentiate
   * @param variables variables of the loss's graph, each once
   * @param byRows those of the variables of which the loss does nothing but look up rows, by {@code
   *     ResourceGather}, {@code Gather} or {@code GatherV2} along the first dimension
   * @return the gradients and the variables that have none, possibly all of them
   * @throws UnsupportedGradientException as above, or if the loss uses a variable of {@code byRows}
   *     in another way; the graph is unchanged
   * @throws IllegalArgumentException as above
   * @throws GradientFailedException as above
   */
  public static GradientResult of(
      Operand<?> loss, List<TrainableVariable> variables, Set<TrainableVariable> byRows) {
    Output<?> y = floatingLoss(loss);
    Graph graph = (Graph) y.env();
    requireDistinctVariablesOf(graph, variables);
    GradientRegistry.registerOurs();

    GradientCheck.Verdict verdict = GradientCheck.of(y, variables, byRows).verdict();
    verdict.warnings().forEach(warning -> LOG.log(System.Logger.Level.WARNING, warning));
    List<Output<?>> xs = new ArrayList<>();
    for (TrainableVariable variable : verdict.reached()) {
      if (byRows.contains(variable)) {
        verdict.lookups().get(variable).forEach(lookup -> xs.add(lookup.rows()));
      } else {
        xs.add(variable.handle());
      }
    }
    Map<TrainableVariable, Output<?>> gradients = new LinkedHashMap<>();
    Map<TrainableVariable, RowGradient> rows = new LinkedHashMap<>();
    if (!xs.isEmpty()) {
      Output<?>[] x = xs.toArray(Output<?>[]::new);
      Iterator<Output<?>> dx =
          List.of(GradientRegistry.whileNothingRegisters(() -> graph.addGradients(y, x)))
              .iterator();
      for (TrainableVariable variable : verdict.reached()) {
        if (byRows.contains(variable)) {
          byRows(graph, variable, verdict.lookups().get(variable), dx)
              .ifPresent(gradient -> rows.put(variable, gradient));
        } else {
          Output<?> gradient = dx.next();
          if (exists(gradient)) {
            gradients.put(variable, requireDtype(gradient, variable));
          }
        }
      }
    }
    List<TrainableVariable> unreached = new ArrayList<>(variables);
    unreached.removeAll(gradients.keySet());
    unreached.removeAll(rows.keySet());
    return new GradientResult(gradients, rows, unreached);
  }

  /**
   * Finds the variables of which a loss does nothing but look up rows in place: those that {@link
   * #of(Operand, List, Set)} can differentiate by rows and that no step has to copy for it, as a
   * {@code GatherV2} of a resource variable that is read whole would.
   *
   * @param loss a floating point tensor
   * @param variables variables of the loss's graph, each once
   * @return those of them, possibly none, in the order given
   * @throws IllegalArgumentException as {@link #of(Operand, List)}
   */
  public static Set<TrainableVariable> lookedUp(
      Operand<?> loss, List<TrainableVariable> variables) {
    Output<?> y = floatingLoss(loss);
    List<TrainableVariable> candidates = variables.stream().filter(RowLookups::hasLookup).toList();
    if (candidates.isEmpty()) {
      return Set.of();
    }
    requireDistinctVariablesOf((Graph) y.env(), candidates);
    GradientPaths paths = new GradientPaths(List.of(y), candidates);
    Set<TrainableVariable> found = new LinkedHashSet<>(paths.reached());
    found.removeIf(variable -> !RowLookups.inPlace(variable, paths.node(variable)));
    return found;
  }

  /**
   * Says what stands in the way of the gradients of the sum of some tensors, all of it, without
   * adding anything to the graph: what {@link #of(Operand, List)} would refuse. For models that are
   * looked at before there is a loss: their outputs, or what the loss is computed from, stand for
   * it.
   *
   * <p>Registers the gradients that this library adds to TensorFlow's own, once in a process.
   *
   * @param losses float16, bfloat16, float32 or float64 tensors of one graph, of any shape
   * @param variables variables of their graph, each once
   * @return the operations in the way, and which variables they concern
   * @throws IllegalArgumentException if there is no tensor or no variable, a tensor is not of a
   *     floating point dtype or not of a graph, or something is of another graph or given twice
   */
  public static GradientObstacles obstacles(
      List<? extends Operand<?>> losses, List<TrainableVariable> variables) {
    if (losses.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one tensor to differentiate, found none; pass a loss, or outputs of a"
              + " floating point dtype.");
    }
    List<Output<?>> ys = new ArrayList<>();
    losses.forEach(loss -> ys.add(floatingLoss(loss)));
    Graph graph = (Graph) ys.get(0).env();
    for (Output<?> y : ys) {
      if (y.env() != graph) {
        throw new IllegalArgumentException(
            "Expected tensors of one graph, found "
                + y.name()
                + " of another; ask for each graph.");
      }
    }
    requireDistinctVariablesOf(graph, variables);
    GradientRegistry.registerOurs();
    return GradientCheck.obstacles(ys, variables);
  }

  private static Optional<RowGradient> byRows(
      Graph graph,
      TrainableVariable variable,
      List<RowLookups.Lookup> lookups,
      Iterator<Output<?>> dx) {
    List<RowLookups.Lookup> found = new ArrayList<>();
    List<Output<?>> dy = new ArrayList<>();
    for (RowLookups.Lookup lookup : lookups) {
      Output<?> gradient = dx.next();
      if (exists(gradient)) {
        found.add(lookup);
        dy.add(requireDtype(gradient, variable));
      }
    }
    return found.isEmpty()
        ? Optional.empty()
        : Optional.of(RowGradient.of(Ops.create(graph).withSubScope("rows"), variable, found, dy));
  }

  private static Output<?> floatingLoss(Operand<?> loss) {
    Output<?> output = Objects.requireNonNull(loss, "loss").asOutput();
    if (!(output.env() instanceof Graph)) {
      throw new IllegalArgumentException(
          "Expected a loss in a graph, found an eager tensor; build the loss in a Graph.");
    }
    if (!Dtypes.isFloating(output.dataType())) {
      throw new IllegalArgumentException(
          "Expected a loss of a floating point dtype, found "
              + output.name()
              + " of dtype "
              + output.dataType()
              + "; cast it, or pass the loss itself and not a metric.");
    }
    return output;
  }

  private static void requireDistinctVariablesOf(Graph graph, List<TrainableVariable> variables) {
    if (variables.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one variable to differentiate by, found none; a loss of constants"
              + " cannot be trained.");
    }
    Set<TrainableVariable> seen = new LinkedHashSet<>();
    for (TrainableVariable variable : variables) {
      if (variable.graph() != graph) {
        throw new IllegalArgumentException(
            "Expected variables of the loss's graph, found "
                + variable.name()
                + " of another; build loss and variables in one graph.");
      }
      if (!seen.add(variable)) {
        throw new IllegalArgumentException(
            "Expected each variable once, found " + variable.name() + " twice; remove one.");
      }
    }
  }

  /** TensorFlow answers with an output of no operation where no gradient flows. */
  private static boolean exists(Output<?> gradient) {
    var handle = ((GraphOperation) gradient.op()).getUnsafeNativeHandle();
    return handle != null && !handle.isNull();
  }

  private static Output<?> requireDtype(Output<?> gradient, TrainableVariable variable) {
    if (TensorTypes.base(gradient.dataType()) != variable.dataType()) {
      throw new GradientFailedException(
          "Expected a gradient of dtype "
              + variable.dataType()
              + " for variable "
              + variable.name()
              + ", found "
              + gradient.dataType()
              + "; a registered gradient on the way returns the wrong dtype.",
          null);
    }
    return gradient;
  }
}
