package io.github.fadam.ops.gradient;

import static io.github.fadam.ops.gradient.OpRows.batchMatmul;
import static io.github.fadam.ops.gradient.OpRows.batchNorm;
import static io.github.fadam.ops.gradient.OpRows.binary;
import static io.github.fadam.ops.gradient.OpRows.concat;
import static io.github.fadam.ops.gradient.OpRows.conv;
import static io.github.fadam.ops.gradient.OpRows.crossEntropy;
import static io.github.fadam.ops.gradient.OpRows.cumsum;
import static io.github.fadam.ops.gradient.OpRows.divides;
import static io.github.fadam.ops.gradient.OpRows.einsum;
import static io.github.fadam.ops.gradient.OpRows.gather;
import static io.github.fadam.ops.gradient.OpRows.join;
import static io.github.fadam.ops.gradient.OpRows.matmul;
import static io.github.fadam.ops.gradient.OpRows.pool;
import static io.github.fadam.ops.gradient.OpRows.pool3;
import static io.github.fadam.ops.gradient.OpRows.positive;
import static io.github.fadam.ops.gradient.OpRows.reduce;
import static io.github.fadam.ops.gradient.OpRows.resize;
import static io.github.fadam.ops.gradient.OpRows.segment;
import static io.github.fadam.ops.gradient.OpRows.select;
import static io.github.fadam.ops.gradient.OpRows.sq;
import static io.github.fadam.ops.gradient.OpRows.transposed;
import static io.github.fadam.ops.gradient.OpRows.unary;
import static io.github.fadam.ops.gradient.OpRows.unsorted;
import static io.github.fadam.ops.gradient.OpRows.with;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * TensorFlow's own C++ gradients against differences of the operation's value, for the operations
 * and attributes of everyday models: a wrong one has to be refused by the check.
 */
class CppGradientsTest {

  private static List<DifferenceQuotient> table() {
    return List.of(
        unary("Abs"),
        unary("Neg"),
        unary("Exp"),
        unary("Expm1"),
        unary("Sin"),
        unary("Cos"),
        unary("Tanh"),
        unary("Sigmoid"),
        unary("Softplus"),
        unary("Softsign"),
        unary("Erf"),
        unary("Atan"),
        unary("Sinh"),
        unary("Cosh"),
        unary("Asinh"),
        unary("Tan"),
        unary("Square"),
        unary("Relu"),
        unary("Relu6"),
        unary("Elu"),
        unary("Selu"),
        unary("LeakyRelu"),
        unary("L2Loss"),
        unary("CheckNumerics", "message", "m"),
        unary("Softmax"),
        positive("Sqrt"),
        positive("Rsqrt"),
        positive("Log"),
        positive("Log1p"),
        positive("Reciprocal"),
        positive("Lgamma"),
        positive("Acos"),
        positive("Asin"),
        positive("Atanh"),
        positive("Ndtri"),
        positive("Erfinv"),
        DifferenceQuotient.of("Acosh", (tf, x) -> Raw.of(tf, "Acosh", x[0].value()))
            .between(1.5, 3, 5),
        unary("LeakyRelu", "alpha", 0.3f),
        DifferenceQuotient.of("LogSoftmax", (tf, x) -> Raw.of(tf, "LogSoftmax", x[0].value()))
            .input(3, 4),
        DifferenceQuotient.of("Softmax rank 3", (tf, x) -> Raw.of(tf, "Softmax", x[0].value()))
            .input(2, 3, 4),
        binary("Add"),
        binary("AddV2"),
        binary("Sub"),
        binary("Mul"),
        binary("Maximum"),
        binary("Minimum"),
        binary("SquaredDifference"),
        divides("Div"),
        divides("RealDiv"),
        divides("DivNoNan"),
        divides("Pow"),
        matmul("MatMul", false, false, new long[] {2, 3}, new long[] {3, 4}),
        matmul("MatMul", true, false, new long[] {3, 2}, new long[] {3, 4}),
        matmul("MatMul", false, true, new long[] {2, 3}, new long[] {4, 3}),
        matmul("MatMul", true, true, new long[] {3, 2}, new long[] {4, 3}),
        batchMatmul("BatchMatMul", false, false, new long[] {2, 2, 3}, new long[] {2, 3, 4}),
        batchMatmul("BatchMatMulV2", false, false, new long[] {2, 2, 3}, new long[] {3, 4}),
        batchMatmul("BatchMatMulV2", true, true, new long[] {1, 3, 2}, new long[] {2, 4, 3}),
        batchMatmul("BatchMatMulV2", true, false, new long[] {2, 3, 2}, new long[] {2, 3, 4}),
        batchMatmul("BatchMatMulV2", false, true, new long[] {2, 2, 3}, new long[] {2, 4, 3}),
        einsum("ij,jk->ik", new long[] {2, 3}, new long[] {3, 4}),
        einsum("abc,cde->abde", new long[] {2, 2, 3}, new long[] {3, 2, 2}),
        einsum("aecd,abcd->acbe", new long[] {1, 3, 2, 2}, new long[] {1, 2, 2, 2}),
        einsum("acbe,aecd->abcd", new long[] {1, 2, 2, 3}, new long[] {1, 3, 2, 2}),
        einsum("...ij,...jk->...ik", new long[] {2, 2, 3}, new long[] {3, 2}),
        conv("Conv2D", "SAME", 1, 1),
        conv("Conv2D", "VALID", 2, 1),
        conv("DepthwiseConv2dNative", "SAME", 1, 1),
        conv("DepthwiseConv2dNative", "VALID", 2, 1),
        transposed("SAME", 2, 1),
        pool("MaxPool", "SAME"),
        pool("MaxPool", "VALID"),
        pool("AvgPool", "SAME"),
        pool("AvgPool", "VALID"),
        pool3("MaxPool3D"),
        pool3("AvgPool3D"),
        DifferenceQuotient.of(
                "MaxPoolV2",
                (tf, x) ->
                    Raw.op(tf, "MaxPoolV2")
                        .attr("padding", "SAME")
                        .in(
                            x[0].value(),
                            tf.constant(new int[] {1, 2, 2, 1}),
                            tf.constant(new int[] {1, 2, 2, 1})))
            .input(1, 4, 4, 2),
        DifferenceQuotient.of(
                "BiasAdd", (tf, x) -> Raw.of(tf, "BiasAdd", x[0].value(), x[1].value()))
            .input(2, 3, 4)
            .input(4),
        DifferenceQuotient.of(
                "BiasAdd NCHW",
                (tf, x) ->
                    Raw.op(tf, "BiasAdd")
                        .attr("data_format", "NCHW")
                        .in(x[0].value(), x[1].value()))
            .input(2, 3, 2, 2)
            .input(3),
        batchNorm(true),
        batchNorm(false),
        reduce("Sum", false, 1),
        reduce("Sum", true, -1, 0),
        reduce("Mean", false, -1),
        reduce("Mean", true, 0, 2),
        reduce("Max", false, 1),
        reduce("Min", true, -1),
        reduce("Prod", false, 1),
        reduce("Prod", true, -1, 0),
        crossEntropy(),
        select("Select", false),
        select("SelectV2", false),
        select("SelectV2", true),
        DifferenceQuotient.of(
                "Select vector condition",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "Select",
                        tf.constant(new boolean[] {true, false}),
                        x[0].value(),
                        x[1].value()))
            .input(2, 3)
            .input(2, 3),
        DifferenceQuotient.of(
                "ClipByValue",
                (tf, x) ->
                    Raw.of(tf, "ClipByValue", x[0].value(), tf.constant(-0.5), tf.constant(0.5)))
            .input(9),
        gather(0, 0),
        gather(1, 0),
        gather(1, 1),
        gather(2, 1),
        DifferenceQuotient.of(
                "GatherNd",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "GatherNd",
                        x[0].value(),
                        tf.constant(new int[][] {{1, 2}, {0, 0}, {1, 2}})))
            .input(2, 3, 2),
        DifferenceQuotient.of(
                "ScatterNd",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "ScatterNd",
                        tf.constant(new int[][] {{1}, {3}, {1}}),
                        x[0].value(),
                        tf.constant(new int[] {4, 2})))
            .input(3, 2),
        join("Pack 0", "Pack", 0),
        join("Pack -1", "Pack", -1),
        concat(0),
        concat(1),
        concat(-1),
        DifferenceQuotient.of("ConcatV2 of 12", OpRows::manyInputs).input(2),
        DifferenceQuotient.of(
                "Split",
                (tf, x) ->
                    Raw.op(tf, "Split")
                        .attr("num_split", 2)
                        .build(tf.constant(1), x[0].value())
                        .output(1))
            .input(2, 4),
        DifferenceQuotient.of(
                "Split -1",
                (tf, x) ->
                    Raw.op(tf, "Split")
                        .attr("num_split", 2)
                        .build(tf.constant(-1), x[0].value())
                        .output(1))
            .input(2, 4),
        DifferenceQuotient.of(
                "SplitV",
                (tf, x) ->
                    Raw.op(tf, "SplitV")
                        .attr("num_split", 2)
                        .build(x[0].value(), tf.constant(new int[] {1, 3}), tf.constant(-1))
                        .output(1))
            .input(2, 4),
        DifferenceQuotient.of(
                "Unpack",
                (tf, x) ->
                    Raw.op(tf, "Unpack")
                        .attr("num", 3)
                        .attr("axis", -1)
                        .build(x[0].value())
                        .output(1))
            .input(2, 3),
        DifferenceQuotient.of(
                "StridedSlice",
                (tf, x) ->
                    Raw.op(tf, "StridedSlice")
                        .attr("begin_mask", 1)
                        .attr("shrink_axis_mask", 2)
                        .in(
                            x[0].value(),
                            tf.constant(new int[] {0, -1, 2}),
                            tf.constant(new int[] {-1, 0, 0}),
                            tf.constant(new int[] {1, 1, -1})))
            .input(3, 2, 4),
        DifferenceQuotient.of(
                "StridedSlice ellipsis",
                (tf, x) ->
                    Raw.op(tf, "StridedSlice")
                        .attr("ellipsis_mask", 1)
                        .attr("new_axis_mask", 2)
                        .in(
                            x[0].value(),
                            tf.constant(new int[] {0, 0, 1}),
                            tf.constant(new int[] {0, 0, 3}),
                            tf.constant(new int[] {1, 1, 1})))
            .input(3, 2, 4),
        with("Slice", 2, 3, new int[][] {{0, 1}, {2, 2}}),
        with("Transpose", 2, 3, new int[][] {{1, 0}}),
        with("Reshape", 2, 3, new int[][] {{3, 2}}),
        with("Tile", 2, 3, new int[][] {{2, 3}}),
        with("ReverseV2", 2, 3, new int[][] {{-1}}),
        with("BroadcastTo", 1, 3, new int[][] {{2, 4, 3}}),
        DifferenceQuotient.of(
                "Pad",
                (tf, x) ->
                    Raw.of(tf, "Pad", x[0].value(), tf.constant(new int[][] {{1, 0}, {2, 1}})))
            .input(2, 3),
        DifferenceQuotient.of(
                "PadV2",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "PadV2",
                        x[0].value(),
                        tf.constant(new int[][] {{1, 0}, {2, 1}}),
                        tf.constant(2.0)))
            .input(2, 3),
        DifferenceQuotient.of(
                "MirrorPad",
                (tf, x) ->
                    Raw.op(tf, "MirrorPad")
                        .attr("mode", "SYMMETRIC")
                        .in(x[0].value(), tf.constant(new int[][] {{1, 0}, {2, 1}})))
            .input(2, 3),
        cumsum(true, false, 1),
        cumsum(false, true, -1),
        DifferenceQuotient.of(
                "Roll", (tf, x) -> Raw.of(tf, "Roll", x[0].value(), tf.constant(1), tf.constant(1)))
            .input(2, 3),
        DifferenceQuotient.of(
                "ExpandDims", (tf, x) -> Raw.of(tf, "ExpandDims", x[0].value(), tf.constant(-1)))
            .input(2, 3),
        unary("Squeeze"),
        DifferenceQuotient.of(
                "Fill", (tf, x) -> Raw.of(tf, "Fill", tf.constant(new int[] {2, 3}), x[0].value()))
            .input(),
        resize("ResizeBilinear", false, true),
        resize("ResizeBilinear", true, false),
        resize("ResizeNearestNeighbor", false, true),
        resize("ResizeBicubic", false, true),
        DifferenceQuotient.of(
                "DepthToSpace",
                (tf, x) -> Raw.op(tf, "DepthToSpace").attr("block_size", 2).in(x[0].value()))
            .input(1, 2, 2, 4),
        DifferenceQuotient.of(
                "SpaceToDepth",
                (tf, x) -> Raw.op(tf, "SpaceToDepth").attr("block_size", 2).in(x[0].value()))
            .input(1, 4, 2, 2),
        DifferenceQuotient.of(
                "SpaceToBatchND",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "SpaceToBatchND",
                        x[0].value(),
                        tf.constant(new int[] {2, 2}),
                        tf.constant(new int[][] {{0, 1}, {1, 0}})))
            .input(1, 3, 3, 1),
        DifferenceQuotient.of(
                "BatchToSpaceND",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "BatchToSpaceND",
                        x[0].value(),
                        tf.constant(new int[] {2, 2}),
                        tf.constant(new int[][] {{0, 1}, {1, 0}})))
            .input(4, 2, 2, 1),
        DifferenceQuotient.of(
                "ReverseSequence",
                (tf, x) ->
                    Raw.op(tf, "ReverseSequence")
                        .attr("seq_dim", 1)
                        .attr("batch_dim", 0)
                        .in(x[0].value(), tf.constant(new int[] {2, 3})))
            .input(2, 4),
        segment("SegmentSum"),
        unsorted("UnsortedSegmentSum"),
        unsorted("UnsortedSegmentMax"),
        unsorted("UnsortedSegmentMin"),
        unary("MatrixDiag"),
        DifferenceQuotient.of("Diag", (tf, x) -> Raw.of(tf, "Diag", x[0].value())).input(3),
        DifferenceQuotient.of("DiagPart", (tf, x) -> Raw.of(tf, "DiagPart", x[0].value()))
            .input(3, 3),
        DifferenceQuotient.of(
                "MatrixBandPart",
                (tf, x) ->
                    Raw.of(tf, "MatrixBandPart", x[0].value(), tf.constant(1), tf.constant(0)))
            .input(3, 3),
        DifferenceQuotient.of(
                "AddN",
                (tf, x) -> Raw.op(tf, "AddN").list(x[0].value(), x[1].value(), x[0].value()).in())
            .input(3)
            .input(3),
        DifferenceQuotient.of(
                "DynamicPartition",
                (tf, x) ->
                    Raw.op(tf, "DynamicPartition")
                        .attr("num_partitions", 2)
                        .build(x[0].value(), tf.constant(new int[] {0, 1, 1}))
                        .output(1))
            .input(3, 2),
        DifferenceQuotient.of(
                "DynamicStitch",
                (tf, x) ->
                    Raw.op(tf, "DynamicStitch")
                        .list(tf.constant(new int[] {0, 2}), tf.constant(new int[] {1, 3}))
                        .list(x[0].value(), x[1].value())
                        .in())
            .input(2, 2)
            .input(2, 2),
        DifferenceQuotient.of(
                "CropAndResize",
                (tf, x) ->
                    Raw.of(
                        tf,
                        "CropAndResize",
                        x[0].value(),
                        tf.constant(new float[][] {{0.1f, 0.2f, 0.7f, 0.8f}}),
                        tf.constant(new int[] {0}),
                        tf.constant(new int[] {2, 2})))
            .input(1, 4, 4, 1)
            .inFloat32(),
        DifferenceQuotient.of("Atan2", (tf, x) -> Raw.of(tf, "Atan2", x[0].value(), x[1].value()))
            .between(0.5, 2, 4, 2)
            .between(0.5, 2, 4, 2),
        DifferenceQuotient.of("LRN", (tf, x) -> Raw.op(tf, "LRN").in(x[0].value()))
            .input(1, 2, 2, 4)
            .inFloat32());
  }

  private static List<DifferenceQuotient> refused() {
    return List.of(
        divides("Atan2"),
        conv("Conv2D", "SAME", 1, 2),
        conv("Conv2D", "VALID", 1, 2),
        DifferenceQuotient.of(
                "Conv2D explicit",
                (tf, x) ->
                    Raw.op(tf, "Conv2D")
                        .attr("strides", sq(1))
                        .attr("padding", "EXPLICIT")
                        .attr("explicit_paddings", new long[] {0, 0, 1, 0, 2, 1, 0, 0})
                        .in(x[0].value(), x[1].value()))
            .input(1, 5, 5, 2)
            .input(2, 2, 2, 3),
        conv("DepthwiseConv2dNative", "SAME", 1, 2),
        conv("DepthwiseConv2dNative", "VALID", 1, 2),
        DifferenceQuotient.of(
                "MaxPool explicit",
                (tf, x) ->
                    Raw.op(tf, "MaxPool")
                        .attr("padding", "EXPLICIT")
                        .attr("explicit_paddings", new long[] {0, 0, 1, 0, 0, 1, 0, 0})
                        .attr("ksize", sq(2))
                        .attr("strides", sq(1))
                        .in(x[0].value()))
            .input(1, 4, 4, 1),
        DifferenceQuotient.of(
                "LRN",
                (tf, x) ->
                    Raw.op(tf, "LRN").attr("depth_radius", 1).attr("alpha", 0.5f).in(x[0].value()))
            .input(1, 2, 2, 4)
            .inFloat32(),
        DifferenceQuotient.of(
                "SoftmaxCrossEntropyWithLogits in float64",
                (tf, x) -> Raw.of(tf, "SoftmaxCrossEntropyWithLogits", x[0].value(), x[1].value()))
            .input(3, 4)
            .between(0, 1, 3, 4),
        DifferenceQuotient.of(
                "SoftmaxCrossEntropyWithLogits broadcast",
                (tf, x) -> Raw.of(tf, "SoftmaxCrossEntropyWithLogits", x[0].value(), x[1].value()))
            .input(3, 4)
            .between(0, 1, 1, 4)
            .inFloat32(),
        DifferenceQuotient.of(
                "LogSoftmax rank 3", (tf, x) -> Raw.of(tf, "LogSoftmax", x[0].value()))
            .input(2, 3, 4),
        DifferenceQuotient.of(
                "LogSoftmax rank 1", (tf, x) -> Raw.of(tf, "LogSoftmax", x[0].value()))
            .input(4),
        gather(-1, 0));
  }

  /** Each is wrong or fails; were it right, refusing it would be a defect of ours. */
  @TestFactory
  Stream<DynamicTest> whatIsWrongIsRefused() {
    return refused().stream().map(row -> DynamicTest.dynamicTest(row.name(), row::verifyRefused));
  }

  @TestFactory
  Stream<DynamicTest> agreesWithDifferences() {
    return table().stream().map(row -> DynamicTest.dynamicTest(row.name(), row::verify));
  }
}
