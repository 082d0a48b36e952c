package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.Optimizers;
import io.github.fadam.framework.optimizer.RuleOptimizerBuilder;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.testing.Models;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;

/**
 * Embeddings of real models trained by rows: one reads its table whole, the other looks rows up.
 */
class EmbeddingRowsTest {

  private static final int WIDTH = 4;
  private static final int ROWS = 12;

  /** Words that no example has. */
  private static final int UNSEEN = 10;

  private static FineTuner tuner(
      GoldenModel model, String optimizer, UnaryOperator<RuleOptimizerBuilder<?>> options) {
    return FineTuner.of(model.directory())
        .loss(Losses.categoricalCrossentropy())
        .optimizer(
            graph ->
                options.apply(Optimizers.named(optimizer).apply(graph).learningRate(0.01)).build())
        .build();
  }

  private static float[] table(FineTuner tuner) {
    var words =
        tuner.trained().stream().filter(v -> v.name().contains("words")).findFirst().orElseThrow();
    try (Tensor value = tuner.value(words)) {
      float[] table = new float[ROWS * WIDTH];
      ByteBuffer.wrap(Models.bytes(value))
          .order(ByteOrder.nativeOrder())
          .asFloatBuffer()
          .get(table);
      return table;
    }
  }

  private static float[] unseen(float[] table) {
    return Arrays.copyOfRange(table, UNSEEN * WIDTH, table.length);
  }

  /** Without decay and clip, and with the same rows in every step, lazy and dense are one. */
  @ParameterizedTest
  @CsvSource({
    "keras3_embedding, fadam",
    "tfkeras_embedding, fadam",
    "keras3_embedding, adamw",
    "keras3_embedding, sgd",
    "tfkeras_embedding, sgd"
  })
  void whereTheyAreToAgreeLazyRowsEqualDenseOnes(String name, String optimizer) {
    GoldenModel model = GoldenModel.named(name);
    UnaryOperator<RuleOptimizerBuilder<?>> plain =
        builder -> {
          builder.set("weight-decay", "0");
          return optimizer.equals("fadam") ? builder.set("clip", "Infinity") : builder;
        };
    try (FineTuner dense = tuner(model, optimizer, plain);
        FineTuner lazy =
            tuner(model, optimizer, builder -> plain.apply(builder).set("lazy-rows", "words/*"))) {
      FitOptions options = FitOptions.steps(5).batchSize(5);
      List<Double> expected = dense.fit(model.data(), options).losses();
      List<Double> losses = lazy.fit(model.data(), options).losses();
      for (int step = 0; step < losses.size(); step++) {
        assertEquals(expected.get(step), losses.get(step), 1e-6);
      }
      assertArrayEquals(table(dense), table(lazy), 1e-6f);
      assertTrue(losses.get(4) < losses.get(0), losses::toString);
    }
  }

  /** What sets them apart: rows that are not in the batch, which decay and move only if dense. */
  @ParameterizedTest
  @ValueSource(strings = {"keras3_embedding", "tfkeras_embedding"})
  void rowsThatNobodyLooksUpKeepEveryBitOnlyIfLazy(String name) {
    GoldenModel model = GoldenModel.named(name);
    FitOptions options = FitOptions.steps(6).batchSize(2);
    try (FineTuner dense = tuner(model, "fadam", builder -> builder);
        FineTuner lazy = tuner(model, "fadam", b -> b.set("lazy-rows", "words/*"))) {
      float[] before = table(lazy);
      dense.fit(model.data(), options);
      lazy.fit(model.data(), options);
      assertArrayEquals(unseen(before), unseen(table(lazy)), 0);
      assertFalse(Arrays.equals(unseen(before), unseen(table(dense))));
      assertFalse(Arrays.equals(before, table(lazy)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"keras3_embedding", "tfkeras_embedding"})
  void aResumedRunEqualsTheUninterruptedOneBitForBit(String name, @TempDir Path directory) {
    GoldenModel model = GoldenModel.named(name);
    FitOptions options = FitOptions.steps(8).batchSize(2).seed(3);
    UnaryOperator<RuleOptimizerBuilder<?>> lazily = b -> b.set("lazy-rows", "words/*");
    try (FineTuner whole = tuner(model, "fadam", lazily);
        FineTuner first = tuner(model, "fadam", lazily);
        FineTuner second = tuner(model, "fadam", lazily)) {
      List<Double> expected = whole.fit(model.data(), options).losses();
      first.fit(model.data(), options.checkpoint(directory).listener(ResumeTest.until(4)));
      History after = second.fit(model.data(), options.checkpoint(directory).resume(true));
      assertEquals(4, after.resumedFrom());
      assertEquals(expected.subList(4, 8), after.losses());
      assertArrayEquals(table(whole), table(second), 0);
    }
  }

  @Test
  void whatHasNoRowsOfItsOwnIsRefusedByName() {
    GoldenModel model = GoldenModel.named("keras3_embedding");
    assertRefused(model, "fadam", "head/kernel", "head/kernel");
    assertRefused(model, "fadam", "wrods", "words");
    assertRefused(model, "fadafactor", "words/*", "min-dimension-to-factor");
  }

  private static void assertRefused(
      GoldenModel model, String optimizer, String pattern, String part) {
    RuntimeException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> tuner(model, optimizer, b -> b.set("lazy-rows", pattern)).close());
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }
}
