package io.github.fadam.examples;

import io.github.fadam.framework.optimizer.CompiledStep;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.List;
import java.util.Locale;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * Trains from nothing with the whole step compiled: forward pass, gradients and FAdam's update are
 * one function of XLA, which updates the resource variables in place.
 */
public final class XlaTraining {

  private static final int STEPS = 300;
  private static final int POINTS = 64;

  private XlaTraining() {}

  /**
   * Trains and prints the first and the last loss.
   *
   * @param arguments none
   */
  public static void main(String[] arguments) {
    float[] losses = train();
    System.out.printf(Locale.ROOT, "loss %.4f -> %.4f%n", losses[0], losses[STEPS - 1]);
  }

  /** The loss of every step. */
  static float[] train() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(POINTS, 1)));
      TrainableVariable frequency =
          TrainableVariable.create(
              tf, Kind.RESOURCE, "frequency", tf.withInitScope().constant(new float[] {1.5f}));
      TrainableVariable phase =
          TrainableVariable.create(
              tf, Kind.RESOURCE, "phase", tf.withInitScope().constant(new float[] {0.5f}));
      Operand<TFloat32> guess =
          tf.math.sin(tf.math.add(tf.math.mul(x, value(tf, frequency)), value(tf, phase)));
      Operand<TFloat32> truth = tf.math.sin(tf.math.mul(x, tf.constant(2f)));
      Operand<TFloat32> loss =
          tf.math.mean(tf.math.squaredDifference(guess, truth), tf.constant(new int[] {0, 1}));

      FAdam optimizer =
          FAdam.builder(graph).learningRate(Schedules.linear(0.02, 0.001, STEPS)).build();
      CompiledStep step =
          optimizer.minimizeCompiled(loss, List.of(frequency.handle(), phase.handle()), List.of());

      float[] losses = new float[STEPS];
      try (Session session = new Session(graph);
          TFloat32 points = TFloat32.tensorOf(Shape.of(POINTS, 1))) {
        for (int i = 0; i < POINTS; i++) {
          points.setFloat(4f * i / POINTS - 2, i, 0);
        }
        for (int i = 0; i < STEPS; i++) {
          try (Result result =
              session.runner().feed(x, points).fetch(step.loss()).addTarget(step.step()).run()) {
            losses[i] = ((TFloat32) result.get(0)).getFloat();
          }
        }
      }
      return losses;
    }
  }

  @SuppressWarnings("unchecked") // the variables are of floats
  private static Operand<TFloat32> value(Ops tf, TrainableVariable variable) {
    return (Operand<TFloat32>) variable.read(tf);
  }
}
