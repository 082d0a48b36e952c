package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * 16-bit variables with what stands around the rule. Their state and master copies are float32, so
 * that a run on numbers that both types have is, bit for bit, the run of a float32 variable.
 */
class HalfPrecisionTest {

  private static <T extends TNumber> SlopedStep<T> step(
      Class<T> type, Kind kind, Consumer<FAdam.Builder> options) {
    return new SlopedStep<>(
        type,
        kind,
        Shape.of(2),
        (tf, value, slope) -> tf.math.mul(tf.identity(value), slope),
        graph -> {
          FAdam.Builder builder = FAdam.builder(graph).learningRate(0.01).weightDecay(0.1);
          options.accept(builder);
          return builder.build();
        });
  }

  /** 65504 is the largest float16: 2^15 times 5 is more, and so is 2^14 times 5. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void aFloat16GradientThatOverflowsHalvesTheScaleUntilItFits(Kind kind) {
    try (SlopedStep<TFloat16> scaled =
            step(TFloat16.class, kind, b -> b.lossScale(LossScale.dynamic()));
        SlopedStep<TFloat16> plain = step(TFloat16.class, kind, b -> {})) {
      Map<String, double[]> before = scaled.values();
      for (double expected : new double[] {0x1p14, 0x1p13}) {
        scaled.run(5, 0.25f);
        assertEquals(expected, scaled.scale());
        Map<String, double[]> after = scaled.values();
        for (String name : new String[] {"w", "w/f", "w/m", "w/master", "step"}) {
          assertArrayEquals(before.get(name), after.get(name), name);
        }
      }
      assertEquals(2, scaled.optimizer.skippedSteps().orElseThrow().total(scaled.session));
      scaled.run(5, 0.25f);
      plain.run(5, 0.25f);
      assertEquals(0x1p13, scaled.scale(), "5 times 2^13 fits");
      Map<String, double[]> found = scaled.values();
      plain.values().forEach((name, value) -> assertArrayEquals(value, found.get(name), name));
      assertFalse(Arrays.equals(before.get("w"), found.get("w")), "it recovers");
      assertEquals(0, scaled.optimizer.skippedSteps().orElseThrow().inARow(scaled.session));
    }
  }

  /** What the scale is for: 2^-26 is 0 in float16, and its gradient with it. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void aFloat16GradientThatUnderflowsIsKeptByTheScale(Kind kind) {
    float small = 0x1p-24f;
    double[] kept = new double[2];
    for (boolean scale : new boolean[] {true, false}) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        TrainableVariable variable =
            TrainableVariable.create(
                tf, kind, "w", tf.withInitScope().dtypes.cast(tf.constant(1f), TFloat16.class));
        Operand<TFloat16> value = VariableUpdate.typed(variable.read(tf));
        Operand<TFloat16> factor = tf.dtypes.cast(tf.constant(small), TFloat16.class);
        Operand<TFloat16> loss =
            tf.math.mul(
                tf.math.mul(tf.identity(value), factor),
                tf.dtypes.cast(tf.constant(0.25f), TFloat16.class));
        FAdam.Builder builder = FAdam.builder(graph);
        if (scale) {
          builder.lossScale(LossScale.fixed(1024));
        }
        FAdam optimizer = builder.build();
        Op step = optimizer.minimize(loss);
        Operand<?> fisher = optimizer.slot(variable.handle(), "f").orElseThrow().read(tf);
        try (Session session = new Session(graph)) {
          session.runner().addTarget(step).run().close();
          try (Result result = session.runner().fetch(fisher).run()) {
            kept[scale ? 1 : 0] = FedStep.numbers(result.get(0))[0];
          }
        }
      }
    }
    assertEquals(0, kept[0]);
    assertEquals(0x1p-52, kept[1]);
  }

  static Stream<Arguments> around() {
    Map<String, Consumer<FAdam.Builder>> options = new LinkedHashMap<>();
    options.put("ema", b -> b.ema(0.9));
    options.put("accumulate", b -> b.accumulate(2));
    options.put("squares", b -> b.accumulate(2).squares(Squares.PER_MICRO_STEP));
    options.put("fixed loss scale", b -> b.lossScale(LossScale.fixed(64)));
    options.put(
        "all",
        b -> b.ema(0.9).accumulate(2).lossScale(new LossScale.Dynamic(32, 3, 2)).clipByNorm(0.5));
    return options.entrySet().stream()
        .flatMap(
            option ->
                Stream.of(TFloat16.class, TBfloat16.class)
                    .flatMap(
                        type ->
                            Stream.of(Kind.values())
                                .map(
                                    kind ->
                                        Arguments.of(
                                            option.getKey(), type, kind, option.getValue()))));
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("around")
  <T extends TNumber> void theStateIsThatOfAFloat32Variable(
      String name, Class<T> type, Kind kind, Consumer<FAdam.Builder> options) {
    Random random = new Random(4);
    try (SlopedStep<T> half = step(type, kind, options);
        SlopedStep<TFloat32> whole = step(TFloat32.class, kind, options)) {
      for (int t = 0; t < 6; t++) {
        // Eighths that every one of the types has, after scaling too.
        float[] slopes = {(1 + random.nextInt(20)) / 8f, (random.nextInt(20) - 20) / 8f};
        half.run(slopes);
        whole.run(slopes);
      }
      Map<String, double[]> found = half.values();
      Map<String, double[]> expected = whole.values();
      assertArrayEquals(expected.get("w"), found.get("w/master"), "the master copy");
      double coarse = type == TFloat16.class ? 0x1p-11 : 0x1p-8;
      for (int i = 0; i < 2; i++) {
        double exact = expected.get("w")[i];
        assertEquals(exact, found.get("w")[i], coarse * Math.abs(exact), "rounded once");
      }
      expected.remove("w");
      expected.forEach((key, value) -> assertArrayEquals(value, found.get(key), key));
      assertTrue(expected.get("step")[0] >= 3);
    }
  }
}
