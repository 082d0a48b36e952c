package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
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
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/**
 * Gradients registered by the library and by users of it, many in one process. Registrations last
 * as long as the process: each test takes types of operations of its own.
 */
class GradientRegistryTest {

  /** Types without any gradient, all of one floating input and output. */
  private static final List<String> USER_TYPES =
      List.of(
          "BesselI0",
          "BesselI0e",
          "BesselI1",
          "BesselI1e",
          "BesselJ0",
          "BesselJ1",
          "BesselK0",
          "BesselK1",
          "BesselY0",
          "BesselY1",
          "Dawsn",
          "Expint",
          "FresnelCos",
          "FresnelSin",
          "Spence");

  /** Of ours, those of one input or of two equal ones that take any shape. */
  private static final List<String> OUR_TYPES =
      List.of(
          "Ceil",
          "Digamma",
          "Erfc",
          "FloorDiv",
          "FloorMod",
          "IsFinite",
          "IsInf",
          "IsNan",
          "MulNoNan",
          "OnesLike",
          "Rint",
          "Round",
          "Snapshot",
          "TruncateDiv",
          "Xdivy",
          "Xlog1py",
          "Xlogy");

  @Test
  @Timeout(120)
  void moreThanThirtyWorkInSeveralGraphsAndThreads() throws Exception {
    Map<String, Float> scales = new TreeMap<>();
    Set<String> called = new ConcurrentSkipListSet<>();
    for (String type : USER_TYPES) {
      float scale = 2 + scales.size();
      scales.put(type, scale);
      GradientRegistry.register(
          type,
          (tf, op, gradients) -> {
            called.add(op.type());
            return List.of(Raw.of(tf, "Mul", gradients.get(0), tf.constant(scale)));
          });
    }
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
    assertEquals(new TreeSet<>(USER_TYPES), called);
    assertTrue(USER_TYPES.size() + OUR_TYPES.size() > 30);
  }

  private static void differentiate(Map<String, Float> scales) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      float expected = 0;
      List<Operand<?>> terms = new ArrayList<>();
      for (Map.Entry<String, Float> type : scales.entrySet()) {
        terms.add(Raw.of(tf, type.getKey(), x.read(tf)));
        expected += type.getValue();
      }
      TrainableVariable y = variable(tf, "y");
      Operand<?> ours = y.read(tf);
      for (String type : OUR_TYPES) {
        boolean isUnary =
            Set.of("Ceil", "Digamma", "Erfc", "OnesLike", "Rint", "Round", "Snapshot")
                .contains(type);
        boolean isTest = type.startsWith("Is");
        Operand<?> input = y.read(tf);
        Output<?> value =
            isUnary || isTest ? Raw.of(tf, type, input) : Raw.of(tf, type, input, input);
        Operand<?> number =
            isTest ? Raw.op(tf, "Cast").attr("DstT", DataType.DT_FLOAT).in(value) : value;
        ours = Raw.of(tf, "AddV2", ours, number);
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
    assertEquals(GradientSource.NONE, GradientRegistry.sourceOf("Cholesky"));
    assertEquals(GradientSource.NONE, GradientRegistry.sourceOf("PartitionedCall"));
    assertEquals(GradientSource.NONE, GradientRegistry.sourceOf("NoSuchOperation"));
    assertTrue(GradientRegistry.registeredOps().contains("IdentityN"));
  }

  @Test
  void aGradientIsRegisteredOnce() {
    OpGradient gradient = (tf, op, gradients) -> List.of(gradients.get(0));
    GradientRegistry.register("Betainc", gradient);
    GradientRegistry.register("Betainc", gradient);
    assertContains("registered here before", "Betainc");
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
        "Polygamma",
        (tf, op, gradients) -> {
          throw thrown;
        });
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> y =
          Raw.of(tf.withName("poly"), "Polygamma", tf.constant(new float[] {1, 1}), x.read(tf));
      Output<?> loss = Raw.of(tf, "Erfc", y);
      GradientFailedException e =
          assertThrows(GradientFailedException.class, () -> Gradients.of(loss, List.of(x)));
      assertSame(thrown, e.getCause());
      assertTrue(e.getMessage().contains("Polygamma"), e.getMessage());
      assertTrue(e.getMessage().contains("'poly'"), e.getMessage());

      GradientResult other = Gradients.of(Raw.of(tf, "Erfc", x.read(tf)), List.of(x));
      assertEquals(2, fetch(session, other.gradients().get(x)).length);
    }
  }

  @Test
  void anAnswerThatIsNoGradientIsNamed() {
    assertFails("Igammac", "null", (tf, op, dy) -> null);
    assertFails("Igamma", "2 operands", (tf, op, dy) -> List.of(dy.get(0)));
    assertFails(
        "Zeta",
        "null at 1",
        (tf, op, dy) -> {
          List<Operand<?>> list = new ArrayList<>();
          list.add(dy.get(0));
          list.add(null);
          return list;
        });
    try (Graph elsewhere = new Graph()) {
      Output<?> foreign = Ops.create(elsewhere).constant(1f).asOutput();
      assertFails("IgammaGradA", "another graph", (tf, op, dy) -> List.of(foreign, foreign));
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
        "NextAfter",
        (tf, op, gradients) -> {
          GradientRegistry.register("Cross", inner);
          return List.of(gradients.get(0), gradients.get(0));
        });
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable x = variable(tf, "x");
      Output<?> loss = Raw.of(tf, "NextAfter", x.read(tf), x.read(tf));
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
      Output<?> loss = Raw.op(tf, "Cumprod").in(x.read(tf), tf.constant(0));
      UnsupportedGradientException e =
          assertThrows(UnsupportedGradientException.class, () -> Gradients.of(loss, List.of(x)));
      assertTrue(e.getMessage().contains("GradientRegistry.register(\"Cumprod\""), e.getMessage());
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
