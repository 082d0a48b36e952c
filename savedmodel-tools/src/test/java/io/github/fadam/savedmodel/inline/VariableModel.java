package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.variable.TrainableVariable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.SessionFunction;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/**
 * A model of one input and one variable that is written to disk, and how TensorFlow's operations
 * are added by their names.
 *
 * @param image shape of the input
 * @param variable shape of the variable
 * @param body from input and variable to output
 */
record VariableModel(
    String name, Shape image, Shape variable, BiFunction<Ops, Operand<?>[], Operand<?>> body) {

  static final String SIGNATURE = "serve";

  @Override
  public String toString() {
    return name;
  }

  /** Saves the model: a program of TensorFlow 1 whose output is {@code body/y}. */
  void write(Path folder) throws IOException {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(image));
      TrainableVariable w =
          TrainableVariable.create(
              tf,
              TrainableVariable.Kind.REFERENCE,
              "w",
              tf.constant(variable, DataBuffers.of(gaussian(variable, 4))));
      Ops inside = tf.withSubScope("body");
      Operand<?> output = body.apply(inside, new Operand<?>[] {x, w.read(inside)});
      Operand<?> y = add(inside.withName("y"), "Identity", output);
      session.initialize();
      Signature signature = Signature.builder().key(SIGNATURE).input("x", x).output("y", y).build();
      SavedModelBundle.exporter(folder.toString())
          .withTags("serve")
          .withFunction(SessionFunction.create(signature, session))
          .export();
    }
  }

  static OperationBuilder node(Ops tf, String type, Operand<?>... inputs) {
    OperationBuilder builder = tf.scope().opBuilder(type, type);
    for (Operand<?> input : inputs) {
      builder.addInput(input.asOutput());
    }
    return builder;
  }

  static Output<?> add(Ops tf, String type, Operand<?>... inputs) {
    return node(tf, type, inputs).build().output(0);
  }

  static Output<?> cast(Ops tf, Operand<?> value, DataType to) {
    return node(tf, "Cast", value).setAttr("DstT", to).build().output(0);
  }

  static Output<?> sum(Ops tf, Operand<?> values) {
    return add(tf, "Sum", add(tf, "Reshape", values, tf.constant(new int[] {-1})), tf.constant(0));
  }

  static float[] gaussian(Shape shape, long seed) {
    Random random = new Random(seed);
    float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
