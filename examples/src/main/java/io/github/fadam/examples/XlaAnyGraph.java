package io.github.fadam.examples;

import io.github.fadam.ops.xla.XlaGraph;
import java.util.Locale;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Momentum;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * A TensorFlow-Java program of one's own, with reference variables and the framework's optimizer,
 * compiled by XLA: the copy of the graph has one call in place of what it runs.
 */
public final class XlaAnyGraph {

  private static final int STEPS = 50;

  private XlaAnyGraph() {}

  /**
   * Runs the program as it is and compiled.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    float[] losses = run();
    System.out.printf(
        Locale.ROOT,
        "loss %.6f as it is, %.6f compiled, after %d steps%n",
        losses[0],
        losses[1],
        STEPS);
  }

  /** The last loss of the program as it is, and compiled. */
  static float[] run() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 2)));
      Variable<TFloat32> w = tf.variable(tf.constant(new float[][] {{3}, {-2}}));
      Operand<TFloat32> error = tf.math.sub(tf.linalg.matMul(x, w), tf.constant(1f));
      Operand<TFloat32> loss =
          tf.withName("loss").math.mean(tf.math.square(error), tf.constant(new int[] {0, 1}));
      Op train = new Momentum(graph, 0.05f, 0.9f).minimize(loss, "train");

      try (XlaGraph compiled = XlaGraph.of(graph).fetch(loss).target(train).build()) {
        return new float[] {lastLoss(graph), lastLoss(compiled.graph())};
      }
    }
  }

  /** Names are the same in both graphs. */
  private static float lastLoss(Graph graph) {
    float last = 0;
    try (Session session = new Session(graph);
        TFloat32 rows = TFloat32.tensorOf(Shape.of(4, 2))) {
      for (int i = 0; i < 8; i++) {
        rows.setFloat((i * 5 % 8) / 4f - 1, i / 2, i % 2);
      }
      for (int step = 0; step < STEPS; step++) {
        try (Result result =
            session.runner().feed("x", rows).fetch("loss").addTarget("train").run()) {
          last = ((TFloat32) result.get(0)).getFloat();
        }
      }
    }
    return last;
  }
}
