package io.github.fadam.ops.variable;

import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TType;

/**
 * A {@code VarHandleOp}, or the placeholder that stands for one inside a function's body.
 *
 * <p>The output's own {@code shape()} and {@code type()} describe the handle, not the value, hence
 * the components here.
 */
record ResourceVariable(
    Output<?> handle, Shape shape, DataType dataType, Class<? extends TType> type)
    implements TrainableVariable {

  @Override
  public Kind kind() {
    return Kind.RESOURCE;
  }

  @Override
  public Operand<?> read(Ops tf) {
    Operand<?> value = tf.readVariableOp(handle, type);
    // A placeholder of a handle does not tell the shape; reshape is what has a gradient.
    return value.shape().isUnknown() && !shape.isUnknown() && !shape.hasUnknownDimension()
        ? tf.reshape(value, tf.constant(shape.asArray()))
        : value;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ResourceVariable variable && handle.equals(variable.handle);
  }

  @Override
  public int hashCode() {
    return handle.hashCode();
  }

  @Override
  public Op assign(Ops tf, Operand<?> value) {
    return tf.assignVariableOp(handle, value);
  }

  @Override
  public Op assignSub(Ops tf, Operand<?> delta) {
    return tf.assignSubVariableOp(handle, delta);
  }
}
