package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;

/** Five steps of plain gradient descent are those of Python on the same model and batch. */
class SgdLikePythonTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keras3_cnn",
        "keras3_mlp",
        "keras3_frozen",
        "keras3_embedding",
        "multi_io",
        "tfkeras_cnn",
        "tf_module",
        "tf1_ref",
        "tf1_resource"
      })
  void lossesAndWeightsAreThoseOfPython(String name) {
    GoldenModel golden = GoldenModel.named(name);
    try (FineTuner tuner =
        builder(golden).optimizer(graph -> new Sgd(graph, golden.learningRate())).build()) {
      assertOutputs(golden, tuner);
      assertEquals(
          golden.trainable().stream().sorted().toList(),
          tuner.trained().stream().map(ModelVariable::name).sorted().toList());
      History history =
          tuner.fit(golden.data(), FitOptions.steps(5).batchSize(golden.rows()).shuffle(false));
      double[] expected = golden.numbers("losses");
      for (int i = 0; i < 5; i++) {
        assertEquals(expected[i], history.losses().get(i), 1e-5 * expected[i]);
      }
      assertWeights(golden, tuner);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"keras3_cnn", "tf_module", "tf1_ref"})
  void fadamLowersTheLoss(String name) {
    GoldenModel golden = GoldenModel.named(name);
    try (FineTuner tuner = builder(golden).optimizer(graph -> new FAdam(graph, 0.01)).build()) {
      History history = tuner.fit(golden.data(), FitOptions.steps(30).batchSize(golden.rows()));
      assertTrue(history.losses().get(29) < 0.9 * history.losses().get(0));
    }
  }

  private static FineTuner.Builder builder(GoldenModel golden) {
    FineTuner.Builder builder = FineTuner.of(golden.directory()).signature(golden.signature());
    for (String loss : golden.losses()) {
      String[] parts = loss.split("=", 2);
      if (parts.length == 2) {
        builder.loss(parts[0], Losses.named(parts[1], golden.fromLogits()));
      } else {
        builder.loss(Losses.named(loss, golden.fromLogits()));
      }
    }
    return golden.lossOutput() == null ? builder : builder.output(golden.lossOutput());
  }

  private static void assertOutputs(GoldenModel golden, FineTuner tuner) {
    try (Predictions predictions = tuner.predict(golden.data(), golden.rows())) {
      for (Map.Entry<String, List<Tensor>> output : predictions.batches().entrySet()) {
        if (output.getValue().get(0) instanceof TFloat32 values) {
          assertClose(golden.numbers("output:" + output.getKey()), values, 1e-6);
        }
      }
    }
  }

  private static void assertWeights(GoldenModel golden, FineTuner tuner) {
    for (ModelVariable variable : tuner.model().variablesOf(golden.signature())) {
      if (golden.names("weight:").contains(variable.name())) {
        boolean trained = tuner.trained().contains(variable);
        try (TFloat32 value = (TFloat32) tuner.value(variable)) {
          assertClose(golden.numbers("weight:" + variable.name()), value, trained ? 1e-5 : 0);
        }
      }
    }
  }

  private static void assertClose(double[] expected, TFloat32 found, double tolerance) {
    assertEquals(expected.length, found.size());
    int[] i = {0};
    found.scalars().forEach(v -> assertEquals(expected[i[0]++], v.getFloat(), tolerance));
  }
}
