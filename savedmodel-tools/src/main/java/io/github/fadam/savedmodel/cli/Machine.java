package io.github.fadam.savedmodel.cli;

import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.xla.XlaGraph;
import io.github.fadam.savedmodel.training.Device;
import java.io.IOException;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** What {@link DoctorCommand} tries out: each method runs a very small graph. */
final class Machine {

  private Machine() {}

  static String nativeDirectory() throws IOException {
    return "unpacked in " + Loader.getCacheDir();
  }

  /** The devices that a session can place an operation on. */
  static List<String> devices() {
    List<String> devices = Device.available();
    if (devices.isEmpty()) {
      throw new IllegalStateException("no session of TensorFlow runs here");
    }
    return devices;
  }

  /** The GPUs, empty where there is none. */
  static String gpus() {
    return String.join(
        ", ", devices().stream().filter(device -> device.startsWith("GPU")).toList());
  }

  /** Differentiates an operation that TensorFlow's C++ side has no gradient for. */
  static String gradients() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              TrainableVariable.Kind.RESOURCE,
              "table",
              tf.constant(new float[][] {{1, 2}, {3, 4}}));
      Operand<TFloat32> rows =
          tf.resourceGather(table.handle(), tf.constant(new int[] {1, 1}), TFloat32.class);
      Operand<TFloat32> loss = tf.sum(tf.math.square(rows), tf.constant(new int[] {0, 1}));
      var gradient = Gradients.of(loss, List.of(table)).gradients().get(table);
      session.initialize();
      try (Tensor value = session.runner().fetch(gradient).run().get(0)) {
        float found = ((TFloat32) value).getFloat(1, 0);
        if (found != 12f) {
          throw new IllegalStateException("a gradient of 12 came out as " + found);
        }
      }
      return "registered gradients give the right numbers";
    }
  }

  /** Runs a function that must be compiled by XLA. */
  static String xla() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class);
      Operand<TFloat32> sum = tf.math.add(x, x);
      try (XlaGraph compiled = XlaGraph.of(graph).fetch(sum).build();
          Session session = new Session(compiled.graph());
          TFloat32 value = TFloat32.scalarOf(21);
          Tensor y =
              session
                  .runner()
                  .feed(compiled.output(x), value)
                  .fetch(compiled.output(sum))
                  .run()
                  .get(0)) {
        float found = ((TFloat32) y).getFloat();
        if (found != 42f) {
          throw new IllegalStateException("a compiled 2 * 21 came out as " + found);
        }
      }
      return "compiles and runs on the CPU";
    }
  }
}
