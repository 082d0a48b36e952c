package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;

/** Steps over real losses, in graphs as users build them. */
class MinimizeTest {

  @SuppressWarnings("unchecked") // the caller made the variable
  private static Operand<TFloat32> read(Ops tf, TrainableVariable variable) {
    return (Operand<TFloat32>) variable.read(tf);
  }

  private static TrainableVariable scalar(Ops tf, Kind kind, String name, float value) {
    return TrainableVariable.create(tf, kind, name, tf.withInitScope().constant(value));
  }

  private static float value(Session session, Operand<?> read) {
    try (Result result = session.runner().fetch(read).run()) {
      return ((TFloat32) result.get(0)).getFloat();
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void bothKindsAreTrained(Kind kind) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable v = scalar(tf, kind, "v", 3);
      Operand<TFloat32> read = read(tf, v);
      FAdam optimizer = new FAdam(graph, 0.1);
      Op train = optimizer.minimize(tf.math.square(read));
      try (Session session = new Session(graph)) {
        for (int i = 0; i < 100; i++) {
          session.runner().addTarget(train).run().close();
        }
        assertTrue(Math.abs(value(session, read)) < 1, "resource variables were a silent no-op");
        TrainableVariable f = optimizer.slot(v.handle(), "f").orElseThrow();
        assertEquals(kind, f.kind());
        assertTrue(value(session, f.read(tf)) > 0);
        assertTrue(optimizer.state().containsKey("v/m"));
        assertEquals(
            kind == Kind.REFERENCE,
            optimizer.getSlot(v.handle(), "m").isPresent(),
            "a Variable where the kind allows it");
        assertFalse(optimizer.slot(v.handle(), "none").isPresent());
      }
    }
  }

  @Test
  void bothKindsInOneGraphAndNamesInScopes() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable a =
          scalar(tf.withSubScope("layer").withSubScope("dense"), Kind.REFERENCE, "kernel", 1);
      TrainableVariable b = scalar(tf.withSubScope("layer"), Kind.RESOURCE, "dense.kernel", 1);
      Operand<TFloat32> loss =
          tf.math.add(tf.math.square(read(tf, a)), tf.math.square(read(tf, b)));
      assertEquals("layer/dense/kernel", a.name());
      FAdam optimizer = new FAdam(graph, 0.1);
      Op train = optimizer.minimize(loss);
      assertTrue(optimizer.state().containsKey(a.name() + "/f"), optimizer.state()::toString);
      assertTrue(optimizer.state().containsKey(b.name() + "/f"), optimizer.state()::toString);
      try (Session session = new Session(graph)) {
        session.runner().addTarget(train).run().close();
        assertNotEquals(1f, value(session, read(tf, a)));
        assertNotEquals(1f, value(session, read(tf, b)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void twoOptimizersOfOneNameLiveInOneGraph(Kind kind) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable a = scalar(tf, kind, "a", 1);
      TrainableVariable b = scalar(tf, kind, "b", 1);
      Op trainA = new FAdam(graph, 0.1).minimize(tf.math.square(read(tf, a)), List.of(a.handle()));
      FAdam second = new FAdam(graph, 0.1);
      Op trainB = second.minimize(tf.math.square(read(tf, b)), List.of(b.handle()));
      Op trainBoth =
          Adam.builder(graph)
              .build()
              .minimize(tf.math.square(tf.math.add(read(tf, a), read(tf, b))));
      try (Session session = new Session(graph)) {
        session.runner().addTarget(trainA).run().close();
        float after = value(session, read(tf, a));
        assertNotEquals(1f, after);
        assertEquals(1f, value(session, read(tf, b)));
        session.runner().addTarget(trainB).run().close();
        assertEquals(after, value(session, read(tf, a)));
        assertNotEquals(1f, value(session, read(tf, b)));
        session.runner().addTarget(trainBoth).run().close();
        assertNotEquals(after, value(session, read(tf, a)));
      }
    }
  }

  @Test
  void whatTheLossDoesNotReachIsSkippedAndNamedAndNothingReachedIsAnError() {
    try (Graph graph = new Graph();
        CapturedLog log = new CapturedLog(RuleOptimizer.class)) {
      Ops tf = Ops.create(graph);
      TrainableVariable used = scalar(tf, Kind.REFERENCE, "used", 1);
      TrainableVariable unused = scalar(tf, Kind.REFERENCE, "unused", 1);
      // Its shape is open, which only matters for variables that are trained.
      tf.withName("open").variable(Shape.of(-1), TFloat32.class);
      Operand<TFloat32> loss = tf.math.square(read(tf, used));
      IllegalArgumentException none =
          assertThrows(
              IllegalArgumentException.class,
              () -> new FAdam(graph).minimize(loss, List.of(unused.handle())));
      assertTrue(none.getMessage().contains("unused"), none.getMessage());
      Op train = new FAdam(graph).minimize(loss);
      assertEquals(1, log.messages().size(), log.messages()::toString);
      assertTrue(log.messages().get(0).contains("unused"), log.messages()::toString);
      try (Session session = new Session(graph)) {
        session.runner().addTarget(train).run().close();
        assertEquals(1f, value(session, read(tf, unused)));
      }
    }
  }

  @Test
  void whatCannotBeTrainedIsRefusedBeforeTheGraphChanges() {
    try (Graph graph = new Graph();
        Graph other = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.constant(1f);
      assertUnchanged(graph, () -> new FAdam(graph).minimize(x), "at least one");
      Variable<TFloat32> open = tf.withName("open").variable(Shape.of(-1), TFloat32.class);
      Operand<TFloat32> openLoss = tf.math.square(tf.identity(open));
      assertUnchanged(graph, () -> new FAdam(graph).minimize(openLoss), "open");
      Variable<TFloat32> v = tf.withName("v").variable(tf.constant(1f));
      Operand<TFloat32> loss = tf.math.square(tf.identity(v));
      assertUnchanged(
          graph,
          () -> new FAdam(graph).minimize(loss, List.of(v.asOutput(), v.asOutput())),
          "twice");
      assertUnchanged(
          graph, () -> new FAdam(graph).minimize(loss, List.of(tf.math.neg(v))), "variable");
      assertUnchanged(graph, () -> new FAdam(graph).minimizeMatching(loss, "w*"), "w*");
      assertUnchanged(
          graph, () -> new FAdam(graph).minimize(Ops.create(other).constant(1f)), "another");
      Output<TFloat32> wrong = tf.constant(new float[] {1, 2}).asOutput();
      assertUnchanged(
          graph,
          () ->
              new FAdam(graph)
                  .applyGradients(List.of(new GradAndVar<>(wrong, v.asOutput())), "step"),
          "[2]");
      assertUnchanged(graph, () -> new FAdam(graph).applyGradients(List.of(), "step"), "none");
    }
  }

  private static void assertUnchanged(Graph graph, Runnable refused, String message) {
    // tf.math.neg in one of the arguments is the caller's own operation.
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, refused::run, message);
    assertTrue(thrown.getMessage().contains(message), thrown.getMessage());
    graph
        .operations()
        .forEachRemaining(
            op -> assertFalse(op.name().startsWith("FAdam"), "left behind: " + op.name()));
  }

  @Test
  void anOptimizerBuildsOneStep() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variable<TFloat32> v = tf.variable(tf.constant(1f));
      Operand<TFloat32> loss = tf.math.square(tf.identity(v));
      FAdam optimizer = new FAdam(graph);
      assertThrows(IllegalStateException.class, optimizer::learningRate);
      assertThrows(IllegalStateException.class, optimizer::state);
      optimizer.minimize(loss);
      assertThrows(IllegalStateException.class, () -> optimizer.minimize(loss));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"new Session", "initialize", "forceInitialize", "Init operation"})
  void stateIsInitializedTheWaysUsersDoIt(String way) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable v = scalar(tf, Kind.REFERENCE, "v", 1);
      TrainableVariable w = scalar(tf, Kind.RESOURCE, "w", 1);
      Op train =
          new FAdam(graph, 0.1).minimize(tf.math.square(tf.math.mul(read(tf, v), read(tf, w))));
      Consumer<Session> initialize =
          switch (way) {
            case "initialize" -> Session::initialize;
            case "forceInitialize" -> Session::forceInitialize;
            default -> session -> {};
          };
      if (way.equals("Init operation")) {
        try (Graph loaded = new Graph()) {
          loaded.importGraphDef(graph.toGraphDef());
          try (Session session = new Session(loaded, false)) {
            session.initialize();
            session.runner().addTarget(train.op().name()).run().close();
          }
        }
        return;
      }
      try (Session session = new Session(graph, way.equals("new Session"))) {
        initialize.accept(session);
        session.runner().addTarget(train).run().close();
        assertNotEquals(1f, value(session, read(tf, v)));
      }
    }
  }

  @Test
  void aVariableAddedAfterTheSessionIsInitializedToo() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable v = scalar(tf, Kind.REFERENCE, "v", 1);
      Operand<TFloat32> read = read(tf, v);
      try (Session session = new Session(graph)) {
        assertEquals(1f, value(session, read));
        Op train = new FAdam(graph, 0.1).minimize(tf.math.square(read));
        session.runner().addTarget(train).run().close();
        assertNotEquals(1f, value(session, read));
      }
    }
  }

  @Test
  void saveAndRestoreGoOnWhereTheyWereWithSlotsAndStep(@TempDir Path folder) {
    String prefix = folder.resolve("variables").toString();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable v = scalar(tf, Kind.REFERENCE, "v", 1);
      Operand<TFloat32> read = read(tf, v);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
      Op train = new FAdam(graph, 0.1).minimize(tf.math.mul(read, x));
      float expected;
      try (Session session = new Session(graph)) {
        steps(session, train, x, 0.5f, 3, 2);
        session.save(prefix);
        steps(session, train, x, -1);
        expected = value(session, read);
      }
      try (Session session = new Session(graph)) {
        session.restore(prefix);
        steps(session, train, x, -1);
        assertEquals(expected, value(session, read), 0);
      }
      try (Session session = new Session(graph)) {
        steps(session, train, x, -1);
        assertNotEquals(expected, value(session, read), "fresh state would give another step");
      }
    }
  }

  private static void steps(Session session, Op train, Operand<?> x, float... gradients) {
    for (float gradient : gradients) {
      try (TFloat32 fed = TFloat32.scalarOf(gradient)) {
        session.runner().feed(x.asOutput(), fed).addTarget(train).run().close();
      }
    }
  }

  @Test
  void whoeverHasUsedTheSaverIsToldWhatItLoses(@TempDir Path folder) throws Exception {
    String prefix = folder.resolve("variables").toString();
    for (Kind kind : Kind.values()) {
      try (Graph graph = new Graph();
          CapturedLog log = new CapturedLog(RuleOptimizer.class)) {
        Ops tf = Ops.create(graph);
        scalar(tf, Kind.REFERENCE, "saved", 1);
        TrainableVariable v = scalar(tf, kind, "kernel", 1);
        try (Session session = new Session(graph)) {
          session.initialize();
          session.save(prefix);
        }
        new FAdam(graph).minimize(tf.math.square(read(tf, v)));
        String expected = kind == Kind.REFERENCE ? "first save" : "no resource variables";
        assertTrue(
            log.messages().stream().anyMatch(message -> message.contains(expected)),
            log.messages()::toString);
      }
    }
  }

  /** Why it is told: without a checkpoint of ours, nothing of a resource variable is kept. */
  @Test
  void whoeverHasNotIsToldNothing(@TempDir Path folder) throws Exception {
    try (Graph graph = new Graph();
        CapturedLog log = new CapturedLog(RuleOptimizer.class)) {
      Ops tf = Ops.create(graph);
      TrainableVariable v = scalar(tf, Kind.RESOURCE, "kernel", 1);
      Op train = new FAdam(graph).minimize(tf.math.square(read(tf, v)));
      try (Session session = new Session(graph)) {
        session.runner().addTarget(train).run().close();
        session.save(folder.resolve("variables").toString());
      }
      assertEquals(List.of(), log.messages());
      try (var files = Files.list(folder)) {
        assertEquals(0, files.count(), "TensorFlow-Java's saver writes nothing");
      }
    }
  }

  @Test
  void aMasterCopyKeepsSmallStepsOfSixteenBitVariables() {
    assertTrue(afterThousandSteps(TBfloat16.class, true) < 0.95f);
    assertTrue(afterThousandSteps(TFloat16.class, true) < 0.95f);
    // The case that breaks it: 1 - 1e-4 is 1 in both types.
    assertEquals(1f, afterThousandSteps(TBfloat16.class, false), 0);
    assertEquals(1f, afterThousandSteps(TFloat16.class, false), 0);
  }

  private static <T extends TNumber & TFloating> float afterThousandSteps(
      Class<T> type, boolean master) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable v =
          TrainableVariable.create(
              tf, Kind.REFERENCE, "v", tf.withInitScope().dtypes.cast(tf.constant(1f), type));
      @SuppressWarnings("unchecked") // made with this type
      Operand<T> read = (Operand<T>) v.read(tf);
      Operand<TFloat32> wide = tf.dtypes.cast(read, TFloat32.class);
      FAdam optimizer =
          FAdam.builder(graph).learningRate(1e-4).weightDecay(0).masterWeights(master).build();
      Op train = optimizer.minimize(wide);
      assertEquals(master, optimizer.slot(v.handle(), "master").isPresent());
      assertSame32(optimizer, v);
      try (Session session = new Session(graph)) {
        for (int i = 0; i < 1000; i++) {
          session.runner().addTarget(train).run().close();
        }
        float trained = value(session, wide);
        if (master) {
          Op outside = v.assign(tf, tf.dtypes.cast(tf.constant(5f), type));
          session.runner().addTarget(outside).run().close();
          session.runner().addTarget(train).run().close();
          assertEquals(5f, value(session, wide), 0.05f, "what was assigned from outside counts");
        }
        return trained;
      }
    }
  }

  private static void assertSame32(FAdam optimizer, TrainableVariable variable) {
    assertEquals(TFloat32.class, optimizer.slot(variable.handle(), "f").orElseThrow().type());
  }

  @Test
  void aGradientWithoutStaticShapeIsCheckedInTheRun() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variable<TFloat64> v = tf.withName("v").variable(tf.constant(new double[] {1, 2}));
      Placeholder<TFloat64> gradient = tf.placeholder(TFloat64.class);
      Op step =
          new FAdam(graph, 0.1)
              .applyGradients(List.of(new GradAndVar<>(gradient.asOutput(), v.asOutput())), "step");
      try (Session session = new Session(graph);
          TFloat64 good = TFloat64.vectorOf(1, 1);
          TFloat64 bad = TFloat64.vectorOf(1, 1, 1)) {
        session.runner().feed(gradient, good).addTarget(step).run().close();
        try (Result result = session.runner().fetch(v).run()) {
          assertEquals(0.99, ((TFloat64) result.get(0)).getDouble(0), 1e-3);
        }
        var runner = session.runner().feed(gradient, bad).addTarget(step);
        assertThrows(IllegalArgumentException.class, runner::run);
      }
    }
  }
}
