package io.github.fadam.examples;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.export.TrainedGraphExporter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * A network of resource variables, built and trained in Java from nothing, and saved as a
 * SavedModel that Python loads: {@code tf.saved_model.load("DIRECTORY").signatures[
 * "serving_default"](x=...)}.
 */
public final class ScratchTraining {

  private static final int STEPS = 1500;
  private static final int HIDDEN = 32;
  private static final int POINTS = 128;

  private ScratchTraining() {}

  /**
   * Trains, saves, and prints what the network answers, a line {@code x y} for each of 5 inputs.
   *
   * @param arguments the directory to write, which must not exist
   * @throws IOException if it cannot be written
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      throw new IllegalArgumentException("Expected one argument, the directory to write.");
    }
    float[] inputs = {-2, -1, 0, 0.5f, 2};
    float[] answers = train(Path.of(arguments[0]), inputs);
    for (int i = 0; i < inputs.length; i++) {
      System.out.printf(Locale.ROOT, "%.9g %.9g%n", inputs[i], answers[i]);
    }
  }

  /** Trains a network to be sin(3 x) between -2 and 2, saves it, and asks it. */
  static float[] train(Path target, float... questions) throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Random random = new Random(1);
      Placeholder<TFloat32> x =
          tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 1)));
      Placeholder<TFloat32> labels =
          tf.withName("labels").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 1)));
      Ops layer = tf.withSubScope("hidden");
      Operand<TFloat32> w1 = variable(layer, "kernel", random, 1, HIDDEN);
      Operand<TFloat32> b1 = variable(layer, "bias", random, 1, HIDDEN);
      Operand<TFloat32> w2 = variable(tf.withSubScope("head"), "kernel", random, HIDDEN, 1);
      Operand<TFloat32> hidden = tf.math.tanh(tf.math.add(tf.linalg.matMul(x, w1), b1));
      Operand<TFloat32> y = tf.withName("y").linalg.matMul(hidden, w2);

      Operand<?> loss = Losses.meanSquaredError().value(tf, labels, y);
      Op train =
          FAdam.builder(graph)
              .learningRate(Schedules.warmupCosine(0.02, 50, STEPS))
              .build()
              .minimize(loss);

      try (Session session = new Session(graph);
          TFloat32 fedX = column(POINTS, i -> 4f * i / POINTS - 2);
          TFloat32 fedY = column(POINTS, i -> (float) Math.sin(3 * (4f * i / POINTS - 2)));
          TFloat32 asked = column(questions.length, i -> questions[i])) {
        for (int step = 0; step < STEPS; step++) {
          session.runner().feed(x, fedX).feed(labels, fedY).addTarget(train).run().close();
        }
        Signature signature =
            Signature.builder(Signature.DEFAULT_KEY).input("x", x).output("y", y).build();
        TrainedGraphExporter.of(session, signature).export(target, false);
        try (Result result = session.runner().feed(x, asked).fetch(y).run()) {
          float[] answers = new float[questions.length];
          for (int i = 0; i < answers.length; i++) {
            answers[i] = ((TFloat32) result.get(0)).getFloat(i, 0);
          }
          return answers;
        }
      }
    }
  }

  private interface Row {
    float value(int row);
  }

  private static TFloat32 column(int rows, Row row) {
    float[] values = new float[rows];
    for (int i = 0; i < rows; i++) {
      values[i] = row.value(i);
    }
    return TFloat32.tensorOf(Shape.of(rows, 1), DataBuffers.of(values));
  }

  @SuppressWarnings("unchecked") // made of float32
  private static Operand<TFloat32> variable(
      Ops tf, String name, Random random, int rows, int columns) {
    float[][] initial = new float[rows][columns];
    for (float[] row : initial) {
      for (int i = 0; i < columns; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    TrainableVariable variable =
        TrainableVariable.create(
            tf, TrainableVariable.Kind.RESOURCE, name, tf.withInitScope().constant(initial));
    return (Operand<TFloat32>) variable.read(tf);
  }
}
