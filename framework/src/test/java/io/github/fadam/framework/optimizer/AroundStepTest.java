package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.gradient.Guard;
import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.framework.gradient.NonFiniteGradientsException;
import io.github.fadam.framework.gradient.Squares;
import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Everything around the rule, on variables of both kinds. */
class AroundStepTest {

  private static final Map<String, FedStep.Start> STARTS =
      Map.of(
          "kernel",
          new FedStep.Start(Shape.of(2, 2), new double[] {1, 2, 3, 4}),
          "bias",
          FedStep.Start.vector(0.5, -0.5));

  private static FedStep sgd(Kind kind, UnaryOperator<Sgd.Builder> options) {
    return new FedStep(
        graph -> options.apply(Sgd.builder(graph).learningRate(1)).build(),
        kind,
        TFloat32.class,
        STARTS);
  }

  private static FedStep fadam(Kind kind, UnaryOperator<FAdam.Builder> options) {
    return new FedStep(
        graph -> options.apply(FAdam.builder(graph).learningRate(0.01)).build(),
        kind,
        TFloat32.class,
        STARTS);
  }

  private static Map<String, double[]> gradients(double[] kernel, double... bias) {
    return Map.of("kernel", kernel, "bias", bias);
  }

  private static Map<String, double[]> random(Random random) {
    return gradients(random.doubles(4, -1, 1).toArray(), random.doubles(2, -1, 1).toArray());
  }

  private static double[] theta(FedStep step, String variable) {
    return step.values().get(variable).get("theta");
  }

  private static void assertSame(FedStep expected, FedStep found) {
    Map<String, Map<String, double[]>> values = found.values();
    expected
        .values()
        .forEach(
            (variable, slots) ->
                slots.forEach(
                    (slot, value) ->
                        assertArrayEquals(
                            value, values.get(variable).get(slot), variable + "/" + slot)));
  }

  private static long number(FedStep step, String state) {
    return number(step.session(), step.optimizer().state().get(state).read(step.tf()));
  }

  private static long number(Session session, Operand<?> read) {
    try (var result = session.runner().fetch(read).run()) {
      return ((TInt64) result.get(0)).getLong();
    }
  }

  // Clipping

  @ParameterizedTest
  @EnumSource
  void clipByGlobalNormKeepsTheDirectionOfAll(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByGlobalNorm(1))) {
      step.run(gradients(new double[] {3, 0, 0, 0}, 0, 4));
      assertArrayEquals(new double[] {0.4, 2, 3, 4}, theta(step, "kernel"), 1e-6);
      assertArrayEquals(new double[] {0.5, -1.3}, theta(step, "bias"), 1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void clipByNormLooksAtEachVariable(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByNorm(1))) {
      step.run(gradients(new double[] {3, 0, 0, 0}, 0.25, 0));
      assertArrayEquals(new double[] {0, 2, 3, 4}, theta(step, "kernel"), 1e-6);
      assertArrayEquals(new double[] {0.25, -0.5}, theta(step, "bias"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void clipByValueLooksAtEachElementAndHidesNoNan(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByValue(1))) {
      step.run(gradients(new double[] {3, -3, 0.5, Double.NaN}, 1e38, -1e38));
      assertArrayEquals(new double[] {0, 3, 2.5, Double.NaN}, theta(step, "kernel"));
      assertArrayEquals(new double[] {-0.5, 0.5}, theta(step, "bias"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void eachVariablesNormIsClippedBeforeTheNormOfAll(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByGlobalNorm(1).clipByNorm(2))) {
      step.run(gradients(new double[] {30, 0, 0, 0}, 0, 1.5));
      assertArrayEquals(new double[] {1 - 0.8, 2, 3, 4}, theta(step, "kernel"), 1e-6);
      assertArrayEquals(new double[] {0.5, -0.5 - 0.6}, theta(step, "bias"), 1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void elementsAreClippedBeforeEachVariablesNorm(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByNorm(1).clipByValue(4))) {
      step.run(gradients(new double[] {3, 40, 0, 0}, 0, 0));
      assertArrayEquals(new double[] {1 - 0.6, 2 - 0.8, 3, 4}, theta(step, "kernel"), 1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void normsOfHugeAndTinyGradientsAreRight(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByGlobalNorm(0.5))) {
      step.run(gradients(new double[] {3e38, 0, 0, 0}, 0, 0));
      assertArrayEquals(new double[] {0.5, 2, 3, 4}, theta(step, "kernel"), 1e-6);
    }
    try (FedStep step =
        new FedStep(
            graph -> Sgd.builder(graph).learningRate(1).clipByGlobalNorm(5e-31).build(),
            kind,
            TFloat32.class,
            Map.of("w", FedStep.Start.vector(0, 0)))) {
      step.run(Map.of("w", new double[] {3e-30, 4e-30}));
      assertArrayEquals(new double[] {-3e-31, -4e-31}, theta(step, "w"), 1e-36);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGradientBelowTheNormKeepsItsBits(Kind kind) {
    Random random = new Random(1);
    Map<String, double[]> gradients = random(random);
    try (FedStep plain = sgd(kind, b -> b);
        FedStep clipped = sgd(kind, b -> b.clipByGlobalNorm(100).clipByNorm(99).clipByValue(98))) {
      plain.run(gradients);
      clipped.run(gradients);
      assertSame(plain, clipped);
    }
  }

  @ParameterizedTest
  @EnumSource
  void centralizeSubtractsTheMeanOfColumns(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.centralize(true))) {
      step.run(gradients(new double[] {1, 10, 3, 20}, 1, 2));
      assertArrayEquals(new double[] {2, 7, 2, -1}, theta(step, "kernel"), 1e-6);
      assertArrayEquals(new double[] {-0.5, -2.5}, theta(step, "bias"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void centralizeComesBeforeTheClip(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.clipByValue(1.5).centralize(true))) {
      step.run(gradients(new double[] {1, 10, 3, 20}, 0, 0));
      assertArrayEquals(new double[] {2, 3.5, 2, 2.5}, theta(step, "kernel"), 1e-6);
    }
  }

  // Groups

  @ParameterizedTest
  @EnumSource
  void theMultiplierThatIsSetReachesGroupsWithARateOfTheirOwn(Kind kind) {
    try (FedStep step =
        sgd(kind, b -> b.group(ParameterGroup.matching("bias").learningRate(0.5)))) {
      step.optimizer().setLearningRateMultiplier(step.session(), 0.5);
      step.run(gradients(new double[] {1, 0, 0, 0}, 1, 0));
      assertArrayEquals(new double[] {0.5, 2, 3, 4}, theta(step, "kernel"), 1e-6);
      assertArrayEquals(new double[] {0.25, -0.5}, theta(step, "bias"), 1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGroupIsASeparateOptimizer(Kind kind) {
    Random random = new Random(2);
    try (FedStep all =
            fadam(
                kind,
                b ->
                    b.group(
                        ParameterGroup.matching("bias")
                            .weightDecay(0.1)
                            .clip(0.5)
                            .learningRate(0.02)
                            .learningRateMultiplier(0.5)));
        FedStep kernels = fadam(kind, b -> b);
        FedStep biases = fadam(kind, b -> b.weightDecay(0.1).clip(0.5))) {
      for (int t = 0; t < 5; t++) {
        Map<String, double[]> gradients = random(random);
        all.run(gradients);
        kernels.run(gradients);
        biases.run(gradients);
      }
      assertArrayEquals(theta(kernels, "kernel"), theta(all, "kernel"));
      assertArrayEquals(theta(biases, "bias"), theta(all, "bias"));
      assertFalse(java.util.Arrays.equals(theta(kernels, "bias"), theta(all, "bias")));
      Operand<TFloat64> rate =
          all.optimizer().hyper(all.variable("bias").handle(), Hyper.LEARNING_RATE).orElseThrow();
      try (var result = all.session().runner().fetch(rate).run()) {
        assertEquals(0.01, ((TFloat64) result.get(0)).getDouble());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void frozenVariablesKeepEveryBitAndHaveNoSlots(Kind kind) {
    try (FedStep step = fadam(kind, b -> b.group(ParameterGroup.matching("bias").frozen()))) {
      double[] before = theta(step, "bias");
      step.run(gradients(new double[] {1, 1, 1, 1}, Double.NaN, 3));
      assertArrayEquals(before, theta(step, "bias"));
      assertTrue(theta(step, "kernel")[0] < 1);
      assertTrue(step.optimizer().state().keySet().stream().noneMatch(k -> k.startsWith("bias/")));
    }
  }

  @ParameterizedTest
  @EnumSource
  void theFirstGroupThatFitsCounts(Kind kind) {
    try (FedStep step =
        sgd(
            kind,
            b ->
                b.group(ParameterGroup.matching("bias").learningRate(0))
                    .group(ParameterGroup.matching("*").learningRate(2)))) {
      step.run(gradients(new double[] {1, 1, 1, 1}, 1, 1));
      assertArrayEquals(new double[] {0.5, -0.5}, theta(step, "bias"));
      assertArrayEquals(new double[] {-1, 0, 1, 2}, theta(step, "kernel"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void noDecayOnVectorsAndEmbeddings(Kind kind) {
    try (FedStep step =
        sgd(
            kind,
            b -> b.weightDecay(0.5).group(ParameterGroup.noDecayOnBiasesNormsAndEmbeddings()))) {
      step.run(gradients(new double[4], 0, 0));
      assertArrayEquals(new double[] {0.5, -0.5}, theta(step, "bias"));
      assertArrayEquals(new double[] {0.5, 1, 1.5, 2}, theta(step, "kernel"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aGroupThatMeansNothingIsRefused(Kind kind) {
    assertRefused(kind, "did you mean 'bias'", ParameterGroup.matching("biass").weightDecay(0));
    assertRefused(
        kind,
        "earlier groups",
        ParameterGroup.matching("*").weightDecay(0),
        ParameterGroup.matching("bias").frozen());
    assertRefused(kind, "frozen", ParameterGroup.matching("*").frozen());
    assertRefused(
        kind,
        "holds for no variable",
        ParameterGroup.where("cubes", v -> v.shape().numDimensions() == 3));
    assertRefused(kind, "no option clip", ParameterGroup.matching("bias").clip(1));
    assertRefused(kind, "at least 0", ParameterGroup.matching("bias").weightDecay(-1));
  }

  private static void assertRefused(Kind kind, String part, ParameterGroup... groups) {
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                sgd(
                    kind,
                    b -> {
                      List.of(groups).forEach(b::group);
                      return b;
                    }));
    assertTrue(thrown.getMessage().contains(part), thrown.getMessage());
  }

  @ParameterizedTest
  @EnumSource
  void groupsKnowVariablesByGivenNames(Kind kind) {
    try (FedStep step =
        sgd(
            kind,
            b ->
                b.names(variable -> "model/" + variable.name() + "/value")
                    .group(ParameterGroup.matching("/model/bias/*").frozen()))) {
      step.run(gradients(new double[] {1, 1, 1, 1}, 1, 1));
      assertArrayEquals(new double[] {0.5, -0.5}, theta(step, "bias"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyGroupSaysWhatItsStateTakes(Kind kind) {
    try (FedStep step =
        fadam(
            kind,
            b ->
                b.group(ParameterGroup.matching("kernel").frozen())
                    .group(ParameterGroup.matching("bias").weightDecay(0)))) {
      assertEquals(
          Map.of("kernel: frozen", 0L, "bias: weight-decay=0.0", 2 * 2 * 4L),
          step.optimizer().stateBytesByGroup());
    }
    try (FedStep step = fadam(kind, b -> b.group(ParameterGroup.matching("bias").weightDecay(0)))) {
      Map<String, Long> bytes = step.optimizer().stateBytesByGroup();
      assertEquals(List.of(16L, 2 * 4 * 4L), List.copyOf(bytes.values()));
      assertTrue(bytes.containsKey(StatefulOptimizer.NO_GROUP), bytes::toString);
      assertEquals(48, step.optimizer().stateBytes());
    }
  }

  // Guard

  @ParameterizedTest
  @EnumSource
  void aStepThatIsNotFiniteChangesNothing(Kind kind) {
    Random random = new Random(3);
    try (FedStep plain = fadam(kind, b -> b);
        FedStep guarded = fadam(kind, b -> b.guard(Guard.skipNonFinite().failAfter(2)))) {
      SkippedSteps skipped = guarded.optimizer().skippedSteps().orElseThrow();
      for (int t = 0; t < 4; t++) {
        Map<String, double[]> gradients = random(random);
        plain.run(gradients);
        guarded.run(gradients);
        assertEquals(0, skipped.inARow(guarded.session()));
        guarded.run(gradients(new double[] {1, Double.NaN, 1, 1}, 1, 1));
        guarded.optimizer().checkGuard(guarded.session());
        guarded.run(gradients(new double[] {1, 1, 1, 1}, 1, Double.NEGATIVE_INFINITY));
        assertEquals(2, skipped.inARow(guarded.session()));
        NonFiniteGradientsException thrown =
            assertThrows(
                NonFiniteGradientsException.class,
                () -> guarded.optimizer().checkGuard(guarded.session()));
        assertTrue(thrown.getMessage().contains("FAdam"), thrown.getMessage());
      }
      assertEquals(8, skipped.total(guarded.session()));
      Operand<TInt64> behind = skipped.readBehind(guarded.step());
      Map<String, double[]> bad = gradients(new double[] {1, Double.NaN, 1, 1}, 1, 1);
      assertEquals(List.of(9L, 3L), guarded.run(bad, behind));
      assertSame(plain, guarded);
      assertEquals(4, number(guarded, "step"));
    }
  }

  // Accumulation

  @ParameterizedTest
  @EnumSource
  void accumulatedSgdIsTheBigBatch(Kind kind) {
    Random random = new Random(4);
    try (FedStep big = sgd(kind, b -> b.momentum(0.9).learningRate(0.1));
        FedStep small = sgd(kind, b -> b.momentum(0.9).learningRate(0.1).accumulate(3))) {
      for (int t = 0; t < 5; t++) {
        double[] kernel = new double[4];
        double[] bias = new double[2];
        for (int k = 0; k < 3; k++) {
          Map<String, double[]> gradients = random(random);
          double[] before = theta(small, "kernel");
          small.run(gradients);
          if (k < 2) {
            assertArrayEquals(before, theta(small, "kernel"), "before the step is complete");
            assertEquals(t, number(small, "step"));
          }
          for (int i = 0; i < 4; i++) {
            kernel[i] += gradients.get("kernel")[i] / 3;
          }
          for (int i = 0; i < 2; i++) {
            bias[i] += gradients.get("bias")[i] / 3;
          }
        }
        big.run(gradients(kernel, bias));
        assertArrayEquals(theta(big, "kernel"), theta(small, "kernel"), 1e-6);
        assertArrayEquals(theta(big, "bias"), theta(small, "bias"), 1e-6);
      }
      assertEquals(5, number(small, "step"));
      assertArrayEquals(new double[4], small.values().get("kernel").get("accumulated"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void squaresPerMicroStepAreAveraged(Kind kind) {
    for (Squares squares : Squares.values()) {
      try (FedStep step = fadam(kind, b -> b.accumulate(2).squares(squares))) {
        step.run(gradients(new double[] {1, 2, 3, 4}, 1, 1));
        step.run(gradients(new double[] {3, 2, 1, 0}, 1, -1));
        double[] expected =
            squares == Squares.PER_MICRO_STEP
                ? new double[] {5, 4, 5, 8}
                : new double[] {4, 4, 4, 4};
        assertArrayEquals(expected, step.values().get("kernel").get("f"), 1e-5);
        assertArrayEquals(
            new double[] {1, squares == Squares.PER_MICRO_STEP ? 1 : 0},
            step.values().get("bias").get("f"),
            1e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theGuardDropsAMicroStepOnItsOwn(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.accumulate(2).guard(Guard.skipNonFinite()))) {
      step.run(gradients(new double[] {1, 1, 1, 1}, 1, 1));
      step.run(gradients(new double[] {1, 1, 1, 1}, 1, Double.NaN));
      assertEquals(1, number(step, "micro-step"));
      assertArrayEquals(new double[] {0.5, 0.5}, step.values().get("bias").get("accumulated"));
      step.run(gradients(new double[] {3, 3, 3, 3}, 3, 3));
      assertArrayEquals(new double[] {-1, 0, 1, 2}, theta(step, "kernel"), 1e-6);
      assertEquals(0, number(step, "micro-step"));
      assertEquals(1, number(step, "skipped"));
    }
  }

  // Average of the weights

  @ParameterizedTest
  @EnumSource
  void theAverageFollowsAndSwapsBackAndForth(Kind kind) {
    try (FedStep step = sgd(kind, b -> b.ema(0.75))) {
      assertThrows(IllegalStateException.class, () -> step.optimizer().swapWeights(step.session()));
      double[] ema = {1, 2, 3, 4};
      double[] theta = {1, 2, 3, 4};
      for (int t = 0; t < 3; t++) {
        step.run(gradients(new double[] {1, 2, -1, 0.5}, 1, 1));
        for (int i = 0; i < 4; i++) {
          theta[i] -= new double[] {1, 2, -1, 0.5}[i];
          ema[i] = 0.75 * ema[i] + 0.25 * theta[i];
        }
      }
      assertArrayEquals(ema, step.values().get("kernel").get("ema"), 1e-5);
      Map<String, Map<String, double[]>> before = step.values();
      assertTrue(step.optimizer().swapWeights(step.session()));
      assertArrayEquals(before.get("kernel").get("ema"), theta(step, "kernel"));
      assertArrayEquals(before.get("kernel").get("theta"), step.values().get("kernel").get("ema"));
      TFInvalidArgumentException thrown =
          assertThrows(
              TFInvalidArgumentException.class,
              () -> step.run(gradients(new double[] {1, 1, 1, 1}, 1, 1)));
      assertTrue(thrown.getMessage().contains("swapWeights"), thrown.getMessage());
      assertArrayEquals(before.get("kernel").get("ema"), theta(step, "kernel"));
      assertFalse(step.optimizer().swapWeights(step.session()));
      before.forEach(
          (variable, slots) ->
              slots.forEach(
                  (slot, value) ->
                      assertArrayEquals(value, step.values().get(variable).get(slot))));
      step.run(gradients(new double[] {1, 1, 1, 1}, 1, 1));
    }
  }

  // Loss scale

  private static SlopedStep<TFloat32> scaled(Kind kind, UnaryOperator<FAdam.Builder> options) {
    return new SlopedStep<>(
        TFloat32.class,
        kind,
        Shape.scalar(),
        (tf, value, slope) -> tf.math.mul(tf.math.mul(value, value), slope),
        graph -> options.apply(FAdam.builder(graph).learningRate(0.1)).build());
  }

  @ParameterizedTest
  @EnumSource
  void aFixedLossScaleIsGoneBeforeTheRule(Kind kind) {
    try (SlopedStep<TFloat32> plain = scaled(kind, b -> b);
        SlopedStep<TFloat32> scaled = scaled(kind, b -> b.lossScale(LossScale.fixed(1024)))) {
      for (int t = 0; t < 5; t++) {
        plain.run(t + 0.3f);
        scaled.run(t + 0.3f);
      }
      assertArrayEquals(plain.theta(), scaled.theta());
      assertEquals(1024, scaled.scale());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFixedLossScaleMultipliesTheLoss(Kind kind) {
    try (SlopedStep<TFloat32> plain = scaled(kind, b -> b.weightDecay(0));
        SlopedStep<TFloat32> scaled =
            scaled(kind, b -> b.weightDecay(0).lossScale(LossScale.fixed(0x1p100)))) {
      plain.run(1e30f);
      scaled.run(1e30f);
      assertFalse(Double.isNaN(plain.theta()[0]));
      assertTrue(Double.isNaN(scaled.theta()[0]), "the loss is really multiplied");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDynamicLossScaleGrowsAndShrinks(Kind kind) {
    try (SlopedStep<TFloat32> plain = scaled(kind, b -> b);
        SlopedStep<TFloat32> scaled =
            scaled(kind, b -> b.lossScale(new LossScale.Dynamic(0x1p40, 3, 4)))) {
      plain.run(1);
      scaled.run(1);
      assertEquals(0x1p40, scaled.scale());
      double[] before = scaled.theta();
      scaled.run(1e30f);
      assertEquals(0x1p38, scaled.scale());
      assertArrayEquals(before, scaled.theta());
      assertEquals(1, scaled.optimizer.skippedSteps().orElseThrow().total(scaled.session));
      for (int t = 0; t < 3; t++) {
        assertEquals(0x1p38, scaled.scale());
        plain.run(2);
        scaled.run(2);
      }
      assertEquals(0x1p40, scaled.scale());
      assertArrayEquals(plain.theta(), scaled.theta());
    }
  }
}
