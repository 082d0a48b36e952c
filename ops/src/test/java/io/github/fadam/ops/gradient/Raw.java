package io.github.fadam.ops.gradient;

import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;

/** Builds an operation by its type: the tests' tables speak of types, not of classes. */
final class Raw {
  private final OperationBuilder builder;

  private Raw(OperationBuilder builder) {
    this.builder = builder;
  }

  static Raw op(Ops tf, String type) {
    return new Raw(tf.scope().opBuilder(type, type));
  }

  static Output<?> of(Ops tf, String type, Operand<?>... inputs) {
    return op(tf, type).in(inputs);
  }

  Raw attr(String name, Object value) {
    if (value instanceof String text) {
      builder.setAttr(name, text);
    } else if (value instanceof Integer number) {
      builder.setAttr(name, number.longValue());
    } else if (value instanceof Double number) {
      builder.setAttr(name, number.floatValue());
    } else if (value instanceof Float number) {
      builder.setAttr(name, number);
    } else if (value instanceof Boolean flag) {
      builder.setAttr(name, flag);
    } else if (value instanceof DataType type) {
      builder.setAttr(name, type);
    } else if (value instanceof long[] list) {
      builder.setAttr(name, list);
    } else if (value instanceof float[] list) {
      builder.setAttr(name, list);
    } else if (value instanceof AttrValue proto) {
      builder.setAttr(name, proto);
    } else if (value instanceof Shape shape) {
      builder.setAttr(name, shape);
    } else {
      throw new IllegalArgumentException("attribute " + name + " of " + value.getClass());
    }
    return this;
  }

  Raw list(Operand<?>... inputs) {
    Output<?>[] outputs = new Output<?>[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      outputs[i] = inputs[i].asOutput();
    }
    builder.addInputList(outputs);
    return this;
  }

  Raw and(Operand<?> input) {
    builder.addInput(input.asOutput());
    return this;
  }

  Output<?> in(Operand<?>... inputs) {
    return build(inputs).output(0);
  }

  Operation build(Operand<?>... inputs) {
    for (Operand<?> input : inputs) {
      builder.addInput(input.asOutput());
    }
    return builder.build();
  }
}
