package io.github.fadam.examples;

import io.github.fadam.framework.optimizer.FAdam;
import java.util.Locale;
import java.util.Random;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Adam;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * An existing TensorFlow-Java program, before and after: a small network of reference variables
 * learns a sine, once with the framework's Adam and once with FAdam. One line differs.
 */
public final class SwapOptimizer {

  private static final int STEPS = 1000;
  private static final int HIDDEN = 32;
  private static final int POINTS = 128;

  private SwapOptimizer() {}

  /**
   * Trains both and prints where their losses began and ended.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    float[] before = train(graph -> new Adam(graph, 0.01f));
    float[] after = train(graph -> new FAdam(graph, 0.01f)); // the one line
    print("Adam", before);
    print("FAdam", after);
  }

  private static void print(String optimizer, float[] losses) {
    System.out.printf(
        Locale.ROOT, "%-5s loss %.6f -> %.6f%n", optimizer, losses[0], losses[STEPS - 1]);
  }

  /** The program: the loss of every step. */
  static float[] train(Function<Graph, Optimizer> choice) {
    Random random = new Random(1);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 1)));
      Placeholder<TFloat32> y = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 1)));
      Variable<TFloat32> w1 = tf.variable(normal(tf, random, 1, HIDDEN));
      Variable<TFloat32> b1 = tf.variable(normal(tf, random, 1, HIDDEN));
      Variable<TFloat32> w2 = tf.variable(normal(tf, random, HIDDEN, 1));
      Operand<TFloat32> hidden = tf.math.tanh(tf.math.add(tf.linalg.matMul(x, w1), b1));
      Operand<TFloat32> error = tf.math.sub(tf.linalg.matMul(hidden, w2), y);
      Operand<TFloat32> loss = tf.math.mean(tf.math.square(error), tf.constant(new int[] {0, 1}));

      Optimizer optimizer = choice.apply(graph);
      Op train = optimizer.minimize(loss);

      float[] inputs = new float[POINTS];
      float[] targets = new float[POINTS];
      for (int i = 0; i < POINTS; i++) {
        inputs[i] = 4f * i / POINTS - 2;
        targets[i] = (float) Math.sin(3 * inputs[i]);
      }
      float[] losses = new float[STEPS];
      try (Session session = new Session(graph);
          TFloat32 fedX = TFloat32.tensorOf(Shape.of(POINTS, 1), DataBuffers.of(inputs));
          TFloat32 fedY = TFloat32.tensorOf(Shape.of(POINTS, 1), DataBuffers.of(targets))) {
        for (int step = 0; step < STEPS; step++) {
          try (Result result =
              session.runner().feed(x, fedX).feed(y, fedY).fetch(loss).addTarget(train).run()) {
            losses[step] = ((TFloat32) result.get(0)).getFloat();
          }
        }
      }
      return losses;
    }
  }

  private static Operand<TFloat32> normal(Ops tf, Random random, int rows, int columns) {
    float[][] values = new float[rows][columns];
    for (float[] row : values) {
      for (int i = 0; i < columns; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return tf.constant(values);
  }
}
