package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** What FAdafactor and Adafactor promise beyond their golden values. */
class FAdafactorTest {

  private static final int STEPS = 20;
  private static final Shape SHAPE = Shape.of(2, 5, 7);

  /** Signs at random, absolute values u_i v_j, and a size that changes from step to step. */
  private static List<double[]> rankOne(int steps) {
    Random random = new Random(5);
    double[] rows = random.doubles(10, 0.1, 3).toArray();
    double[] columns = random.doubles(14, 0.1, 3).toArray();
    List<double[]> gradients = new ArrayList<>();
    for (int t = 0; t < steps; t++) {
      double size = 0.1 + random.nextDouble();
      double[] gradient = new double[(int) SHAPE.size()];
      for (int i = 0; i < gradient.length; i++) {
        double sign = random.nextBoolean() ? size : -size;
        gradient[i] = sign * rows[i / 7] * columns[i / 35 * 7 + i % 7];
      }
      gradients.add(gradient);
    }
    return gradients;
  }

  private static List<double[]> anyRank(int steps) {
    Random random = new Random(6);
    List<double[]> gradients = new ArrayList<>();
    for (int t = 0; t < steps; t++) {
      gradients.add(random.doubles(SHAPE.size(), -1, 1).toArray());
    }
    return gradients;
  }

  private static Map<String, double[]> trained(
      Function<Graph, RuleOptimizer> optimizer,
      Class<? extends TNumber> type,
      List<double[]> gradients) {
    double[] first = new Random(7).doubles(SHAPE.size(), -1, 1).toArray();
    Map<String, FedStep.Start> start = Map.of("w", new FedStep.Start(SHAPE, first));
    try (FedStep step = new FedStep(optimizer, Kind.RESOURCE, type, start)) {
      gradients.forEach(gradient -> step.run(Map.of("w", gradient)));
      return step.values().get("w");
    }
  }

  private static double distance(double[] a, double[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  @Test
  void squaresOfRankOneMakeItFAdam() {
    List<double[]> gradients = rankOne(STEPS);
    var factored =
        trained(g -> FAdafactor.builder(g).weightDecay(0.1).build(), TFloat64.class, gradients);
    var whole = trained(g -> FAdam.builder(g).weightDecay(0.1).build(), TFloat64.class, gradients);
    assertArrayEquals(whole.get("theta"), factored.get("theta"), 1e-12);
    assertArrayEquals(whole.get("m"), factored.get("m"), 1e-12);
  }

  @Test
  void squaresOfAnotherRankDoNot() {
    List<double[]> gradients = anyRank(STEPS);
    var factored = trained(FAdafactor::new, TFloat64.class, gradients);
    var whole = trained(FAdam::new, TFloat64.class, gradients);
    assertTrue(distance(whole.get("theta"), factored.get("theta")) > 1e-4);
  }

  @Test
  void withoutMomentumIsWithBeta1OfZero() {
    List<double[]> gradients = anyRank(STEPS);
    var none =
        trained(
            g -> FAdafactor.builder(g).momentum(MomentumState.NONE).build(),
            TFloat32.class,
            gradients);
    var zero = trained(g -> FAdafactor.builder(g).beta1(0).build(), TFloat32.class, gradients);
    assertArrayEquals(zero.get("theta"), none.get("theta"));
    assertEquals(List.of("theta", "R", "C"), List.copyOf(none.keySet()));
  }

  @Test
  void momentumInBfloat16FollowsTheFullOne() {
    double[][] theta = new double[2][];
    for (MomentumState momentum : List.of(MomentumState.FULL, MomentumState.BFLOAT16)) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        var variable =
            tf.variable(tf.withInitScope().fill(tf.constant(SHAPE.asArray()), tf.constant(1f)));
        var gradient = tf.placeholder(TFloat32.class, Placeholder.shape(SHAPE));
        FAdafactor optimizer =
            FAdafactor.builder(graph).learningRate(0.01).momentum(momentum).build();
        var step =
            optimizer.applyGradients(
                List.of(new GradAndVar<>(gradient.asOutput(), variable.asOutput())), "step");
        assertEquals(
            momentum == MomentumState.FULL ? DataType.DT_FLOAT : DataType.DT_BFLOAT16,
            optimizer.slot(variable, "m").orElseThrow().dataType());
        try (Session session = new Session(graph)) {
          for (double[] values : anyRank(STEPS)) {
            try (TFloat32 fed = TFloat32.tensorOf(SHAPE)) {
              int[] i = {0};
              fed.scalars().forEach(scalar -> scalar.setFloat((float) values[i[0]++]));
              session.runner().feed(gradient, fed).addTarget(step).run().close();
            }
          }
          try (var result = session.runner().fetch(variable).run()) {
            theta[momentum == MomentumState.FULL ? 0 : 1] = FedStep.numbers(result.get(0));
          }
        }
      }
    }
    double apart = distance(theta[0], theta[1]);
    double moved = Arrays.stream(theta[0]).map(value -> Math.abs(value - 1)).max().orElseThrow();
    assertTrue(apart > 0 && apart < 0.03 * moved, apart + " of " + moved);
  }

  /** Every size a float32 has, side by side: no product of factors fits all of them. */
  @ParameterizedTest
  @ValueSource(strings = {"fadam", "fadafactor", "adam", "adamw", "adafactor"})
  void noFiniteGradientGivesNaN(String name) {
    double[] sizes = {0, 1e-45, 1e-38, 1e-30, 1e-20, 1e-10, 1, 1e10, 1e17, 1e19, 1e25, 3.4e38};
    for (String epsilon : List.of("1e-30", "1e-20", "1e-8")) {
      Random random = new Random(8);
      Shape shape = Shape.of(6, 8);
      double[] first = random.doubles(48, -1, 1).toArray();
      try (FedStep step =
          new FedStep(
              graph -> Optimizers.named(name).apply(graph).set("epsilon", epsilon).build(),
              Kind.REFERENCE,
              TFloat32.class,
              Map.of("w", new FedStep.Start(shape, first)))) {
        for (int t = 0; t < 200; t++) {
          double[] gradient = new double[48];
          for (int i = 0; i < gradient.length; i++) {
            int at = t % 3 == 0 ? i : random.nextInt(sizes.length);
            gradient[i] = (random.nextBoolean() ? 1 : -1) * sizes[at % sizes.length];
          }
          step.run(Map.of("w", t % 7 == 0 ? new double[48] : gradient));
          int now = t;
          step.values()
              .get("w")
              .forEach(
                  (key, values) ->
                      assertTrue(
                          Arrays.stream(values).allMatch(Double::isFinite),
                          () -> key + " after step " + now + ": " + Arrays.toString(values)));
        }
      }
    }
  }

  private static RuleOptimizer over(
      Graph graph, RuleOptimizer optimizer, Kind kind, Class<? extends TNumber> type, Shape shape) {
    Ops tf = Ops.create(graph);
    Ops init = tf.withInitScope();
    var zero = init.dtypes.cast(init.constant(0f), type);
    var variable =
        TrainableVariable.create(tf, kind, "w", init.fill(init.constant(shape.asArray()), zero));
    var gradient = tf.placeholder(type, Placeholder.shape(shape));
    optimizer.applyGradients(List.of(FedStep.pair(gradient, variable)), "step");
    return optimizer;
  }

  /** Built and never run: nothing of this size is allocated. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void theStateOfAMatrixIsItsMomentumAndTwoVectors(Kind kind) {
    Shape shape = Shape.of(4096, 4096);
    long elements = 4096L * 4096;
    Map<Function<Graph, RuleOptimizer>, Long> expected =
        Map.of(
            FAdafactor::new,
            4 * (elements + 8192),
            g -> FAdafactor.builder(g).momentum(MomentumState.NONE).build(),
            4 * 8192L,
            g -> FAdafactor.builder(g).momentum(MomentumState.BFLOAT16).build(),
            2 * elements + 4 * 8192,
            g -> FAdafactor.builder(g).minDimensionToFactor(4097).build(),
            8 * elements,
            g -> Adafactor.builder(g).momentum(MomentumState.NONE).build(),
            4 * 8192L,
            FAdam::new,
            8 * elements,
            Adam::new,
            8 * elements,
            AdamW::new,
            8 * elements,
            Sgd::new,
            0L);
    expected.forEach(
        (optimizer, bytes) -> {
          try (Graph graph = new Graph()) {
            RuleOptimizer built = over(graph, optimizer.apply(graph), kind, TFloat32.class, shape);
            assertEquals(bytes, built.stateBytes(), built.getOptimizerName());
            assertEquals(0, built.masterBytes());
          }
        });
  }

  @Test
  void stateIsCountedInItsOwnType() {
    try (Graph graph = new Graph()) {
      RuleOptimizer doubles =
          over(graph, new FAdafactor(graph), Kind.RESOURCE, TFloat64.class, Shape.of(3, 10, 20));
      assertEquals(8 * (600 + 30 + 60), doubles.stateBytes());
    }
    try (Graph graph = new Graph()) {
      RuleOptimizer half =
          over(graph, new FAdafactor(graph), Kind.RESOURCE, TBfloat16.class, Shape.of(10, 20));
      assertEquals(4 * (200 + 10 + 20), half.stateBytes());
      assertEquals(4 * 200, half.masterBytes());
    }
    try (Graph graph = new Graph()) {
      RuleOptimizer vector =
          over(graph, new FAdafactor(graph), Kind.RESOURCE, TFloat32.class, Shape.of(10));
      assertEquals(4 * 20, vector.stateBytes());
    }
    try (Graph graph = new Graph()) {
      FAdafactor optimizer = new FAdafactor(graph);
      assertThrows(IllegalStateException.class, optimizer::stateBytes);
    }
  }

  @Test
  void optionsHaveNamesAndBounds() {
    try (Graph graph = new Graph()) {
      var builder = FAdafactor.forLanguageModels(graph);
      builder.set("momentum", "bfloat16").set("min-dimension-to-factor", "128");
      var settings = builder.build().settings();
      assertEquals("bfloat16", settings.get("momentum"));
      assertEquals("128", settings.get("min-dimension-to-factor"));
      assertEquals("0.99", settings.get("beta2"));
      assertEquals("1.0E-12", settings.get("epsilon"));
      assertEquals("0.1", settings.get("weight-decay"));
      String message =
          assertThrows(IllegalArgumentException.class, () -> builder.set("momentum", "float8"))
              .getMessage();
      assertTrue(message.contains("none, bfloat16, full"), message);
      assertThrows(IllegalArgumentException.class, () -> builder.minDimensionToFactor(0));
      assertEquals("none", new AdamW(graph).settings().get("clip"));
    }
  }
}
