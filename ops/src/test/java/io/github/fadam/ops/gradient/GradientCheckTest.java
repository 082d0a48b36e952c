package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** What the check refuses, what it says, and what it lets pass. */
class GradientCheckTest {

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);

  @AfterEach
  void close() {
    graph.close();
  }

  private TrainableVariable variable(String name, Kind kind) {
    return TrainableVariable.create(tf, kind, name, tf.constant(new float[] {1, 2, 3}));
  }

  private TrainableVariable variable(String name) {
    return variable(name, Kind.RESOURCE);
  }

  private Operand<?> sum(Operand<?>... terms) {
    return Raw.of(tf, "Sum", Raw.op(tf, "AddN").list(terms).in(), tf.constant(0));
  }

  private Output<?> cast(Operand<?> value, DataType type) {
    return Raw.op(tf, "Cast").attr("DstT", type).in(value);
  }

  private List<Reason> reasons(Operand<?> loss, TrainableVariable... variables) {
    int before = operations();
    UnsupportedGradientException e =
        assertThrows(
            UnsupportedGradientException.class, () -> Gradients.of(loss, List.of(variables)));
    assertEquals(before, operations(), "a refused call must not change the graph");
    e.reasons().forEach(reason -> assertTrue(e.getMessage().contains(reason.remedy())));
    return e.reasons();
  }

  private int operations() {
    List<String> names = new ArrayList<>();
    graph.operations().forEachRemaining(operation -> names.add(operation.name()));
    return names.size();
  }

  private float[] gradient(Operand<?> loss, TrainableVariable variable) {
    GradientResult result = Gradients.of(loss, List.of(variable));
    try (Session session = new Session(graph);
        var values = session.runner().fetch(result.gradients().get(variable)).run()) {
      return StdArrays.array1dCopyOf((TFloat32) values.get(0));
    }
  }

  @Test
  void namesEverythingThatStandsInTheWayAtOnce() {
    TrainableVariable a = variable("a");
    TrainableVariable b = variable("b", Kind.REFERENCE);
    Output<?> cholesky = Raw.of(tf.withName("factor"), "Lu", Raw.of(tf, "MatrixDiag", a.read(tf)));
    Output<?> diagonal = Raw.of(tf, "DiagPart", cholesky);
    Output<?> square = Raw.of(tf.withName("sq"), "Square", b.handle());
    List<Reason> reasons = reasons(sum(diagonal, square), a, b);
    assertEquals(
        List.of("Lu factor", "Square sq"),
        reasons.stream().map(r -> r.opType() + " " + r.opName()).sorted().toList());
    Reason missing = reasons.stream().filter(r -> r.opType().equals("Lu")).findFirst().get();
    assertTrue(missing.problem().contains("no gradient is registered"));
    assertTrue(missing.remedy().contains("GradientRegistry.register(\"Lu\""));
    assertEquals("a", missing.path().get(0));
    assertTrue(missing.path().contains("factor"));
    assertEquals("Sum", missing.path().get(missing.path().size() - 1));
    Reason crash = reasons.stream().filter(r -> r.opType().equals("Square")).findFirst().get();
    assertTrue(crash.remedy().contains("tf.identity(b)"), crash.remedy());
    assertEquals(List.of("b", "sq", "AddN", "Sum"), crash.path());
  }

  @Test
  void obstaclesAreWhatWouldBeRefusedAndWhomItConcerns() {
    TrainableVariable a = variable("a");
    TrainableVariable b = variable("b", Kind.REFERENCE);
    TrainableVariable free = variable("free");
    TrainableVariable apart = variable("apart");
    Output<?> factor = Raw.of(tf.withName("factor"), "Lu", Raw.of(tf, "MatrixDiag", a.read(tf)));
    Output<?> first = Raw.of(tf, "DiagPart", factor);
    Output<?> second = Raw.of(tf, "Mul", Raw.of(tf, "Square", b.handle()), free.read(tf));
    int before = operations();
    GradientObstacles found =
        Gradients.obstacles(List.of(first, second), List.of(a, b, free, apart));
    assertEquals(before, operations(), "looking must not change the graph");
    assertEquals(List.of(a, b, free), found.reached());
    assertEquals(List.of(a, b), List.copyOf(found.blocked().keySet()));
    assertEquals("Lu", found.blocked().get(a).get(0).opType());
    assertEquals(
        List.of("Lu", "Square"), found.reasons().stream().map(Reason::opType).sorted().toList());
    assertEquals(
        types(reasons(sum(first, second), a, b, free)), types(found.reasons()), "what is refused");
    assertEquals(List.of(), Gradients.obstacles(List.of(second), List.of(free)).reasons());
    assertEquals(3, gradient(second, free).length);
  }

  private static List<String> types(List<Reason> reasons) {
    return reasons.stream()
        .map(reason -> reason.opType() + " " + reason.opName())
        .sorted()
        .toList();
  }

  @Test
  void obstaclesNeedSomethingToDifferentiate() {
    TrainableVariable a = variable("a");
    Output<?> whole = cast(a.read(tf), DataType.DT_INT32);
    List<List<? extends Operand<?>>> wrong = List.of(List.of(), List.of(a.read(tf), whole));
    for (List<? extends Operand<?>> losses : wrong) {
      assertThrows(IllegalArgumentException.class, () -> Gradients.obstacles(losses, List.of(a)));
    }
    assertThrows(
        IllegalArgumentException.class, () -> Gradients.obstacles(List.of(a.read(tf)), List.of()));
    try (Graph other = new Graph()) {
      Operand<?> foreign = Ops.create(other).constant(1f);
      assertThrows(
          IllegalArgumentException.class,
          () -> Gradients.obstacles(List.of(a.read(tf), foreign), List.of(a)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Square", "Log1p", "Sign", "Atan"})
  void anIdentityHealsReferenceVariables(String type) {
    TrainableVariable b = variable("b", Kind.REFERENCE);
    assertEquals(type, reasons(sum(Raw.of(tf, type, b.handle())), b).get(0).opType());
    assertEquals(3, gradient(sum(Raw.of(tf, type, b.read(tf))), b).length);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void gradientsAreSummedOverAllReads(Kind kind) {
    TrainableVariable w = variable("w", kind);
    Operand<?> loss = sum(Raw.of(tf, "Mul", w.read(tf), w.read(tf)), w.read(tf));
    assertEquals(List.of(3f, 5f, 7f), list(gradient(loss, w)));
  }

  @Test
  void aLossThatIsNoScalarIsSummed() {
    TrainableVariable w = variable("w");
    assertEquals(List.of(2f, 4f, 6f), list(gradient(Raw.of(tf, "Square", w.read(tf)), w)));
  }

  private static List<Float> list(float[] values) {
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return list;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Shape", "ArgMax", "StopGradient", "Round", "ZerosLike", "IsNan", "Greater"})
  void aVariableBehindWhatStopsGradientsIsUnreached(String type) {
    TrainableVariable behind = variable("behind");
    TrainableVariable direct = variable("direct");
    Operand<?> value = behind.read(tf);
    Output<?> stopped =
        switch (type) {
          case "ArgMax" -> Raw.of(tf, type, value, tf.constant(0));
          case "Greater" -> Raw.of(tf, type, value, tf.constant(0f));
          default -> Raw.of(tf, type, value);
        };
    Operand<?> scaled = Raw.of(tf, "Mul", direct.read(tf), cast(stopped, DataType.DT_FLOAT));
    GradientResult result = Gradients.of(sum(scaled), List.of(behind, direct));
    assertEquals(List.of(behind), result.unreached());
    assertEquals(List.of(direct), List.copyOf(result.gradients().keySet()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Shape", "ArgMax", "Round", "OnesLike", "RandomStandardNormal", "Range"})
  void whatStopsGradientsAddsNothingToAVariableThatIsReachedElsewhere(String type) {
    TrainableVariable w = variable("w");
    Operand<?> value = w.read(tf);
    Output<?> stopped =
        switch (type) {
          case "ArgMax" -> Raw.of(tf, type, value, tf.constant(0));
          case "RandomStandardNormal" ->
              Raw.op(tf, type).attr("dtype", DataType.DT_FLOAT).in(Raw.of(tf, "Shape", value));
          case "Range" ->
              Raw.of(tf, type, tf.constant(0), Raw.of(tf, "Size", value), tf.constant(1));
          default -> Raw.of(tf, type, value);
        };
    Operand<?> loss =
        Raw.of(
            tf,
            "Add",
            sum(value),
            Raw.of(tf, "Mul", cast(stopped, DataType.DT_FLOAT), tf.constant(5f)));
    Operand<?> total =
        Raw.of(tf, "Sum", Raw.of(tf, "Reshape", loss, tf.constant(new int[] {-1})), tf.constant(0));
    float[] gradient = gradient(total, w);
    assertEquals(gradient[0], gradient[1]);
    assertEquals(1f, gradient[0] / Math.max(1, Math.round(gradient[0])), 0f);
  }

  @Test
  void theGradientOfRoundingToIntegersIsRefused() {
    TrainableVariable w = variable("w");
    Output<?> rounded = cast(cast(w.read(tf), DataType.DT_INT32), DataType.DT_FLOAT);
    Reason reason = reasons(sum(w.read(tf), rounded), w).get(0);
    assertEquals("Cast", reason.opType());
    assertTrue(reason.remedy().contains("stopGradient"));
    Output<?> cut =
        cast(cast(Raw.of(tf, "StopGradient", w.read(tf)), DataType.DT_INT32), DataType.DT_FLOAT);
    assertEquals(List.of(1f, 1f, 1f), list(gradient(sum(w.read(tf), cut), w)));
  }

  @Test
  void whatIsNotBetweenVariableAndLossDoesNotMatter() {
    TrainableVariable w = variable("w");
    Raw.of(tf, "Lu", Raw.of(tf, "MatrixDiag", w.read(tf)));
    Output<?> data = Raw.of(tf, "Lu", tf.constant(new float[][] {{2}}));
    Operand<?> loss =
        sum(Raw.of(tf, "Mul", w.read(tf), Raw.of(tf, "Reshape", data, tf.constant(new int[] {1}))));
    assertEquals(List.of(2f, 2f, 2f), list(gradient(loss, w)));
  }

  @Test
  void nothingReachedIsReportedAndNothingIsAdded() {
    TrainableVariable w = variable("w");
    Operand<?> loss = sum(tf.constant(new float[] {1}));
    int before = operations();
    assertEquals(
        new GradientResult(Map.of(), Map.of(), List.of(w)), Gradients.of(loss, List.of(w)));
    assertEquals(before, operations());
  }

  @Test
  void outputsOfOneOperationAreToldApart() {
    TrainableVariable w = variable("w");
    Operand<?> indices = Raw.op(tf, "TopKV2").build(w.read(tf), tf.constant(1)).output(1);
    Operand<?> loss =
        sum(Raw.of(tf, "GatherV2", tf.constant(new float[] {5, 6, 7}), indices, tf.constant(0)));
    assertEquals(List.of(w), Gradients.of(loss, List.of(w)).unreached());
    Operand<?> values = Raw.op(tf, "TopKV2").build(w.read(tf), tf.constant(1)).output(0);
    assertEquals(List.of(0f, 0f, 1f), list(gradient(sum(values), w)));
  }

  @Test
  void functionCallsAndLoopsAreRefused() {
    TrainableVariable w = variable("w");
    Signature.Builder signature = Signature.builder().key("f");
    try (Graph body = new Graph();
        ConcreteFunction function = function(body, signature)) {
      graph.attachFunction(function);
      Output<?> called =
          graph
              .opBuilder("PartitionedCall", "call", tf.scope())
              .addInputList(new Output<?>[] {w.read(tf).asOutput()})
              .setAttr("Tout", new DataType[] {DataType.DT_FLOAT})
              .setAttr("f", function)
              .build()
              .output(0);
      Output<?> entered = Raw.op(tf, "Enter").attr("frame_name", "f").in(w.read(tf));
      Output<?> left = Raw.of(tf, "Exit", entered);
      List<Reason> reasons = reasons(sum(called, left), w);
      assertEquals(
          List.of("Enter", "Exit", "PartitionedCall"),
          reasons.stream().map(Reason::opType).sorted().toList());
      assertTrue(reasons.stream().anyMatch(r -> r.remedy().contains("Inline")));
    }
  }

  private static ConcreteFunction function(Graph body, Signature.Builder signature) {
    Ops tf = Ops.create(body);
    var x = tf.placeholder(TFloat32.class);
    var y = tf.math.square(x);
    return ConcreteFunction.create(signature.input("x", x).output("y", y).build(), body);
  }

  @Test
  void aPythonGradientIsRefusedAndAPlainIdentityPasses() {
    TrainableVariable w = variable("w");
    Output<?> python =
        Raw.op(tf, "IdentityN").list(w.read(tf)).attr("_gradient_op_type", "CustomGradient-7").in();
    Reason reason = reasons(sum(python), w).get(0);
    assertTrue(reason.problem().contains("CustomGradient-7"));
    assertEquals(
        List.of(1f, 1f, 1f), list(gradient(sum(Raw.op(tf, "IdentityN").list(w.read(tf)).in()), w)));
  }

  @Test
  void theAxisOfAGatherIsFoundBehindIdentitiesAndMustBeConstant() {
    TrainableVariable w = variable("w");
    Operand<?> indices = tf.constant(new int[] {0, 0});
    Operand<?> axis = tf.identity(tf.constant(0));
    assertEquals(
        List.of(2f, 0f, 0f),
        list(gradient(sum(Raw.of(tf, "GatherV2", w.read(tf), indices, axis)), w)));
    Operand<?> fed = tf.placeholder(TInt32.class);
    Reason reason = reasons(sum(Raw.of(tf, "GatherV2", w.read(tf), indices, fed)), w).get(0);
    assertTrue(reason.problem().contains("not a constant"));
    Operand<?> value = w.read(tf);
    Operand<?> counted = Raw.of(tf, "FloorMod", tf.constant(-1), Raw.of(tf, "Rank", value));
    assertEquals(
        List.of(2f, 0f, 0f),
        list(gradient(sum(Raw.of(tf, "GatherV2", value, indices, counted)), w)));
    Operand<?> other = tf.rank(tf.constant(new float[2][2]));
    Operand<?> foreign = Raw.of(tf, "FloorMod", tf.constant(0), other);
    assertEquals(1, reasons(sum(Raw.of(tf, "GatherV2", value, indices, foreign)), w).size());
    assertTrue(
        reasons(sum(Raw.of(tf, "GatherV2", w.read(tf), indices, tf.constant(-1))), w)
            .get(0)
            .problem()
            .contains("-1"));
  }

  @Test
  void whatHasNoKernelHereIsRefusedByItsAttributes() {
    TrainableVariable w = variable("w");
    Operand<?> image = Raw.of(tf, "Reshape", w.read(tf), tf.constant(new int[] {1, 1, 3, 1}));
    for (String type : List.of("DepthToSpace", "SpaceToDepth")) {
      Output<?> moved =
          Raw.op(tf, type)
              .attr("block_size", 2)
              .attr("data_format", "NCHW")
              .in(tf.math.mul(tf.placeholder(TFloat32.class), number(image)));
      assertTrue(reasons(moved, w).get(0).remedy().contains("Transpose to NHWC"));
    }
    TrainableVariable matrix =
        TrainableVariable.create(tf, Kind.RESOURCE, "matrix", tf.constant(new float[2][2]));
    Output<?> batched =
        Raw.op(tf, "ResourceGather")
            .attr("dtype", DataType.DT_FLOAT)
            .attr("batch_dims", 1)
            .in(matrix.handle(), tf.placeholder(TInt32.class));
    assertTrue(reasons(batched, matrix).get(0).remedy().contains("Read the variable first"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Mean", "Sum", "ConcatV2", "GatherV2", "StridedSlice"})
  void int64AxesAreRefused(String type) {
    TrainableVariable w = variable("w");
    Operand<?> value = w.read(tf);
    Operand<?> one = tf.constant(new long[] {1});
    Output<?> output =
        switch (type) {
          case "ConcatV2" -> Raw.op(tf, type).list(value, value).in(tf.constant(0L));
          case "StridedSlice" -> Raw.of(tf, type, value, tf.constant(new long[1]), one, one);
          case "GatherV2" -> Raw.of(tf, type, value, one, tf.constant(0L));
          default -> Raw.of(tf, type, value, tf.constant(0L));
        };
    assertTrue(reasons(output, w).get(0).remedy().contains("int32"));
  }

  @SuppressWarnings("unchecked") // built from a float32 variable
  private static Operand<TFloat32> number(Operand<?> value) {
    return (Operand<TFloat32>) value;
  }

  @Test
  void depthAndSharingCostNoStackAndNoExplosion() {
    TrainableVariable w = variable("w");
    Operand<?> value = w.read(tf);
    for (int i = 0; i < 20_000; i++) {
      value = i % 2 == 0 ? Raw.of(tf, "Neg", value) : Raw.op(tf, "AddN").list(value, value).in();
    }
    Output<?> loss = value.asOutput();
    GradientCheck check = GradientCheck.of(loss, List.of(w));
    assertEquals(List.of(w), check.verdict().reached());
    Operand<?> bad = Raw.of(tf, "Lu", Raw.of(tf, "MatrixDiag", loss));
    Reason reason = reasons(bad, w).get(0);
    assertTrue(reason.path().size() > 20_000);
    assertTrue(reason.toString().length() < 1_000, reason.toString());
  }

  @Test
  void unusableArgumentsAreRefused() {
    TrainableVariable w = variable("w");
    Operand<?> loss = sum(w.read(tf));
    assertContains("twice", () -> Gradients.of(loss, List.of(w, w)));
    assertContains("at least one variable", () -> Gradients.of(loss, List.of()));
    assertContains("floating point", () -> Gradients.of(cast(loss, DataType.DT_INT64), List.of(w)));
    try (Graph other = new Graph()) {
      TrainableVariable foreign =
          TrainableVariable.create(
              Ops.create(other), Kind.RESOURCE, "v", Ops.create(other).constant(1f));
      assertContains("of another", () -> Gradients.of(loss, List.of(foreign)));
    }
    assertFalse(Gradients.of(loss, List.of(w)).gradients().isEmpty());
  }

  private static void assertContains(String text, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(text), e.getMessage());
  }
}
