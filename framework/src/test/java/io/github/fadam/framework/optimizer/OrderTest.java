package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/** One step has one order, whatever the number of threads. */
class OrderTest {

  private static final int RUNS = 300;
  private static final ConfigProto MANY_THREADS =
      ConfigProto.newBuilder()
          .setInterOpParallelismThreads(8)
          .setIntraOpParallelismThreads(8)
          .setUsePerSessionThreads(true)
          .build();

  /** The thetas after the first step, of every session and every initialization. */
  private static Set<List<Float>> firstSteps(Function<Graph, Optimizer> maker) {
    Set<List<Float>> results = new HashSet<>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Variable<TFloat32>> variables = new ArrayList<>();
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class);
      Operand<TFloat32> loss = null;
      for (int i = 0; i < 6; i++) {
        Variable<TFloat32> v = tf.withName("v").variable(tf.constant(0.5f + i));
        variables.add(v);
        Operand<TFloat32> term = tf.math.mul(tf.math.mul(tf.identity(v), x), tf.constant(1f + i));
        loss = loss == null ? term : tf.math.add(loss, term);
      }
      Op train = maker.apply(graph).minimize(loss);
      try (TFloat32 fed = TFloat32.scalarOf(0.3f)) {
        for (int session = 0; session < 20; session++) {
          try (Session s = new Session(graph, true, MANY_THREADS)) {
            for (int run = 0; run < RUNS / 20; run++) {
              s.forceInitialize();
              s.runner().feed(x, fed).addTarget(train).run().close();
              Session.Runner fetch = s.runner();
              variables.forEach(fetch::fetch);
              try (Result result = fetch.run()) {
                List<Float> thetas = new ArrayList<>();
                result.forEach(value -> thetas.add(((TFloat32) value.getValue()).getFloat()));
                results.add(thetas);
              }
            }
          }
        }
      }
    }
    return results;
  }

  @Test
  void theFirstStepIsTheSameInEveryRun() {
    List<Function<Graph, Optimizer>> makers =
        List.of(
            graph -> new FAdam(graph, 0.01),
            graph -> Adam.builder(graph).learningRate(0.01).weightDecay(0).build(),
            graph -> Sgd.builder(graph).learningRate(0.01).momentum(0.9).build());
    for (Function<Graph, Optimizer> maker : makers) {
      assertEquals(1, firstSteps(maker).size());
    }
    List<Float> adam = firstSteps(makers.get(1)).iterator().next();
    for (int i = 0; i < adam.size(); i++) {
      assertEquals(0.5f + i - 0.01f, adam.get(i), 1e-6f * (1 + i), "one step of Adam's first size");
    }
  }

  /** The case that breaks it: with this harness the framework's Adam takes steps of wrong sizes. */
  @Test
  void theHarnessSeesBetaPowersThatAdvanceBeforeTheyAreRead() {
    Set<List<Float>> thetas =
        firstSteps(
            graph ->
                new org.tensorflow.framework.optimizers.Adam(graph, 0.01f, 0.9f, 0.999f, 1e-8f));
    boolean wrong =
        thetas.stream()
            .flatMap(
                run ->
                    IntStream.range(0, run.size())
                        .mapToObj(i -> Math.abs(0.5f + i - 0.01f - run.get(i)) > 1e-4))
            .anyMatch(Boolean::booleanValue);
    assertTrue(wrong || thetas.size() > 1, "the framework's Adam took the right step every time");
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void everyStepIsCountedOnceAndReadsItsOwnNumber(Kind kind) {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    starts.put("a", FedStep.Start.vector(0));
    starts.put("b", FedStep.Start.vector(0, 0));
    try (FedStep step =
        new FedStep(
            graph ->
                Sgd.builder(graph)
                    .learningRate(Schedules.piecewise(new long[] {1, 2}, new double[] {1, 10, 100}))
                    .build(),
            kind,
            TFloat64.class,
            starts,
            MANY_THREADS)) {
      double[] expected = {-1, -11, -111, -211};
      for (int t = 1; t <= 4; t++) {
        step.run(Map.of("a", new double[] {1}, "b", new double[] {1, 1}));
        assertEquals(expected[t - 1], step.values().get("a").get("theta")[0], 1e-9);
        assertEquals(expected[t - 1], step.values().get("b").get("theta")[1], 1e-9);
        assertEquals(t, completed(step));
      }
    }
  }

  private static long completed(FedStep step) {
    try (Result result =
        step.session().runner().fetch(step.optimizer().step().read(step.tf())).run()) {
      return ((TInt64) result.get(0)).getLong();
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theRateIsReadableAloneAndWithTheStepAndItsMultiplierCanBeSet(Kind kind) {
    try (FedStep step =
        new FedStep(
            graph -> Sgd.builder(graph).learningRate(Schedules.linear(1, 0, 4)).build(),
            kind,
            TFloat64.class,
            Map.of("a", FedStep.Start.vector(0)))) {
      assertEquals(1, rate(step), 0);
      step.run(Map.of("a", new double[] {1}));
      assertEquals(0.75, rate(step), 0);
      step.optimizer().setLearningRateMultiplier(step.session(), 2);
      assertEquals(1.5, rate(step), 0);
      step.run(Map.of("a", new double[] {1}));
      assertArrayEquals(new double[] {-2.5}, step.values().get("a").get("theta"), 1e-12);
      assertEquals(1, rate(step), 0, "the multiplier stays");
    }
  }

  private static double rate(FedStep step) {
    try (Result result = step.session().runner().fetch(step.optimizer().learningRate()).run()) {
      return ((TFloat64) result.get(0)).getDouble();
    }
  }

  /** Each variable is the other's gradient: both updates read both, then both are assigned. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void gradientsThatShareAVariablesBufferAreReadBeforeItIsAssigned(boolean reference) {
    int size = 200_000;
    Kind kind = reference ? Kind.REFERENCE : Kind.RESOURCE;
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable a =
          TrainableVariable.create(
              tf, kind, "a", tf.fill(tf.constant(new int[] {size}), tf.constant(1f)));
      TrainableVariable b =
          TrainableVariable.create(
              tf, kind, "b", tf.fill(tf.constant(new int[] {size}), tf.constant(2f)));
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      pairs.add(pair(b.read(tf), a));
      pairs.add(pair(a.read(tf), b));
      Op step = Sgd.builder(graph).learningRate(1).momentum(0.5).build().applyGradients(pairs, "s");
      Operand<?> readA = a.read(tf);
      Operand<?> readB = b.read(tf);
      try (Session session = new Session(graph, true, MANY_THREADS)) {
        for (int run = 0; run < 100; run++) {
          session.forceInitialize();
          session.runner().addTarget(step).run().close();
          try (Result result = session.runner().fetch(readA).fetch(readB).run()) {
            for (int i = 0; i < size; i += 997) {
              assertEquals(-1f, ((TFloat32) result.get(0)).getFloat(i));
              assertEquals(1f, ((TFloat32) result.get(1)).getFloat(i));
            }
          }
        }
      }
    }
  }

  @SuppressWarnings("unchecked") // the wildcards stand for one type
  private static GradAndVar<?> pair(Operand<?> gradient, TrainableVariable variable) {
    return new GradAndVar<>(
        (Output<TFloat32>) gradient.asOutput(), (Output<TFloat32>) variable.handle());
  }
}
