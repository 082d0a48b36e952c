package io.github.fadam.ops.variable;

import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TType;

/**
 * A variable of a graph, whatever its kind.
 *
 * <p>Two values are equal when they stand for the same operation of the same graph. Every method
 * that adds operations adds them where the given {@link Ops} says: its name scope, its control
 * dependencies and, for {@link Ops#withInitScope()}, the graph's initializers.
 */
public sealed interface TrainableVariable permits ReferenceVariable, ResourceVariable {

  /** The two kinds of variables that TensorFlow has. */
  enum Kind {
    /** {@code VariableV2}: the tensor itself flows along the graph's edges. */
    REFERENCE,
    /** {@code VarHandleOp}: a handle flows, values are read and assigned by operations. */
    RESOURCE
  }

  /**
   * Views the output of a variable's operation.
   *
   * @param output output 0 of a {@code VariableV2}, {@code Variable} or {@code VarHandleOp}
   * @return the view
   * @throws IllegalArgumentException if the operation is none of these, or its dtype cannot be
   *     represented in TensorFlow-Java
   */
  static TrainableVariable of(Output<?> output) {
    return Variables.view(output);
  }

  /**
   * Adds a variable of the given kind and its initializer to the graph.
   *
   * @param tf where to add it; its name scope prefixes the name
   * @param kind reference or resource
   * @param name name of the variable's operation, made unique by the scope
   * @param initial initial value; its static shape, which must be fully known, and its type become
   *     the variable's
   * @return the new variable; a session of its graph initialises it as it does any other variable
   * @throws IllegalArgumentException if the static shape of {@code initial} is not fully known
   */
  static TrainableVariable create(Ops tf, Kind kind, String name, Operand<?> initial) {
    return Variables.create(tf, kind, name, initial);
  }

  /**
   * Whether the variable is a reference or a resource.
   *
   * @return the kind
   */
  Kind kind();

  /**
   * What {@code Graph.addGradients} differentiates by and {@code GradAndVar} holds.
   *
   * @return the variable's tensor (reference) or handle (resource)
   */
  Output<?> handle();

  /**
   * Name of the variable's operation in its graph.
   *
   * @return the name, without {@code :0}
   */
  default String name() {
    return handle().op().name();
  }

  /**
   * The graph that holds the variable.
   *
   * @return the graph
   */
  default Graph graph() {
    return (Graph) handle().env();
  }

  /**
   * Static shape of the value.
   *
   * @return the shape; dimensions that the graph leaves open are {@link Shape#UNKNOWN_SIZE}
   */
  Shape shape();

  /**
   * Data type of the value.
   *
   * @return the dtype, never a {@code _REF} type nor {@code DT_RESOURCE}
   */
  DataType dataType();

  /**
   * Class of the value's tensor type.
   *
   * @return for example {@code TFloat32.class}
   */
  Class<? extends TType> type();

  /**
   * Adds an operation that reads the value.
   *
   * <p>The read of a reference variable shares its buffer: an operation that assigns must depend on
   * every operation that uses an earlier read.
   *
   * @param tf where to add it
   * @return the value
   */
  Operand<?> read(Ops tf);

  /**
   * Adds an operation that sets the value.
   *
   * @param tf where to add it
   * @param value new value, of {@link #shape()} and {@link #dataType()}
   * @return the operation, to run or to depend on
   */
  Op assign(Ops tf, Operand<?> value);

  /**
   * Adds an operation that subtracts from the value.
   *
   * @param tf where to add it
   * @param delta what to subtract, of {@link #shape()} and {@link #dataType()}
   * @return the operation, to run or to depend on
   */
  Op assignSub(Ops tf, Operand<?> delta);
}
