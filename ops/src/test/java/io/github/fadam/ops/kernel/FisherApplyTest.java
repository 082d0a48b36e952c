package io.github.fadam.ops.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/** Wrong inputs of the native operations are errors, and thousands of steps take no memory. */
class FisherApplyTest {

  private static final int STEPS = Boolean.getBoolean("fadam.full") ? 10_000 : 200;
  private static final FisherApply APPLY =
      new FisherApply(0.9, 0.999, new Epsilon.Fixed(1e-15), 0.5, false);

  @BeforeAll
  static void needsTheLibrary() {
    assumeTrue(NativeOps.missing().isEmpty(), () -> NativeOps.missing().orElseThrow());
  }

  private static TrainableVariable variable(Ops tf, Kind kind, Shape shape, float value) {
    Ops init = tf.withInitScope();
    return TrainableVariable.create(
        tf, kind, "variable", init.fill(init.constant(shape.asArray()), init.constant(value)));
  }

  private static FisherApply.Scalars scalars(Ops tf, Operand<TInt64> step) {
    return new FisherApply.Scalars(
        tf.constant(0.01), tf.constant(0.1), tf.constant(1.0), step, tf.constant(true), 0);
  }

  private static FisherApply.Parameter parameter(
      TrainableVariable variable,
      TrainableVariable fisher,
      TrainableVariable momentum,
      Operand<?> gradient) {
    return new FisherApply.Parameter(
        variable,
        List.of(fisher),
        Optional.of(momentum),
        Optional.empty(),
        Optional.empty(),
        gradient,
        Optional.empty());
  }

  @Test
  void refusesWhatDoesNotFitBeforeItAddsAnything() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable theta = variable(tf, Kind.RESOURCE, Shape.of(2, 3), 1);
      TrainableVariable slot = variable(tf, Kind.RESOURCE, Shape.of(2, 3), 0);
      TrainableVariable other = variable(tf, Kind.RESOURCE, Shape.of(3, 2), 0);
      TrainableVariable reference = variable(tf, Kind.REFERENCE, Shape.of(2, 3), 0);
      Operand<TFloat32> g = tf.zeros(tf.constant(new long[] {2, 3}), TFloat32.class);
      Operand<TFloat32> wrong = tf.zeros(tf.constant(new long[] {6}), TFloat32.class);
      assertRefused("f of", () -> parameter(theta, other, slot, g));
      assertRefused("momentum of", () -> parameter(theta, slot, other, g));
      assertRefused("momentum of", () -> parameter(theta, slot, reference, g));
      assertRefused("gradient of", () -> parameter(theta, slot, slot, wrong));
      assertRefused("gradient of", () -> parameter(theta, slot, slot, tf.constant(1L)));
      assertRefused("found none", () -> APPLY.add(tf, List.of(), scalars(tf, tf.constant(1L))));
      FisherApply.Parameter twice = parameter(theta, slot, slot, g);
      assertRefused("twice", () -> APPLY.add(tf, List.of(twice), scalars(tf, tf.constant(1L))));
      TrainableVariable fisher = variable(tf, Kind.RESOURCE, Shape.of(2, 3), 0);
      FisherApply.Parameter good = parameter(theta, fisher, slot, g);
      assertRefused(
          "twice", () -> APPLY.add(tf, List.of(good, good), scalars(tf, tf.constant(1L))));
      FisherApply.Parameter alone =
          new FisherApply.Parameter(
              theta,
              List.of(slot),
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              g,
              Optional.empty());
      assertRefused(
          "same state", () -> APPLY.add(tf, List.of(good, alone), scalars(tf, tf.constant(1L))));
    }
  }

  private static void assertRefused(String part, org.junit.jupiter.api.function.Executable call) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(part), message);
  }

  /** Past the checks of Java, as a graph that was read from a file would be. */
  @ParameterizedTest
  @CsvSource({
    "gradient, another shape",
    "momentum, another shape",
    "f, another shape",
    "uninitialized, Invalid variable reference",
    "type, another type",
    "step, step of 1 or more"
  })
  void kernelRefusesWhatTheGraphDoesNotShow(String wrong, String expected) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Shape shape = Shape.of(5);
      Shape other = Shape.of(7);
      TrainableVariable theta = variable(tf, Kind.RESOURCE, shape, 1);
      TrainableVariable f = variable(tf, Kind.RESOURCE, wrong.equals("f") ? other : shape, 1);
      TrainableVariable m =
          variable(tf, Kind.RESOURCE, wrong.equals("momentum") ? other : shape, 0);
      Output<?> handle = theta.handle();
      if (wrong.equals("uninitialized")) {
        handle =
            graph
                .opBuilder("VarHandleOp", "nothing", tf.scope())
                .setAttr("dtype", DataType.DT_FLOAT)
                .setAttr("shape", shape)
                .setAttr("shared_name", "nothing")
                .build()
                .output(0);
      }
      Operand<TFloat32> g =
          tf.fill(tf.constant(new long[] {wrong.equals("gradient") ? 7 : 5}), tf.constant(0.5f));
      DataType type = wrong.equals("type") ? DataType.DT_HALF : DataType.DT_FLOAT;
      Operation built =
          raw(
              tf,
              type,
              tf.constant(wrong.equals("step") ? 0L : 1L),
              tf.constant(0.01),
              List.of(handle, f.handle(), m.handle(), g.asOutput()));
      try (Session session = new Session(graph)) {
        String message =
            assertThrows(
                    RuntimeException.class, () -> session.runner().addTarget(built).run().close())
                .getMessage();
        assertTrue(message.contains(expected), message);
      }
    }
  }

  @Test
  void shapeFunctionRefusesWhatIsNoScalar() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable theta = variable(tf, Kind.RESOURCE, Shape.of(5), 1);
      Operand<TFloat32> g = tf.zeros(tf.constant(new long[] {5}), TFloat32.class);
      List<Output<?>> inputs =
          List.of(theta.handle(), theta.handle(), theta.handle(), g.asOutput());
      RuntimeException found =
          assertThrows(
              RuntimeException.class,
              () ->
                  raw(
                      tf,
                      DataType.DT_FLOAT,
                      tf.constant(1L),
                      tf.constant(new double[] {0.1, 0.2}),
                      inputs));
      assertTrue(found.getMessage().contains("rank 0"), found.getMessage());
    }
  }

  private static Operation raw(
      Ops tf, DataType type, Operand<TInt64> step, Operand<?> rate, List<Output<?>> inputs) {
    Scope scope = tf.scope();
    var builder =
        scope.env().opBuilder("FisherApplyFAdam", scope.makeOpName("FisherApplyFAdam"), scope);
    builder.addInput(rate.asOutput());
    for (double scalar : new double[] {0.1, 1, 0.9, 0.999, 1e-15, 0.5, 0}) {
      builder.addInput(tf.constant(scalar).asOutput());
    }
    builder.addInput(step.asOutput()).addInput(tf.constant(true).asOutput());
    builder.addInputList(new Output<?>[] {inputs.get(0)});
    builder.addInputList(new Output<?>[] {inputs.get(1)});
    builder.addInputList(new Output<?>[] {inputs.get(2)});
    builder.addInputList(new Output<?>[0]);
    builder.addInputList(new Output<?>[0]);
    builder.addInputList(new Output<?>[] {inputs.get(3)});
    builder.addInputList(new Output<?>[0]);
    return builder
        .setAttr("N", 1)
        .setAttr("momentums", 1)
        .setAttr("masters", 0)
        .setAttr("averages", 0)
        .setAttr("squares", 0)
        .setAttr("T", type)
        .setAttr("G", DataType.DT_FLOAT)
        .setAttr("C", DataType.DT_FLOAT)
        .setAttr("M", DataType.DT_FLOAT)
        .build();
  }

  /**
   * Reads run at the same time as steps, so that some steps find the variable's buffer shared and
   * the kernel has to copy it: a copy that leaked would take 4 MB.
   */
  @ParameterizedTest
  @EnumSource
  void manyStepsBesideReadsTakeNoMemory(Kind kind) throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Shape shape = Shape.of(1024, 1024);
      TrainableVariable theta = variable(tf, kind, shape, 1);
      Operand<TFloat32> g = tf.fill(tf.constant(shape.asArray()), tf.constant(0.5f));
      Op step =
          APPLY.add(
              tf,
              List.of(
                  parameter(theta, variable(tf, kind, shape, 1), variable(tf, kind, shape, 0), g)),
              scalars(tf, tf.constant(2L)));
      Operand<?> read = theta.read(tf);
      try (Session session = new Session(graph)) {
        long before = 0;
        for (int i = 0; i < 30 + STEPS; i++) {
          if (i == 30) {
            before = resident();
          }
          try (Result held = session.runner().fetch(read).addTarget(step).run()) {
            if (kind == Kind.RESOURCE) {
              // What was read stays as it was while the next step changes the variable.
              TFloat32 value = (TFloat32) held.get(0);
              float first = value.getFloat(0, 0);
              session.runner().addTarget(step).run().close();
              assertEquals(first, value.getFloat(0, 0));
              try (Result next = session.runner().fetch(read).run()) {
                assertNotEquals(first, ((TFloat32) next.get(0)).getFloat(0, 0));
              }
            }
          }
        }
        long grown = resident() - before;
        assertTrue(grown < 200_000_000, () -> "grew by " + grown + " bytes");
      }
    }
  }

  private static long resident() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElseThrow();
  }
}
