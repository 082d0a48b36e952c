package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/** Every gradient of the library against differences of the operation's value. */
class BuiltInGradientsTest {

  private static final long[] ONES_5 = {1, 1, 1, 1, 1};

  /** Operations without a kernel for the CPU. */
  private static final Set<String> NOT_RUNNABLE = Set.of("CTCLossV2");

  private static List<DifferenceQuotient> table() {
    return List.of(
        // elements
        binary("Xlogy").input(3, 2).between(0.5, 2, 3, 2),
        binary("Xlogy").input(3, 1, 2).between(0.5, 2, 4, 1),
        binary("Xdivy").input(2, 3).between(0.5, 2, 3),
        binary("Xdivy").input(3).between(0.5, 2, 2, 3),
        binary("Xlog1py").input(4, 1).between(-0.5, 2, 4, 2),
        binary("MulNoNan").input(2, 3).between(0.5, 2, 3),
        binary("FloorMod").between(5.1, 5.9, 2, 2).between(1.6, 1.69, 2),
        unary("Erfc").between(-2, 2, 7),
        unary("Digamma").between(0.5, 4, 7),
        // places
        DifferenceQuotient.of("Gather", (tf, x) -> Raw.of(tf, "Gather", x[0].value(), rows(tf)))
            .input(5, 2),
        DifferenceQuotient.of("ResourceGather", BuiltInGradientsTest::resourceGather).input(5, 2),
        DifferenceQuotient.of("ResourceGather of a vector", BuiltInGradientsTest::resourceGather)
            .input(5),
        DifferenceQuotient.of("ResourceGather and a read", BuiltInGradientsTest::tied).input(5, 2),
        DifferenceQuotient.of("ResourceGatherNd", BuiltInGradientsTest::resourceGatherNd)
            .input(3, 4, 2),
        scatter("TensorScatterAdd"),
        scatter("TensorScatterSub"),
        scatter("TensorScatterUpdate"),
        DifferenceQuotient.of(
                "TopKV2", (tf, x) -> Raw.of(tf, "TopKV2", x[0].value(), tf.constant(2)))
            .input(2, 3, 5),
        DifferenceQuotient.of(
                "TopKV2 of a vector", (tf, x) -> Raw.of(tf, "TopKV2", x[0].value(), tf.constant(3)))
            .input(6),
        // layers
        conv3d("SAME", new long[] {1, 2, 1, 1, 1}, ONES_5),
        conv3d("VALID", ONES_5, new long[] {1, 1, 1, 1, 1}),
        batchNorm("FusedBatchNorm", true),
        batchNorm("FusedBatchNorm", false),
        batchNorm("FusedBatchNormV2", true),
        batchNorm("FusedBatchNormV2", false),
        DifferenceQuotient.of(
                "MaxPoolWithArgmax",
                (tf, x) ->
                    Raw.op(tf, "MaxPoolWithArgmax")
                        .attr("ksize", new long[] {1, 2, 2, 1})
                        .attr("strides", new long[] {1, 2, 1, 1})
                        .attr("padding", "SAME")
                        .in(x[0].value()))
            .input(2, 4, 3, 2),
        binary("BiasAddV1").input(2, 3, 4).input(4),
        // reductions
        norm(false, 1),
        norm(true, -1, 0),
        DifferenceQuotient.of("SparseSoftmaxCrossEntropyWithLogits", BuiltInGradientsTest::sparse)
            .input(4, 3),
        DifferenceQuotient.of(
                "SparseSoftmaxCrossEntropyWithLogits, its second output",
                (tf, x) -> crossEntropy(tf, x[0].value()).build().output(1))
            .input(4, 3),
        // diagonals
        matrixDiag("RIGHT_LEFT"),
        matrixDiag("LEFT_RIGHT"),
        DifferenceQuotient.of(
                "MatrixDiagPartV3",
                (tf, x) -> Raw.of(tf, "MatrixDiagPartV3", x[0].value(), band(tf), zero(tf)))
            .input(2, 3, 4),
        DifferenceQuotient.of(
                "MatrixSetDiagV3",
                (tf, x) -> Raw.of(tf, "MatrixSetDiagV3", x[0].value(), x[1].value(), band(tf)))
            .input(2, 3, 4)
            .input(2, 2, 3),
        // pass through
        unary("Snapshot").input(3),
        DifferenceQuotient.of(
                "EnsureShape",
                (tf, x) ->
                    Raw.op(tf, "EnsureShape").attr("shape", Shape.of(2, -1)).in(x[0].value()))
            .input(2, 2),
        DifferenceQuotient.of(
                "PlaceholderWithDefault",
                (tf, x) ->
                    Raw.op(tf, "PlaceholderWithDefault")
                        .attr("shape", Shape.of(2))
                        .in(x[0].value()))
            .input(2),
        DifferenceQuotient.of(
                "PreventGradient",
                (tf, x) -> Raw.op(tf, "PreventGradient").attr("message", "none").in(x[0].value()))
            .input(2),
        DifferenceQuotient.of("IdentityN", BuiltInGradientsTest::identityN).input(3).input(3));
  }

  @TestFactory
  Stream<DynamicTest> agreesWithDifferences() {
    return table().stream().map(row -> DynamicTest.dynamicTest(row.name(), row::verify));
  }

  /** Their gradient is that of clipping, not of the steps that differences would see. */
  @TestFactory
  Stream<DynamicTest> quantisationPassesInsideItsRange() {
    return Stream.of(
            "FakeQuantWithMinMaxArgs",
            "FakeQuantWithMinMaxVars",
            "FakeQuantWithMinMaxVarsPerChannel")
        .map(type -> DynamicTest.dynamicTest(type, () -> quantisation(type)));
  }

  private static void quantisation(String type) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      var x = variable(tf, "x", new float[] {-9, -1, 0.5f, 9});
      var low = variable(tf, "low", new float[] {-6, -6, -6, -6});
      var high = variable(tf, "high", new float[] {6, 6, 6, 6});
      Operand<?> value = x.read(tf);
      Operand<?> quantised =
          switch (type) {
            case "FakeQuantWithMinMaxArgs" -> Raw.of(tf, type, value);
            case "FakeQuantWithMinMaxVars" ->
                Raw.of(tf, type, value, tf.constant(-6f), tf.constant(6f));
            default -> Raw.of(tf, type, value, low.read(tf), high.read(tf));
          };
      boolean perChannel = type.endsWith("PerChannel");
      var variables = perChannel ? List.of(x, low, high) : List.of(x);
      GradientResult result = Gradients.of(quantised, variables);
      assertArrayEquals(new float[] {0, 1, 1, 0}, fetch(session, result.gradients().get(x)));
      if (perChannel) {
        assertArrayEquals(new float[] {1, 0, 0, 0}, fetch(session, result.gradients().get(low)));
        assertArrayEquals(new float[] {0, 0, 0, 1}, fetch(session, result.gradients().get(high)));
      }
    }
  }

  /** Where the formula divides by zero or multiplies what is not finite, the gradient is 0. */
  @Test
  void limitsAreFinite() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      var zero = variable(tf, "zero", new float[] {0, 0});
      var infinite = variable(tf, "infinite", new float[] {Float.POSITIVE_INFINITY, Float.NaN});
      Operand<?> z = zero.read(tf);
      Operand<?> loss =
          Raw.op(tf, "AddN")
              .list(
                  Raw.of(tf, "Xlogy", z, z),
                  Raw.of(tf, "Xdivy", z, z),
                  Raw.of(tf, "EuclideanNorm", z, tf.constant(new int[0])),
                  Raw.of(tf, "MulNoNan", infinite.read(tf), tf.constant(new float[] {0, 0})))
              .in();
      GradientResult result = Gradients.of(loss, List.of(zero, infinite));
      assertArrayEquals(new float[] {0, 0}, fetch(session, result.gradients().get(zero)));
      assertArrayEquals(new float[] {0, 0}, fetch(session, result.gradients().get(infinite)));
    }
  }

  @Test
  void everyGradientHasARow() {
    Set<String> tested = new TreeSet<>(ZeroGradients.TYPES);
    tested.addAll(
        Set.of(
            "FakeQuantWithMinMaxArgs",
            "FakeQuantWithMinMaxVars",
            "FakeQuantWithMinMaxVarsPerChannel"));
    table().forEach(row -> tested.add(row.name().replaceAll("[ ,].*", "")));
    GoldenRow.all().forEach(row -> tested.addAll(row.types()));
    tested.retainAll(BuiltInGradients.ALL.keySet());
    Set<String> untested = new TreeSet<>(BuiltInGradients.ALL.keySet());
    untested.removeAll(tested);
    assertEquals(NOT_RUNNABLE, untested);
  }

  private static TrainableVariable variable(Ops tf, String name, float[] values) {
    return TrainableVariable.create(tf, TrainableVariable.Kind.RESOURCE, name, tf.constant(values));
  }

  private static float[] fetch(Session session, Operand<?> operand) {
    try (var result = session.runner().fetch(operand).run()) {
      return StdArrays.array1dCopyOf((TFloat32) result.get(0));
    }
  }

  private static Operand<?> rows(Ops tf) {
    return tf.constant(new int[][] {{4, 0}, {2, 4}, {0, 4}});
  }

  private static Operand<?> resourceGather(Ops tf, DifferenceQuotient.Input[] x) {
    return Raw.op(tf, "ResourceGather")
        .attr("dtype", DataType.DT_DOUBLE)
        .in(x[0].variable().handle(), rows(tf));
  }

  /** Tied weights: the gradients of both uses are summed. */
  private static Operand<?> tied(Ops tf, DifferenceQuotient.Input[] x) {
    Operand<?> flat = Raw.of(tf, "Reshape", resourceGather(tf, x), tf.constant(new int[] {-1, 2}));
    return Raw.op(tf, "MatMul").attr("transpose_b", true).in(flat, x[0].value());
  }

  private static Operand<?> resourceGatherNd(Ops tf, DifferenceQuotient.Input[] x) {
    Operand<?> indices = tf.constant(new int[][] {{2, 3}, {0, 0}, {2, 3}});
    return Raw.op(tf, "ResourceGatherNd")
        .attr("dtype", DataType.DT_DOUBLE)
        .in(x[0].variable().handle(), indices);
  }

  private static DifferenceQuotient scatter(String type) {
    return DifferenceQuotient.of(
            type,
            (tf, x) ->
                Raw.of(tf, type, x[0].value(), tf.constant(new int[][] {{3}, {1}}), x[1].value()))
        .input(4, 2)
        .input(2, 2);
  }

  private static DifferenceQuotient conv3d(String padding, long[] strides, long[] dilations) {
    return DifferenceQuotient.of(
            "Conv3D " + padding,
            (tf, x) ->
                Raw.op(tf, "Conv3D")
                    .attr("padding", padding)
                    .attr("strides", strides)
                    .attr("dilations", dilations)
                    .in(x[0].value(), x[1].value()))
        .input(1, 3, 3, 3, 2)
        .input(2, 2, 1, 2, 2);
  }

  private static DifferenceQuotient batchNorm(String type, boolean training) {
    return DifferenceQuotient.of(
            type + (training ? " in training" : " in inference"),
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("is_training", training)
                    .attr("epsilon", 1e-2f)
                    .in(
                        x[0].value(),
                        x[1].value(),
                        x[2].value(),
                        training ? empty(tf) : x[3].value(),
                        training ? empty(tf) : x[4].value()))
        .input(2, 2, 3, 2)
        .between(0.5, 1.5, 2)
        .input(2)
        .input(2)
        .between(0.5, 1.5, 2)
        .unreached(3, 4)
        .inFloat32();
  }

  private static Operand<?> empty(Ops tf) {
    return tf.constant(new float[0]);
  }

  private static DifferenceQuotient norm(boolean keep, int... axes) {
    return DifferenceQuotient.of(
            "EuclideanNorm " + (keep ? "keeping dimensions" : "dropping dimensions"),
            (tf, x) ->
                Raw.op(tf, "EuclideanNorm")
                    .attr("keep_dims", keep)
                    .in(x[0].value(), tf.constant(axes)))
        .input(2, 3, 2);
  }

  private static Operand<?> sparse(Ops tf, DifferenceQuotient.Input[] x) {
    return crossEntropy(tf, x[0].value()).in();
  }

  private static Raw crossEntropy(Ops tf, Operand<?> logits) {
    Raw raw = Raw.op(tf, "SparseSoftmaxCrossEntropyWithLogits");
    return raw.and(logits).and(tf.constant(new int[] {2, 0, 1, 1}));
  }

  private static DifferenceQuotient matrixDiag(String align) {
    return DifferenceQuotient.of(
            "MatrixDiagV3 " + align,
            (tf, x) ->
                Raw.op(tf, "MatrixDiagV3")
                    .attr("align", align)
                    .in(x[0].value(), band(tf), tf.constant(-1), tf.constant(-1), zero(tf)))
        .input(2, 2, 3);
  }

  private static Operand<?> band(Ops tf) {
    return tf.constant(new int[] {0, 1});
  }

  private static Operand<?> zero(Ops tf) {
    return tf.constant(0.0);
  }

  private static Operand<?> identityN(Ops tf, DifferenceQuotient.Input[] x) {
    var both = Raw.op(tf, "IdentityN").list(x[0].value(), x[1].value()).build();
    return Raw.of(tf, "Mul", both.output(0), Raw.of(tf, "Square", both.output(1)));
  }

  private static DifferenceQuotient unary(String type) {
    return DifferenceQuotient.of(type, (tf, x) -> Raw.of(tf, type, x[0].value()));
  }

  private static DifferenceQuotient binary(String type) {
    return DifferenceQuotient.of(type, (tf, x) -> Raw.of(tf, type, x[0].value(), x[1].value()));
  }
}
