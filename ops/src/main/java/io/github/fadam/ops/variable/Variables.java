package io.github.fadam.ops.variable;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.op.core.AssignVariableOp;
import org.tensorflow.op.core.ReadVariableOp;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TType;

/** Finds the variables of a graph. */
public final class Variables {

  private static final Set<String> REFERENCE_TYPES = Set.of(Variable.OP_NAME, "Variable");

  private Variables() {}

  /**
   * All variables of a graph whose dtype is a floating point type.
   *
   * @param graph the graph
   * @return reference and resource variables in the order in which the graph holds them
   */
  public static List<TrainableVariable> all(Graph graph) {
    List<TrainableVariable> variables = new ArrayList<>();
    graph
        .operations()
        .forEachRemaining(
            operation -> {
              if (isVariable(operation) && TensorTypes.isFloating(valueType(operation))) {
                variables.add(view(operation.output(0)));
              }
            });
    return List.copyOf(variables);
  }

  /**
   * Whether an operation holds a variable.
   *
   * @param operation any operation
   * @return true for {@code VariableV2}, {@code Variable} and {@code VarHandleOp}
   */
  public static boolean isVariable(Operation operation) {
    return REFERENCE_TYPES.contains(operation.type())
        || operation.type().equals(VarHandleOp.OP_NAME);
  }

  /**
   * Views a resource handle that carries no attributes of its own, such as the placeholder that
   * stands for a variable inside a function's body.
   *
   * @param handle a tensor of dtype {@code DT_RESOURCE}
   * @param shape static shape of the value
   * @param dataType dtype of the value
   * @return the view
   * @throws IllegalArgumentException if {@code handle} is not a resource
   */
  public static TrainableVariable ofHandle(Output<?> handle, Shape shape, DataType dataType) {
    if (handle.dataType() != DataType.DT_RESOURCE) {
      throw new IllegalArgumentException(
          "Expected a resource handle, found "
              + handle.name()
              + " of dtype "
              + handle.dataType()
              + "; pass the output of a VarHandleOp or a placeholder of DT_RESOURCE.");
    }
    return new ResourceVariable(handle, shape, dataType, typeOf(dataType));
  }

  /**
   * Adds an operation that gives one resource variable the value of another. Any dtype will do,
   * also one that TensorFlow-Java has no class for.
   *
   * @param tf where to add it
   * @param from output of the {@code VarHandleOp} to read
   * @param to output of the {@code VarHandleOp} to assign
   * @return the operation that assigns
   * @throws IllegalArgumentException if one of them is no {@code VarHandleOp} or their dtypes
   *     differ
   */
  public static Operation copy(Ops tf, Output<?> from, Output<?> to) {
    for (Output<?> handle : List.of(from, to)) {
      if (!handle.op().type().equals(VarHandleOp.OP_NAME)) {
        throw new IllegalArgumentException(
            "Expected a VarHandleOp, found "
                + handle.op().name()
                + " of type "
                + handle.op().type()
                + "; only resource variables can be copied.");
      }
    }
    DataType dataType = valueType(from.op());
    if (dataType != valueType(to.op())) {
      throw new IllegalArgumentException(
          "Expected two variables of one dtype, found "
              + from.op().name()
              + " of "
              + dataType
              + " and "
              + to.op().name()
              + " of "
              + valueType(to.op())
              + ".");
    }
    Scope scope = tf.scope();
    Operation read =
        scope
            .env()
            .opBuilder(ReadVariableOp.OP_NAME, scope.makeOpName("CopyRead"), scope)
            .addInput(from)
            .setAttr("dtype", dataType)
            .build();
    return scope
        .env()
        .opBuilder(AssignVariableOp.OP_NAME, scope.makeOpName("CopyAssign"), scope)
        .addInput(to)
        .addInput(read.output(0))
        .build();
  }

  static TrainableVariable view(Output<?> output) {
    if (!(output.op() instanceof GraphOperation operation) || !isVariable(operation)) {
      throw new IllegalArgumentException(
          "Expected the output of a VariableV2 or VarHandleOp, found "
              + output.op().name()
              + " of type "
              + output.op().type()
              + "; pass the variable itself, not a value read from it.");
    }
    DataType dataType = valueType(operation);
    Class<? extends TType> type = typeOf(dataType);
    Shape shape = operation.attributes().getAttrShape("shape");
    return operation.type().equals(VarHandleOp.OP_NAME)
        ? new ResourceVariable(output, shape, dataType, type)
        : new ReferenceVariable(output, shape, dataType, type);
  }

  static TrainableVariable create(
      Ops tf, TrainableVariable.Kind kind, String name, Operand<?> initial) {
    Shape shape = initial.shape();
    if (shape.isUnknown() || shape.hasUnknownDimension()) {
      throw new IllegalArgumentException(
          "Expected an initial value of known shape for variable "
              + name
              + ", found "
              + shape
              + "; give the initial value a static shape.");
    }
    Ops init = tf.withInitScope();
    Output<?> handle =
        switch (kind) {
          case REFERENCE -> init.withName(name).variable(shape, initial.type()).asOutput();
          case RESOURCE -> resource(init.scope().withName(name), shape, initial);
        };
    TrainableVariable variable = view(handle);
    variable.assign(init.withName(name + "-initial"), initial);
    return variable;
  }

  /** Names the resource like its operation: all handles without a shared name are one variable. */
  private static Output<?> resource(Scope scope, Shape shape, Operand<?> initial) {
    String name = scope.makeOpName(VarHandleOp.OP_NAME);
    return scope
        .env()
        .opBuilder(VarHandleOp.OP_NAME, name, scope)
        .setAttr("dtype", initial.asOutput().dataType())
        .setAttr("shape", shape)
        .setAttr("shared_name", name)
        .build()
        .output(0);
  }

  private static DataType valueType(Operation operation) {
    return ((GraphOperation) operation).attributes().getAttrType("dtype");
  }

  private static Class<? extends TType> typeOf(DataType dataType) {
    return TensorTypes.of(dataType)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected a dtype that TensorFlow-Java has a class for, found "
                        + dataType
                        + "; variables of this dtype can neither be read nor trained from Java."));
  }
}
