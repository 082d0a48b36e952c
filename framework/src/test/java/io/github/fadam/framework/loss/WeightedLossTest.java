package io.github.fadam.framework.loss;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Rows that count differently. */
class WeightedLossTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "binary_crossentropy",
        "mse",
        "mae",
        "huber"
      })
  void rowsOfWeightZeroDoNotCountAndEqualOnesAreTheMean(String name) {
    Loss loss = Losses.named(name, false);
    boolean numbers = name.startsWith("sparse");
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> outputs =
          tf.constant(
              new float[][][] {
                {{0.1f, 0.9f}, {0.3f, 0.7f}}, {{0.6f, 0.4f}, {0.2f, 0.8f}}, {{0.5f, 3f}, {1f, 0f}}
              });
      Operand<?> labels =
          numbers
              ? tf.constant(new long[][] {{0, 1}, {1, 1}, {0, 0}})
              : tf.constant(new float[][][] {{{1, 0}, {0, 1}}, {{0, 1}, {0, 1}}, {{1, 0}, {1, 0}}});
      Operand<TFloat32> firstOutputs =
          tf.slice(outputs, tf.constant(new int[3]), tf.constant(new int[] {2, 2, 2}));
      Operand<?> firstLabels =
          numbers
              ? tf.constant(new long[][] {{0, 1}, {1, 1}})
              : tf.constant(new float[][][] {{{1, 0}, {0, 1}}, {{0, 1}, {0, 1}}});
      try (Result result =
          session
              .runner()
              .fetch(loss.value(tf, labels, outputs))
              .fetch(loss.value(tf, firstLabels, firstOutputs))
              .fetch(
                  loss.weightedValue(tf, labels, outputs, tf.constant(new float[] {2, 2, 2}))
                      .orElseThrow())
              .fetch(
                  loss.weightedValue(tf, labels, outputs, tf.constant(new float[] {1, 1, 0}))
                      .orElseThrow())
              .run()) {
        assertEquals(number(result, 0), number(result, 2), 1e-6 * number(result, 0));
        assertEquals(number(result, 1), number(result, 3), 1e-6 * number(result, 1));
        assertNotEquals(number(result, 0), number(result, 1));
      }
    }
  }

  private static float number(Result result, int index) {
    return ((TFloat32) result.get(index)).getFloat();
  }
}
