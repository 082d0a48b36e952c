package io.github.fadam.ops.gradient;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;

/** Rows for the table of {@link CppGradientsTest}: families of operations that are built alike. */
final class OpRows {

  private OpRows() {}

  static DifferenceQuotient unary(String type, Object... attribute) {
    return DifferenceQuotient.of(
            type + Arrays.toString(attribute),
            (tf, x) -> {
              Raw raw = Raw.op(tf, type);
              if (attribute.length > 0) {
                raw.attr((String) attribute[0], attribute[1]);
              }
              return raw.in(x[0].value());
            })
        .between(-2, 2, 2, 3);
  }

  static DifferenceQuotient positive(String type) {
    return DifferenceQuotient.of(type, (tf, x) -> Raw.of(tf, type, x[0].value()))
        .between(0.1, 0.9, 5);
  }

  static DifferenceQuotient binary(String type) {
    return DifferenceQuotient.of(type, (tf, x) -> Raw.of(tf, type, x[0].value(), x[1].value()))
        .input(2, 1, 3)
        .input(4, 1);
  }

  static DifferenceQuotient divides(String type) {
    return DifferenceQuotient.of(type, (tf, x) -> Raw.of(tf, type, x[0].value(), x[1].value()))
        .between(0.5, 2, 2, 1, 3)
        .between(0.5, 2, 4, 1);
  }

  static DifferenceQuotient matmul(String type, boolean a, boolean b, long[] x0, long[] x1) {
    return DifferenceQuotient.of(
            type + a + b,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("transpose_a", a)
                    .attr("transpose_b", b)
                    .in(x[0].value(), x[1].value()))
        .input(x0)
        .input(x1);
  }

  static DifferenceQuotient batchMatmul(String type, boolean a, boolean b, long[] x0, long[] x1) {
    return DifferenceQuotient.of(
            type + a + b,
            (tf, x) ->
                Raw.op(tf, type).attr("adj_x", a).attr("adj_y", b).in(x[0].value(), x[1].value()))
        .input(x0)
        .input(x1);
  }

  static DifferenceQuotient einsum(String equation, long[] x0, long[] x1) {
    return DifferenceQuotient.of(
            "Einsum " + equation,
            (tf, x) ->
                Raw.op(tf, "Einsum")
                    .attr("equation", equation)
                    .list(x[0].value(), x[1].value())
                    .in())
        .input(x0)
        .input(x1);
  }

  static long[] sq(long n) {
    return new long[] {1, n, n, 1};
  }

  static DifferenceQuotient conv(String type, String padding, long stride, long dilation) {
    return DifferenceQuotient.of(
            type + " " + padding + stride + dilation,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("padding", padding)
                    .attr("strides", sq(stride))
                    .attr("dilations", sq(dilation))
                    .in(x[0].value(), x[1].value()))
        .input(1, 5, 5, 2)
        .input(2, 2, 2, 2);
  }

  static DifferenceQuotient transposed(String padding, long stride, long dilation) {
    return DifferenceQuotient.of(
            "Conv2DBackpropInput " + padding + stride + dilation,
            (tf, x) ->
                Raw.op(tf, "Conv2DBackpropInput")
                    .attr("padding", padding)
                    .attr("strides", sq(stride))
                    .attr("dilations", sq(dilation))
                    .in(
                        tf.constant(
                            padding.equals("SAME")
                                ? new int[] {1, 6, 6, 2}
                                : new int[] {1, 5, 5, 2}),
                        x[0].value(),
                        x[1].value()))
        .input(2, 2, 2, 3)
        .input(1, 3, 3, 3);
  }

  static DifferenceQuotient pool(String type, String padding) {
    return DifferenceQuotient.of(
            type + padding,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("padding", padding)
                    .attr("ksize", sq(2))
                    .attr("strides", sq(2))
                    .in(x[0].value()))
        .input(1, 5, 5, 2);
  }

  static DifferenceQuotient pool3(String type) {
    return DifferenceQuotient.of(
            type,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("padding", "SAME")
                    .attr("ksize", new long[] {1, 2, 2, 2, 1})
                    .attr("strides", new long[] {1, 2, 2, 2, 1})
                    .in(x[0].value()))
        .between(-9, 9, 1, 3, 2, 3, 2)
        .inFloat32();
  }

  static DifferenceQuotient batchNorm(boolean training) {
    return DifferenceQuotient.of(
            "FusedBatchNormV3 " + training,
            (tf, x) ->
                Raw.op(tf, "FusedBatchNormV3")
                    .attr("is_training", training)
                    .attr("epsilon", 1e-2f)
                    .in(
                        x[0].value(),
                        x[1].value(),
                        x[2].value(),
                        training ? tf.constant(new float[0]) : x[3].value(),
                        training ? tf.constant(new float[0]) : x[4].value()))
        .input(2, 2, 3, 2)
        .between(0.5, 1.5, 2)
        .input(2)
        .input(2)
        .between(0.5, 1.5, 2)
        .unreached(3, 4)
        .inFloat32();
  }

  static DifferenceQuotient reduce(String type, boolean keep, int... axes) {
    return DifferenceQuotient.of(
            type + keep + Arrays.toString(axes),
            (tf, x) -> Raw.op(tf, type).attr("keep_dims", keep).in(x[0].value(), tf.constant(axes)))
        .input(2, 3, 2);
  }

  static DifferenceQuotient crossEntropy() {
    return DifferenceQuotient.of(
            "SoftmaxCrossEntropyWithLogits",
            (tf, x) ->
                Raw.of(
                    tf,
                    "SoftmaxCrossEntropyWithLogits",
                    x[0].value(),
                    Raw.of(tf, "Softmax", x[1].value())))
        .input(3, 4)
        .input(3, 4)
        .inFloat32();
  }

  static DifferenceQuotient select(String type, boolean broadcast) {
    var q =
        DifferenceQuotient.of(
                type + broadcast,
                (tf, x) ->
                    Raw.of(
                        tf,
                        type,
                        tf.constant(new boolean[][] {{true, false, true}, {false, true, true}}),
                        x[0].value(),
                        x[1].value()))
            .input(2, 3);
    return broadcast ? q.input(3) : q.input(2, 3);
  }

  static DifferenceQuotient gather(int axis, int batch) {
    return DifferenceQuotient.of(
            "GatherV2 axis " + axis + " batch_dims " + batch,
            (tf, x) ->
                Raw.op(tf, "GatherV2")
                    .attr("batch_dims", batch)
                    .in(
                        x[0].value(),
                        tf.constant(new int[][] {{1, 0, 1}, {0, 0, 1}}),
                        tf.constant(axis)))
        .input(2, 3, 4);
  }

  static DifferenceQuotient join(String name, String type, int axis) {
    return DifferenceQuotient.of(
            name,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("axis", axis)
                    .list(x[0].value(), x[1].value(), x[0].value())
                    .in())
        .input(2, 3)
        .input(2, 3);
  }

  static DifferenceQuotient concat(int axis) {
    return DifferenceQuotient.of(
            "ConcatV2 " + axis,
            (tf, x) ->
                Raw.op(tf, "ConcatV2").list(x[0].value(), x[1].value()).in(tf.constant(axis)))
        .input(2, 3)
        .input(2, 3);
  }

  static Operand<?> manyInputs(Ops tf, DifferenceQuotient.Input[] x) {
    Operand<?>[] parts = new Operand<?>[12];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = Raw.of(tf, "Mul", x[0].value(), tf.constant((double) i));
    }
    return Raw.op(tf, "ConcatV2").list(parts).in(tf.constant(0));
  }

  static DifferenceQuotient with(String type, long rows, long columns, int[][] arguments) {
    return DifferenceQuotient.of(
            type,
            (tf, x) -> {
              Raw raw = Raw.op(tf, type).and(x[0].value());
              for (int[] argument : arguments) {
                raw.and(tf.constant(argument));
              }
              return raw.in();
            })
        .input(rows, columns);
  }

  static DifferenceQuotient cumsum(boolean exclusive, boolean reverse, int axis) {
    return DifferenceQuotient.of(
            "Cumsum" + exclusive + reverse,
            (tf, x) ->
                Raw.op(tf, "Cumsum")
                    .attr("exclusive", exclusive)
                    .attr("reverse", reverse)
                    .in(x[0].value(), tf.constant(axis)))
        .input(2, 3);
  }

  static DifferenceQuotient resize(String type, boolean align, boolean centers) {
    return DifferenceQuotient.of(
            type + align + centers,
            (tf, x) ->
                Raw.op(tf, type)
                    .attr("align_corners", align)
                    .attr("half_pixel_centers", centers)
                    .in(x[0].value(), tf.constant(new int[] {5, 3})))
        .input(1, 3, 4, 2)
        .inFloat32();
  }

  static DifferenceQuotient segment(String type) {
    return DifferenceQuotient.of(
            type, (tf, x) -> Raw.of(tf, type, x[0].value(), tf.constant(new int[] {0, 0, 2})))
        .input(3, 2);
  }

  static DifferenceQuotient unsorted(String type) {
    return DifferenceQuotient.of(
            type,
            (tf, x) ->
                Raw.of(tf, type, x[0].value(), tf.constant(new int[] {1, 0, 1}), tf.constant(2)))
        .input(3, 2);
  }
}
