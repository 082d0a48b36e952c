package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

class FAdamTest {

  /** The numbers are worked by hand: theta (1, -2), gradients (1, 2) and (3, -1). */
  @Test
  void twoStepsAreThoseOfAlgorithm1() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variable<TFloat32> w = tf.withName("w").variable(tf.constant(new float[] {1, -2}));
      Operand<TFloat32> g = tf.placeholder(TFloat32.class);
      Operand<TFloat32> loss = tf.reduceSum(tf.math.mul(w, g), tf.constant(0));
      FAdam optimizer = FAdam.builder(graph).learningRate(0.1).weightDecay(0.1).build();
      Op step = optimizer.minimize(loss);
      try (Session session = new Session(graph)) {
        float[][] gradients = {{1, 2}, {3, -1}};
        for (float[] gradient : gradients) {
          try (TFloat32 fed = TFloat32.vectorOf(gradient)) {
            session.runner().feed(g, fed).addTarget(step).run().close();
          }
        }
        try (var result = session.runner().fetch(w).run()) {
          TFloat32 value = (TFloat32) result.get(0);
          assertEquals(0.953827, value.getFloat(0), 1e-6);
          assertEquals(-1.990317, value.getFloat(1), 1e-6);
        }
      }
    }
  }
}
