package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

/** A whole training step as one function that XLA compiles. */
class CompiledStepTest {

  private static FineTuner.Builder builder(GoldenModel golden) {
    FineTuner.Builder builder =
        FineTuner.of(golden.directory())
            .signature(golden.signature())
            .optimizer(graph -> new Sgd(graph, golden.learningRate()));
    golden.giveLosses(builder);
    return builder;
  }

  private static FitOptions options(GoldenModel golden) {
    return FitOptions.steps(5).batchSize(golden.rows()).shuffle(false);
  }

  /** Both kinds of variables, convolutions, lookups by rows, and lookups of words before them. */
  @ParameterizedTest
  @ValueSource(strings = {"keras3_cnn", "keras3_embedding", "tf1_ref", "tf1_resource", "tf_module"})
  void trainsAsInPython(String model) {
    GoldenModel golden = GoldenModel.named(model);
    double[] expected = golden.numbers("losses");
    try (FineTuner tuner = builder(golden).xla(Xla.STEP).build()) {
      List<Double> losses = tuner.fit(golden.data(), options(golden)).losses();
      for (int i = 0; i < expected.length; i++) {
        assertEquals(1, losses.get(i) / expected[i], 1e-4, losses.toString());
      }
      Compilation compilation = tuner.compilation();
      assertTrue(compilation.compiled());
      assertEquals(1, compilation.shapes().size(), compilation.toString());
      assertTrue(compilation.seconds() > 0);
    }
  }

  @Test
  void aSmallerLastBatchIsFilledUp() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    try (FineTuner compiled = builder(golden).xla(Xla.STEP).build();
        FineTuner plain = builder(golden).build()) {
      FitOptions options = FitOptions.epochs(3).batchSize(4).shuffle(false);
      List<Double> losses = compiled.fit(golden.data(), options).losses();
      List<Double> expected = plain.fit(golden.data(), options).losses();
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), losses.get(i), 1e-5 * expected.get(i));
      }
      assertVariables(plain, compiled, 1e-6);
      assertEquals(1, compiled.compilation().shapes().size(), compiled.compilation().toString());
      assertTrue(compiled.compilation().smallerBatches().contains("filled up"));
      assertEquals(List.of(), plain.compilation().shapes());
      assertEquals("", plain.compilation().smallerBatches());
    }
  }

  @Test
  void aLossOfOnesOwnHasASmallerBatchCompiledOnceMore() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    Loss own = OwnLoss.like(Losses.named(golden.losses().get(0), golden.fromLogits()));
    try (FineTuner tuner = builder(golden).loss(own).xla(Xla.STEP).build()) {
      tuner.fit(golden.data(), FitOptions.epochs(1).batchSize(golden.rows() - 1));
      assertEquals(2, tuner.compilation().shapes().size());
      assertTrue(tuner.compilation().smallerBatches().contains("loss of one's own"));
    }
  }

  /** That filling up would change the loss is found out before the step with the smaller batch. */
  @Test
  void aLossThatFillingUpWouldChangeIsCompiledOnceMore() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    Loss loss = Losses.named(golden.losses().get(0), golden.fromLogits());
    FitOptions options = FitOptions.epochs(1).batchSize(4).shuffle(false);
    try (FineTuner compiled =
            builder(golden).loss(OwnLoss.countingAllRows(loss)).xla(Xla.STEP).build();
        FineTuner plain = builder(golden).build()) {
      plain.fit(golden.data(), options);
      compiled.fit(golden.data(), options);
      assertVariables(plain, compiled, 1e-6);
      assertEquals(2, compiled.compilation().shapes().size());
      String smaller = compiled.compilation().smallerBatches();
      assertTrue(smaller.contains("change the loss"), smaller);
    }
  }

  /** Batch statistics move, losses of the model's own are added, and units are dropped. */
  @ParameterizedTest
  @ValueSource(strings = {"tfkeras_regularized", "tfkeras_dropout", "keras3_endpoints"})
  void trainingModeIsWhatItIsWithoutCompiling(String model) {
    GoldenModel golden = GoldenModel.named("../training/" + model);
    try (FineTuner compiled = builder(golden).mode(Mode.TRAINING).xla(Xla.STEP).build();
        FineTuner plain = builder(golden).mode(Mode.TRAINING).build()) {
      List<Double> expected = plain.fit(golden.data(), options(golden)).losses();
      List<Double> losses = compiled.fit(golden.data(), options(golden)).losses();
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), losses.get(i), 1e-5 * expected.get(i), losses.toString());
      }
      assertVariables(plain, compiled, 1e-5);
    }
  }

  @Test
  void batchStatisticsHaveASmallerBatchCompiledOnceMore() {
    GoldenModel golden = GoldenModel.named("../training/tfkeras_regularized");
    FitOptions options = FitOptions.epochs(1).batchSize(golden.rows() - 1).shuffle(false);
    try (FineTuner compiled = builder(golden).mode(Mode.TRAINING).xla(Xla.STEP).build();
        FineTuner plain = builder(golden).mode(Mode.TRAINING).build()) {
      plain.fit(golden.data(), options);
      compiled.fit(golden.data(), options);
      assertVariables(plain, compiled, 1e-5);
      Compilation compilation = compiled.compilation();
      assertEquals(2, compilation.shapes().size());
      assertTrue(compilation.smallerBatches().contains("once more"), compilation.toString());
    }
  }

  private static void assertVariables(FineTuner expected, FineTuner found, double tolerance) {
    for (ModelVariable variable : expected.model().variablesOf(expected.signature().key())) {
      try (TFloat32 values = (TFloat32) expected.value(variable);
          TFloat32 compiled = (TFloat32) found.value(variable)) {
        values
            .scalars()
            .forEachIndexed(
                (index, value) ->
                    assertEquals(
                        value.getFloat(),
                        compiled.getFloat(index),
                        tolerance * (1 + Math.abs(value.getFloat())),
                        variable.name()));
      }
    }
  }

  @Test
  void aDeviceThatIsNotThereIsRefused() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    for (Device device : List.of(Device.GPU, Device.TPU)) {
      Assumptions.assumeFalse(device.isAvailable());
      FineTuner.Builder builder =
          builder(golden)
              .device(device)
              .xla(Xla.STEP)
              .optimizer(
                  graph -> {
                    throw new AssertionError("built");
                  });
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, builder::build);
      assertTrue(refused.getMessage().contains("found CPU:0"), refused.getMessage());
    }
  }

  @Test
  void theStepIsPlacedOnTheDevice() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    List<Graph> graphs = new ArrayList<>();
    FineTuner.Builder builder =
        builder(golden)
            .device(Device.CPU)
            .xla(Xla.STEP)
            .optimizer(
                graph -> {
                  graphs.add(graph);
                  return new Sgd(graph, golden.learningRate());
                });
    try (FineTuner tuner = builder.build()) {
      List<Double> losses = tuner.fit(golden.data(), options(golden)).losses();
      assertEquals(1, losses.get(0) / golden.numbers("losses")[0], 1e-4);
      List<String> devices =
          graphs.get(0).toGraphDef().getNodeList().stream()
              .filter(node -> node.containsAttr("_XlaMustCompile"))
              .map(NodeDef::getDevice)
              .toList();
      assertEquals(1, devices.size());
      assertTrue(devices.get(0).endsWith("CPU:0"), devices.toString());
    }
  }
}
