package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.checkpoint.Checkpoints;
import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Kernel;
import io.github.fadam.framework.optimizer.RuleOptimizerBuilder;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Operand;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.random.RandomUniformInt;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/** Which step trains: what auto and a measurement choose, and what a resumed run goes on with. */
class XlaChoiceTest {

  private static final int ROWS = 12;

  @TempDir private Path directory;

  /** Two models: of the one auto compiles the step, of the other it does not. */
  private enum Model {
    RECURRENT,
    CONVOLUTIONS;

    FineTuner.Builder builder(UnaryOperator<RuleOptimizerBuilder<?>> options) {
      FineTuner.Builder builder =
          this == RECURRENT
              ? FineTuner.of(Models.directory("../graphs/gated"))
                  .signature("fixed_time")
                  .loss(Losses.meanSquaredError())
              : FineTuner.of(Models.directory("keras3_cnn"));
      return builder.optimizer(
          graph -> options.apply(FAdam.builder(graph).learningRate(0.01).ema(0.9)).build());
    }

    FineTuner.Builder builder() {
      return builder(options -> options);
    }

    DataSource data() {
      Shape input = Shape.of(5, 4);
      Shape labels = Shape.of(4);
      return this == CONVOLUTIONS
          ? GoldenModel.named("keras3_cnn").data()
          : ArrayData.builder()
              .column("x", noise(input), input)
              .column("labels", noise(labels), labels)
              .build();
    }

    private static float[] noise(Shape shape) {
      Random random = new Random(shape.size());
      float[] numbers = new float[(int) (ROWS * shape.size())];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) random.nextGaussian();
      }
      return numbers;
    }
  }

  private static FitOptions options(long steps) {
    return FitOptions.steps(steps).batchSize(4).seed(3);
  }

  private FitOptions saved(long steps) {
    return options(steps).checkpoint(directory);
  }

  private static Compilation trained(FineTuner.Builder builder) {
    try (FineTuner tuner = builder.build()) {
      assertEquals(2, tuner.fit(Model.RECURRENT.data(), options(2)).losses().size());
      return tuner.compilation();
    }
  }

  @Test
  void autoChoosesByTheOperationsAndSaysWhy() {
    Compilation recurrent = trained(Model.RECURRENT.builder().xla(Xla.AUTO));
    assertTrue(recurrent.compiled());
    assertTrue(recurrent.reason().contains("GRU"), recurrent.reason());
    try (FineTuner tuner = Model.CONVOLUTIONS.builder().xla(Xla.AUTO).build()) {
      assertFalse(tuner.compilation().compiled());
      assertTrue(tuner.compilation().reason().contains("convolutions"));
    }
    assertNotCompiled("gated", 40, "more than 32 time steps");
    assertNotCompiled("gated", 3, "only GRUs");
    assertNotCompiled("loops", 8, "only GRUs");
  }

  private static void assertNotCompiled(String model, int steps, String why) {
    try (FineTuner tuner =
        FineTuner.of(Models.directory("../graphs/" + model))
            .signature("open_time")
            .inputShape("x", Shape.of(-1, steps, 4))
            .loss(Losses.meanSquaredError())
            .xla(Xla.AUTO)
            .build()) {
      assertFalse(tuner.compilation().compiled());
      assertTrue(tuner.compilation().reason().contains(why), tuner.compilation().reason());
    }
  }

  /** A loss of the outputs that XLA has no kernel for, or would leave out. */
  private static Operand<? extends TNumber> checked(Ops tf, Operand<? extends TNumber> loss) {
    return tf.debugging.checkNumerics(typed(loss), "the loss");
  }

  /** A loss with as many elements as there are positive ones. */
  private static Operand<? extends TNumber> ofThePositive(Ops tf, Operand<? extends TNumber> loss) {
    Operand<TFloat32> one = tf.reshape(typed(loss), tf.constant(new int[] {-1}));
    return tf.sum(
        tf.gatherNd(one, tf.where(tf.math.greater(one, tf.constant(0f)))), tf.constant(0));
  }

  @SuppressWarnings("unchecked") // the model's outputs are float32
  private static Operand<TFloat32> typed(Operand<?> loss) {
    return (Operand<TFloat32>) loss;
  }

  private static void assertOnlyAutoTrains(String why, FineTuner.Builder builder) {
    Compilation chosen = trained(builder.xla(Xla.AUTO));
    assertFalse(chosen.compiled());
    assertTrue(chosen.reason().contains(why), chosen.reason());
    Compilation measured = trained(builder.xla(Xla.MEASURE));
    assertFalse(measured.compiled());
    assertTrue(measured.reason().contains(why), measured.reason());
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, builder.xla(Xla.STEP)::build);
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
  }

  @Test
  void whatCannotBeCompiledAutoTrainsAsItIsAndSaysWhy() {
    Loss loss = Losses.meanSquaredError();
    assertOnlyAutoTrains(
        "CheckNumerics", Model.RECURRENT.builder().loss(new OwnLoss(loss, XlaChoiceTest::checked)));
    assertOnlyAutoTrains(
        "Where", Model.RECURRENT.builder().loss(new OwnLoss(loss, XlaChoiceTest::ofThePositive)));
  }

  @Test
  void stepsWithoutFixedShapesOrWithNativeOperationsAutoTrainsAsTheyAre() {
    try (FineTuner tuner =
        embedding(options -> options.set("ema", "none").lazyRows("words*")).xla(Xla.AUTO).build()) {
      assertFalse(tuner.compilation().compiled());
    }
    FineTuner.Builder lazy = embedding(options -> options.set("ema", "none").lazyRows("words*"));
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, lazy.xla(Xla.STEP)::build);
    assertTrue(refused.getMessage().contains("lazy-rows"), refused.getMessage());
    FineTuner.Builder measured = lazy.xla(Xla.MEASURE);
    GoldenModel golden = GoldenModel.named("keras3_embedding");
    try (FineTuner tuner = measured.build()) {
      assertEquals(1, tuner.fit(golden.data(), FitOptions.steps(1).batchSize(3)).losses().size());
      assertTrue(tuner.compilation().reason().contains("lazy-rows"));
    }
    assertOnlyAutoTrains("native", Model.RECURRENT.builder(o -> o.kernel(Kernel.NATIVE)));
  }

  /** A loss whose shape follows from a random number, which only the compiler finds out. */
  private static Operand<? extends TNumber> drawn(Ops tf, Operand<? extends TNumber> loss) {
    Operand<TInt32> times =
        tf.random.randomUniformInt(
            tf.constant(new int[] {1}), tf.constant(1), tf.constant(3), RandomUniformInt.seed(1L));
    Operand<TFloat32> one = tf.reshape(typed(loss), tf.constant(new int[] {-1}));
    return tf.math.mean(tf.withName("copies").tile(one, times), tf.constant(0));
  }

  @Test
  void whatTheCompilerRefusesAutoTrainsAsItIsAndSaysWhy() {
    FineTuner.Builder builder =
        Model.RECURRENT
            .builder()
            .loss(new OwnLoss(Losses.meanSquaredError(), XlaChoiceTest::drawn));
    Compilation chosen = trained(builder.xla(Xla.AUTO));
    assertFalse(chosen.compiled());
    assertTrue(chosen.reason().contains("copies (Tile)"), chosen.reason());
    try (FineTuner tuner = builder.xla(Xla.STEP).build()) {
      Map<String, byte[]> before = values(tuner);
      NotCompilableException refused =
          assertThrows(
              NotCompilableException.class, () -> tuner.fit(Model.RECURRENT.data(), options(2)));
      assertEquals("Tile", refused.reasons().get(0).op(), refused.getMessage());
      values(tuner).forEach((name, bits) -> assertArrayEquals(before.get(name), bits, name));
    }
  }

  private static FineTuner.Builder embedding(UnaryOperator<RuleOptimizerBuilder<?>> options) {
    return FineTuner.of(Models.directory("keras3_embedding"))
        .loss(Losses.categoricalCrossentropy())
        .optimizer(graph -> options.apply(FAdam.builder(graph)).build());
  }

  /** Variables, slots and counters of the newest checkpoint, as bytes. */
  private static byte[] state(Path checkpoints, long step) throws IOException {
    return Files.readAllBytes(
        checkpoints.resolve("step-000000000" + step + "/state.data-00000-of-00001"));
  }

  @ParameterizedTest
  @EnumSource
  void aMeasurementMovesNothing(Model model) throws IOException {
    Path measured = directory.resolve("measured");
    Path straight = directory.resolve("straight");
    Compilation chosen;
    try (FineTuner tuner = model.builder().xla(Xla.MEASURE).build()) {
      assertFalse(tuner.compilation().compiled());
      tuner.fit(model.data(), options(3).checkpoint(measured));
      chosen = tuner.compilation();
    }
    Map<String, Double> seconds = chosen.measured();
    assertEquals(List.of("plain", "compiled"), List.copyOf(seconds.keySet()));
    assertEquals(seconds.get("compiled") < seconds.get("plain"), chosen.compiled());
    assertTrue(chosen.reason().contains("ms"), chosen.reason());
    assertEquals(chosen.compiled() ? 1 : 0, chosen.shapes().size());
    Xla same = chosen.compiled() ? Xla.STEP : Xla.OFF;
    try (FineTuner tuner = model.builder().xla(same).build()) {
      tuner.fit(model.data(), options(3).checkpoint(straight));
    }
    assertArrayEquals(state(straight, 3), state(measured, 3));

    try (FineTuner tuner = model.builder().xla(Xla.MEASURE).build()) {
      tuner.fit(model.data(), options(4).checkpoint(measured).resume(true));
      Compilation again = tuner.compilation();
      assertEquals(chosen.compiled(), again.compiled());
      assertEquals(Map.of(), again.measured());
      assertTrue(again.reason().endsWith(chosen.reason()), again.reason());
    }
  }

  @Test
  void aCopyOfTheStateBringsEveryBitBack() {
    try (FineTuner compiled = Model.RECURRENT.builder().xla(Xla.STEP).build();
        FineTuner plain = Model.RECURRENT.builder().build()) {
      plain.fit(Model.RECURRENT.data(), options(2));
      Map<String, byte[]> before = values(plain);
      try (StateCopy copy = StateCopy.of(plain.training())) {
        plain.fit(Model.RECURRENT.data(), options(2));
        assertFalse(
            before.entrySet().stream()
                .allMatch(e -> Arrays.equals(e.getValue(), values(plain).get(e.getKey()))),
            "steps move something, or this shows nothing");
        copy.restore(plain.training());
        copy.restore(compiled.training());
      }
      values(plain).forEach((name, bits) -> assertArrayEquals(before.get(name), bits, name));
      values(compiled).forEach((name, bits) -> assertArrayEquals(before.get(name), bits, name));
    }
  }

  private static Map<String, byte[]> values(FineTuner tuner) {
    Map<String, byte[]> values = new TreeMap<>();
    for (ModelVariable variable : tuner.trained()) {
      try (Tensor value = tuner.value(variable)) {
        values.put(variable.name(), Models.bytes(value));
      }
    }
    return values;
  }

  @Test
  void aRunGoesOnAsItWasBegunWhereNothingElseIsAsked() {
    List<Double> straight;
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.AUTO).build()) {
      straight = tuner.fit(Model.RECURRENT.data(), options(6)).losses();
    }
    List<Double> losses = new ArrayList<>();
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.AUTO).build()) {
      losses.addAll(tuner.fit(Model.RECURRENT.data(), saved(2)).losses());
    }
    try (FineTuner tuner = Model.RECURRENT.builder().build()) {
      assertFalse(tuner.compilation().compiled());
      losses.addAll(tuner.fit(Model.RECURRENT.data(), saved(4).resume(true)).losses());
      assertTrue(tuner.compilation().compiled());
      assertTrue(tuner.compilation().reason().contains("begun"), tuner.compilation().reason());
    }
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.AUTO).build()) {
      losses.addAll(tuner.fit(Model.RECURRENT.data(), saved(6).resume(true)).losses());
    }
    assertEquals(straight, losses);
  }

  @Test
  void aPlainRunGoesOnPlainWhateverAutoWouldChoose() {
    try (FineTuner tuner = Model.RECURRENT.builder().build()) {
      tuner.fit(Model.RECURRENT.data(), saved(2));
    }
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.AUTO).build()) {
      assertTrue(tuner.compilation().compiled());
      tuner.fit(Model.RECURRENT.data(), saved(4).resume(true));
      assertFalse(tuner.compilation().compiled());
    }
  }

  @Test
  void anotherChoiceMayBeAskedForAndIsRecorded() {
    List<Double> straight;
    try (FineTuner tuner = Model.RECURRENT.builder().build()) {
      straight = tuner.fit(Model.RECURRENT.data(), options(4)).losses();
    }
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.OFF).build()) {
      tuner.fit(Model.RECURRENT.data(), saved(2));
    }
    List<String> said = new ArrayList<>();
    Logger logger = Logger.getLogger(StepChoice.class.getName());
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            said.add(new SimpleFormatter().formatMessage(entry));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    try (FineTuner tuner = Model.RECURRENT.builder().xla(Xla.STEP).build()) {
      List<Double> rest = tuner.fit(Model.RECURRENT.data(), saved(4).resume(true)).losses();
      for (int i = 0; i < 2; i++) {
        assertEquals(1, rest.get(i) / straight.get(i + 2), 1e-5);
      }
      assertTrue(tuner.compilation().compiled());
    } finally {
      logger.removeHandler(handler);
    }
    assertEquals(1, said.size(), said.toString());
    assertTrue(said.get(0).contains("was not compiled"), said.get(0));
    assertTrue(RecordedChoice.in(directory).orElseThrow().compiled());
    assertEquals(4, Checkpoints.newest(directory).orElseThrow().step());
    assertTrue(Checkpoints.newest(directory.resolve("none")).isEmpty());
  }
}
