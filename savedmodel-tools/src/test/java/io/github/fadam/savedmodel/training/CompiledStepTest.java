package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.checkpoint.CheckpointException;
import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A whole training step as one function that XLA compiles. */
class CompiledStepTest {

  @TempDir private Path directory;

  private static FineTuner.Builder builder(GoldenModel golden) {
    FineTuner.Builder builder =
        FineTuner.of(golden.directory())
            .signature(golden.signature())
            .loss(Losses.named(golden.losses().get(0), golden.fromLogits()))
            .optimizer(graph -> new Sgd(graph, golden.learningRate()));
    return golden.lossOutput() == null ? builder : builder.output(golden.lossOutput());
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
  void aSmallerLastBatchIsCompiledOnceMoreAndReported() {
    GoldenModel golden = GoldenModel.named("keras3_mlp");
    try (FineTuner compiled = builder(golden).xla(Xla.STEP).build();
        FineTuner plain = builder(golden).build()) {
      FitOptions options = FitOptions.epochs(3).batchSize(4).shuffle(false);
      List<Double> losses = compiled.fit(golden.data(), options).losses();
      List<Double> expected = plain.fit(golden.data(), options).losses();
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), losses.get(i), 1e-5 * expected.get(i));
      }
      assertEquals(2, compiled.compilation().shapes().size());
      assertEquals(List.of(), plain.compilation().shapes());
    }
  }

  @Test
  void autoSaysWhatItChoseAndWhy() {
    GoldenModel cnn = GoldenModel.named("keras3_cnn");
    try (FineTuner tuner = builder(cnn).xla(Xla.AUTO).build()) {
      assertFalse(tuner.compilation().compiled());
      assertTrue(tuner.compilation().reason().contains("convolutions"));
    }
  }

  @Test
  void aCompiledRunGoesOnCompiledAndNotOtherwise() {
    GoldenModel golden = GoldenModel.named("keras3_embedding");
    FitOptions all = FitOptions.steps(4).batchSize(golden.rows()).checkpoint(directory);
    FitOptions half = FitOptions.steps(2).batchSize(golden.rows()).checkpoint(directory);
    List<Double> straight;
    try (FineTuner tuner = fadam(golden).build()) {
      straight = tuner.fit(golden.data(), FitOptions.steps(4).batchSize(golden.rows())).losses();
    }
    try (FineTuner tuner = fadam(golden).build()) {
      tuner.fit(golden.data(), half);
    }
    try (FineTuner tuner = fadam(golden).build()) {
      assertEquals(straight.subList(2, 4), tuner.fit(golden.data(), all.resume(true)).losses());
    }
    try (FineTuner tuner = fadam(golden).xla(Xla.OFF).build()) {
      CheckpointException refused =
          assertThrows(
              CheckpointException.class,
              () ->
                  tuner.fit(
                      golden.data(),
                      FitOptions.steps(6)
                          .batchSize(golden.rows())
                          .checkpoint(directory)
                          .resume(true)));
      assertTrue(refused.getMessage().contains("xla"), refused.getMessage());
    }
  }

  private static FineTuner.Builder fadam(GoldenModel golden) {
    return builder(golden).xla(Xla.STEP).optimizer(graph -> FAdam.builder(graph).ema(0.9).build());
  }
}
