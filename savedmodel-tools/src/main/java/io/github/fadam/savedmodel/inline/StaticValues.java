package io.github.fadam.savedmodel.inline;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Knows which of a plan's integers follow from constants and from shapes alone.
 *
 * <p>TensorFlow finds out: where a shape depends on a value, its shape inference computes the value
 * if it can. So a scalar's value is read off the shape of a tensor that is as long. No session runs
 * and no variable has a value here.
 */
final class StaticValues implements AutoCloseable {

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Map<String, Operation> operations = new HashMap<>();
  private final Map<String, OptionalLong> known = new HashMap<>();
  private final Function<String, NodeDef> definitions;

  /**
   * Starts with an empty graph.
   *
   * @param library the functions that control flow operations in the plan call
   * @param definitions a node of the plan, or what stands for an external one, by name; without its
   *     inputs for what may not be looked through
   */
  StaticValues(FunctionDefLibrary library, Function<String, NodeDef> definitions) {
    this.definitions = definitions;
    graph.importGraphDef(GraphDef.newBuilder().setLibrary(library).build());
  }

  /** Value of an integer or boolean scalar, 0 for false, where it is the same in every run. */
  OptionalLong of(String tensor) {
    OptionalLong value = known.get(tensor);
    if (value == null) {
      value = compute(tensor);
      known.put(tensor, value);
    }
    return value;
  }

  /** What is known about the shape of a tensor. */
  Shape shape(String tensor) {
    try {
      return output(tensor).shape();
    } catch (TensorFlowException | IllegalArgumentException notInferred) {
      return Shape.unknown();
    }
  }

  /** Counts in Java; asks TensorFlow for what is not counting. */
  private OptionalLong compute(String tensor) {
    NodeDef node = definitions.apply(Frame.nodeName(tensor));
    if (Scalars.isConstant(node)) {
      return Scalars.constant(node);
    }
    int arity = Scalars.arity(node.getOp());
    if (arity == 0) {
      return infer(tensor);
    }
    OptionalLong first = of(node.getInput(0));
    OptionalLong second = arity == 2 ? of(node.getInput(1)) : first;
    return first.isEmpty() || second.isEmpty()
        ? OptionalLong.empty()
        : Scalars.compute(node.getOp(), first.getAsLong(), second.getAsLong());
  }

  private OptionalLong infer(String tensor) {
    try {
      Output<?> output = output(tensor);
      if (!isInteger(output.dataType()) || !output.shape().isScalar()) {
        return OptionalLong.empty();
      }
      Operand<TInt64> value = integer(output);
      OptionalLong size = size(tf.math.abs(value));
      OptionalLong negative =
          size(tf.dtypes.cast(tf.math.less(value, tf.constant(0L)), TInt64.class));
      return size.isEmpty() || negative.isEmpty()
          ? OptionalLong.empty()
          : OptionalLong.of(negative.getAsLong() == 1 ? -size.getAsLong() : size.getAsLong());
    } catch (TensorFlowException | IllegalArgumentException notInferred) {
      return OptionalLong.empty();
    }
  }

  private static boolean isInteger(DataType type) {
    return type == DataType.DT_INT32 || type == DataType.DT_INT64 || type == DataType.DT_BOOL;
  }

  @SuppressWarnings("unchecked") // Cast takes every one of the dtypes
  private Operand<TInt64> integer(Output<?> output) {
    return tf.dtypes.cast((Operand<TType>) output, TInt64.class);
  }

  private OptionalLong size(Operand<? extends TNumber> value) {
    Shape shape = tf.fill(tf.reshape(value, tf.constant(new int[] {1})), tf.constant(0f)).shape();
    return shape.isUnknown() || shape.get(0) == Shape.UNKNOWN_SIZE
        ? OptionalLong.empty()
        : OptionalLong.of(shape.get(0));
  }

  private Output<?> output(String tensor) {
    Deque<String> open = new ArrayDeque<>();
    open.push(Frame.nodeName(tensor));
    while (!open.isEmpty()) {
      String name = open.peek();
      if (operations.containsKey(name)) {
        open.pop();
        continue;
      }
      NodeDef node = definitions.apply(name);
      int before = open.size();
      for (String input : node.getInputList()) {
        if (!input.startsWith("^") && !operations.containsKey(Frame.nodeName(input))) {
          open.push(Frame.nodeName(input));
        }
      }
      if (open.size() == before) {
        open.pop();
        operations.put(name, NodeAdder.add(graph, node, name, this::added));
      }
    }
    return added(tensor);
  }

  private Output<?> added(String tensor) {
    int colon = tensor.lastIndexOf(':');
    return operations
        .get(tensor.substring(0, colon))
        .output(Integer.parseInt(tensor.substring(colon + 1)));
  }

  @Override
  public void close() {
    graph.close();
  }
}
