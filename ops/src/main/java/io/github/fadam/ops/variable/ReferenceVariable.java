package io.github.fadam.ops.variable;

import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TType;

/** A {@code VariableV2}: its operation's attributes and output describe the value. */
record ReferenceVariable(
    Output<?> handle, Shape shape, DataType dataType, Class<? extends TType> type)
    implements TrainableVariable {

  @Override
  public Kind kind() {
    return Kind.REFERENCE;
  }

  @Override
  public Operand<?> read(Ops tf) {
    return tf.identity(typedHandle());
  }

  @Override
  public Op assign(Ops tf, Operand<?> value) {
    return tf.assign(typedHandle(), typed(value));
  }

  @Override
  public Op assignSub(Ops tf, Operand<?> delta) {
    return tf.assignSub(typedHandle(), typed(delta));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ReferenceVariable variable && handle.equals(variable.handle);
  }

  @Override
  public int hashCode() {
    return handle.hashCode();
  }

  @SuppressWarnings("unchecked") // the wildcard stands for one type, the variable's
  private Output<TType> typedHandle() {
    return (Output<TType>) handle;
  }

  @SuppressWarnings("unchecked") // TensorFlow checks the dtype when the operation is built
  private static Operand<TType> typed(Operand<?> value) {
    return (Operand<TType>) value;
  }
}
