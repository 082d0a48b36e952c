package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.types.TFloat32;

/**
 * Loops and conditionals of single operations, whose gradients end the process: in the main graph
 * of a TensorFlow 1 program, and in functions.
 */
class ControlFlowOfTf1Test {

  private static GoldenModel golden(String model) {
    return GoldenModel.named("../training/" + model);
  }

  private static FineTuner.Builder tuner(GoldenModel golden, String signature) {
    return FineTuner.of(golden.directory())
        .signature(signature)
        .loss(Losses.meanSquaredError())
        .optimizer(graph -> new Sgd(graph, 0.1));
  }

  @ParameterizedTest
  @CsvSource({
    "tf1_loop,     through, Exit,                    while_1/Exit_1",
    "tf1_loop,     chosen,  Switch,                  cond/mul/Switch",
    "tf1_loop,     chosen,  Merge,                   cond/Merge",
    "wrapped_loop, through, StatefulPartitionedCall, while_1/Exit_1 (Exit)",
    "wrapped_loop, chosen,  StatefulPartitionedCall, while/Exit_1 (Exit)"
  })
  void onTheWayOfAGradientItIsRefusedByName(
      String model, String signature, String type, String node) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> tuner(golden(model), signature).build())
            .getMessage();
    assertTrue(message.contains(type) && message.contains(node), message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"through", "chosen"})
  void itComputesItsValues(String signature) {
    for (String model : List.of("tf1_loop", "wrapped_loop")) {
      GoldenModel golden = golden(model);
      try (ModelEvaluator evaluator =
              ModelEvaluator.of(golden.directory())
                  .signature(signature)
                  .loss(Losses.meanSquaredError())
                  .build();
          Predictions predictions = evaluator.predict(golden.data(), golden.rows())) {
        assertOutput(golden.numbers("output:" + signature), predictions);
      }
    }
  }

  private static void assertOutput(double[] expected, Predictions predictions) {
    TFloat32 found = (TFloat32) predictions.batches().get("y").get(0);
    int[] i = {0};
    found.scalars().forEach(v -> assertEquals(expected[i[0]++], v.getFloat(), 1e-5));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tf1_loop"})
  void besideTheWayItIsLeftAlone(String model) {
    GoldenModel golden = golden(model);
    try (FineTuner tuner = tuner(golden, "beside").build()) {
      try (Predictions predictions = tuner.predict(golden.data(), golden.rows())) {
        assertOutput(golden.numbers("output:beside"), predictions);
      }
      List<Double> losses =
          tuner.fit(golden.data(), FitOptions.steps(5).batchSize(golden.rows())).losses();
      assertTrue(losses.get(4) < 0.9 * losses.get(0), losses.toString());
    }
  }
}
