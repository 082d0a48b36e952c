package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Gradients registered by the library and by users of it, many in one process. Registrations last
 * as long as the process: each test takes types of operations of its own.
 */
class GradientRegistryTest {

  /** Types without any gradient, of as many floating inputs as the number says. */
  private static final Map<String, Integer> USER_TYPES =
      Map.of(
          "Copy", 1,
          "CopyHost", 1,
          "DebugIdentity", 1,
          "DeepCopy", 1,
          "IgammaGradA", 2);

  /** Of ours, those of one input that take any shape. */
  private static final List<String> OUR_TYPES =
      List.of(
          "BesselI0",
          "BesselI0e",
          "BesselI1",
          "BesselI1e",
          "BesselJ0",
          "BesselJ1",
          "BesselK0",
          "BesselK0e",
          "BesselK1",
          "BesselK1e",
          "BesselY0",
          "BesselY1",
          "Ceil",
          "Dawsn",
          "Digamma",
          "Erfc",
          "Expint",
          "FresnelCos",
          "FresnelSin",
          "OnesLike",
          "Rint",
          "Round",
          "Snapshot",
          "Spence");

  /** Of ours, those of two inputs that take any shape. */
  private static final List<String> OUR_BINARY_TYPES =
      List.of(
          "FloorDiv",
          "FloorMod",
          "Igamma",
          "Igammac",
          "MulNoNan",
          "NextAfter",
          "TruncateDiv",
          "Xdivy",
          "Xlog1py",
          "Xlogy");

  @Test
  @Timeout(120)
  void moreThanThirtyWorkInSeveralGraphsAndThreads() throws Exception {
    Map<String, Float> scales = new TreeMap<>();
    Set<String> called = new ConcurrentSkipListSet<>();
    USER_TYPES.forEach(
        (type, inputs) -> {
          float scale = 2 + scales.size();
          scales.put(type, scale);
          GradientRegistry.register(
              type,
              (tf, op, gradients) -> {
                called.add(op.type());
                return Collections.nCopies(
                    inputs, Raw.of(tf, "Mul", gradients.get(0), tf.constant(scale)));
              });
        });
    assertTrue(GradientRegistry.registeredOps().containsAll(scales.keySet()));

    List<Callable<Void>> jobs = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      jobs.add(
          () -> {
            differentiate(scales);
            return null;
          });
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (Future<Void> job : threads.invokeAll(jobs)) {
        job.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(USER_TYPES.keySet(), called);
    assertTrue(USER_TYPES.size() + OUR_TYPES.size() + OUR_BINARY_TYPES.size() > 30);
  }

  private static void differentiate(Map<String, Float> scales) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      float expected = 0;
      List<Operand<?>> terms = new ArrayList<>();
      for (Map.Entry<String, Float> type : scales.entrySet()) {
        int inputs = USER_TYPES.get(type.getKey());
        Raw raw = Raw.op(tf, type.getKey());
        for (int i = 0; i < inputs; i++) {
          raw.and(x.read(tf));
        }
        terms.add(raw.in());
        expected += inputs * type.getValue();
      }
      TrainableVariable y = variable(tf, "y");
      Operand<?> ours = y.read(tf);
      for (String type : OUR_TYPES) {
        ours = Raw.of(tf, "AddV2", ours, Raw.of(tf, type, y.read(tf)));
      }
      for (String type : OUR_BINARY_TYPES) {
        ours = Raw.of(tf, "AddV2", ours, Raw.of(tf, type, y.read(tf), y.read(tf)));
      }
      terms.add(ours);
      GradientResult result =
          Gradients.of(
              Raw.op(tf, "AddN").list(terms.toArray(new Operand<?>[0])).in(), List.of(x, y));
      assertArrayEquals(
          new float[] {expected, expected}, fetch(session, result.gradients().get(x)), 1e-4f);
      assertTrue(Float.isFinite(fetch(session, result.gradients().get(y))[0]));
    }
  }

  @Test
  void theSourceOfEveryGradientIsKnown() {
    assertEquals(GradientSource.CPP, GradientRegistry.sourceOf("MatMul"));
    assertEquals(GradientSource.OURS, GradientRegistry.sourceOf("ResourceGather"));
    assertEquals(GradientSource.ZERO, GradientRegistry.sourceOf("ArgMax"));
    assertEquals(GradientSource.ZERO, GradientRegistry.sourceOf("Shape"));
    assertEquals(GradientSource.NONE, GradientRegistry.sourceOf("Eig"));
    assertEquals(GradientSource.REWRITTEN, GradientRegistry.sourceOf("PartitionedCall"));
    assertEquals(GradientSource.NONE, GradientRegistry.sourceOf("NoSuchOperation"));
    assertTrue(GradientRegistry.registeredOps().contains("IdentityN"));
  }

  @Test
  void aGradientIsRegisteredOnce() {
    OpGradient gradient = (tf, op, gradients) -> List.of(gradients.get(0));
    GradientRegistry.register("RiscSub", gradient);
    GradientRegistry.register("RiscSub", gradient);
    assertContains("registered here before", "RiscSub");
    assertContains("from TensorFlow", "MatMul");
    assertContains("registered here before", "ResourceGather");
    IllegalArgumentException unknown =
        assertThrows(
            IllegalArgumentException.class, () -> GradientRegistry.register("NoSuchOp", gradient));
    assertTrue(unknown.getMessage().contains("NoSuchOp"));
  }

  private static void assertContains(String text, String type) {
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class,
            () -> GradientRegistry.register(type, (tf, op, gradients) -> List.of()));
    assertTrue(e.getMessage().contains(text), e.getMessage());
  }

  @Test
  void anExceptionOfAGradientComesBackWithTheOperationAndTheGraphStaysUsable() {
    RuntimeException thrown = new UnsupportedOperationException("not today");
    GradientRegistry.register(
        "RandomGammaGrad",
        (tf, op, gradients) -> {
          throw thrown;
        });
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> y =
          Raw.of(
              tf.withName("poly"), "RandomGammaGrad", tf.constant(new float[] {1, 1}), x.read(tf));
      Output<?> loss = Raw.of(tf, "Erfc", y);
      GradientFailedException e =
          assertThrows(GradientFailedException.class, () -> Gradients.of(loss, List.of(x)));
      assertSame(thrown, e.getCause());
      assertTrue(e.getMessage().contains("RandomGammaGrad"), e.getMessage());
      assertTrue(e.getMessage().contains("'poly'"), e.getMessage());

      GradientResult other = Gradients.of(Raw.of(tf, "Erfc", x.read(tf)), List.of(x));
      assertEquals(2, fetch(session, other.gradients().get(x)).length);
    }
  }

  @Test
  void anAnswerThatIsNoGradientIsNamed() {
    assertFails("RiscAdd", "null", (tf, op, dy) -> null);
    assertFails("RiscMul", "2 operands", (tf, op, dy) -> List.of(dy.get(0)));
    assertFails(
        "RiscDiv",
        "null at 1",
        (tf, op, dy) -> {
          List<Operand<?>> list = new ArrayList<>();
          list.add(dy.get(0));
          list.add(null);
          return list;
        });
    try (Graph elsewhere = new Graph()) {
      Output<?> foreign = Ops.create(elsewhere).constant(1f).asOutput();
      assertFails("RiscRem", "another graph", (tf, op, dy) -> List.of(foreign, foreign));
    }
  }

  private static void assertFails(String type, String text, OpGradient gradient) {
    GradientRegistry.register(type, gradient);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> loss = Raw.of(tf, type, tf.constant(new float[] {1, 1}), x.read(tf));
      GradientFailedException e =
          assertThrows(GradientFailedException.class, () -> Gradients.of(loss, List.of(x)));
      assertTrue(e.getMessage().contains(text), e.getMessage());
    }
  }

  @Test
  @Timeout(60)
  void registeringFromWithinAGradientIsRefused() {
    OpGradient inner = (tf, op, gradients) -> List.of(gradients.get(0));
    GradientRegistry.register(
        "RiscMax",
        (tf, op, gradients) -> {
          GradientRegistry.register("RiscMin", inner);
          return List.of(gradients.get(0), gradients.get(0));
        });
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> loss = Raw.of(tf, "RiscMax", x.read(tf), x.read(tf));
      GradientFailedException e =
          assertThrows(GradientFailedException.class, () -> Gradients.of(loss, List.of(x)));
      assertTrue(e.getCause().getMessage().contains("within a gradient"), e.getMessage());
    }
  }

  @Test
  void refusalsNameTheOperationWhoseGradientAUserMayRegister() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> loss = Raw.of(tf, "RiscNeg", x.read(tf));
      UnsupportedGradientException e =
          assertThrows(UnsupportedGradientException.class, () -> Gradients.of(loss, List.of(x)));
      assertTrue(e.getMessage().contains("GradientRegistry.register(\"RiscNeg\""), e.getMessage());
    }
  }

  private static TrainableVariable variable(Ops tf, String name) {
    return TrainableVariable.create(
        tf, TrainableVariable.Kind.RESOURCE, name, tf.constant(new float[] {0.4f, 0.7f}));
  }

  private static float[] fetch(Session session, Operand<?> operand) {
    try (var result = session.runner().fetch(operand).run()) {
      return StdArrays.array1dCopyOf((TFloat32) result.get(0));
    }
  }
}
