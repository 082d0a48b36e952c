package io.github.fadam.savedmodel.inline;

import static io.github.fadam.savedmodel.inline.VariableModel.add;
import static io.github.fadam.savedmodel.inline.VariableModel.node;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/**
 * Layers that processors have no kernels for, in values or in gradients: with channels first, and
 * convolutions in groups of channels. Inlined they are written with what there is.
 */
class ImageLayersTest {

  private static final Shape FLAT = Shape.of(2, 4, 6, 6);
  private static final Shape DEEP = Shape.of(2, 4, 3, 4, 4);

  @TempDir Path folder;

  /**
   * A layer that does not run.
   *
   * @param valued whether it has values all the same, and only no gradient
   * @param runs the same in operations that do
   */
  private record Layer(
      VariableModel model, boolean valued, BiFunction<Ops, Operand<?>[], Operand<?>> runs) {
    @Override
    public String toString() {
      return model.name();
    }
  }

  /** Numbers of an attribute for each dimension of an image, channels first. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Attribute(String name, long... numbers) {}

  static Stream<Layer> layers() {
    return Stream.of(
        first("Conv2D", Shape.of(3, 2, 4, 5), "SAME", strides(1, 1, 2, 1)),
        first("Conv2D", Shape.of(3, 2, 4, 5), "VALID", strides(1, 1, 1, 1), dilations(1, 1, 2, 1)),
        first(
            "Conv2D",
            Shape.of(3, 2, 4, 5),
            "EXPLICIT",
            strides(1, 1, 1, 2),
            new Attribute("explicit_paddings", 0, 0, 0, 0, 1, 2, 0, 1)),
        first("DepthwiseConv2dNative", Shape.of(3, 2, 4, 2), "SAME", strides(1, 1, 2, 2)),
        first("MaxPool", Shape.of(4, 1, 1), "SAME", strides(1, 1, 2, 1), sizes(1, 1, 2, 3)),
        first("AvgPool", Shape.of(4, 1, 1), "VALID", strides(1, 1, 1, 2), sizes(1, 1, 2, 3)),
        first("Conv3D", Shape.of(2, 3, 2, 4, 5), "SAME", strides(1, 1, 1, 2, 1)),
        first(
            "MaxPool3D",
            Shape.of(4, 1, 1, 1),
            "SAME",
            strides(1, 1, 2, 1, 1),
            sizes(1, 1, 2, 2, 1)),
        first(
            "AvgPool3D",
            Shape.of(4, 1, 1, 1),
            "VALID",
            strides(1, 1, 1, 1, 2),
            sizes(1, 1, 1, 2, 2)),
        transposed("Conv2DBackpropInput", Shape.of(3, 3, 5, 4), FLAT, 12, 6),
        transposed("Conv3DBackpropInputV2", Shape.of(2, 3, 3, 5, 4), DEEP, 3, 8, 4),
        grouped("Conv2D", false, Shape.of(3, 3, 2, 6), 2),
        grouped("Conv2D", false, Shape.of(3, 2, 1, 8), 4),
        grouped("Conv2D", true, Shape.of(3, 3, 2, 6), 2),
        grouped("Conv2D", true, Shape.of(3, 3, 1, 4), 4),
        grouped("Conv3D", false, Shape.of(2, 3, 3, 2, 6), 2),
        grouped("Conv3D", false, Shape.of(1, 2, 2, 1, 4), 4),
        grouped("Conv3D", true, Shape.of(2, 3, 3, 2, 4), 2));
  }

  private static Attribute strides(long... numbers) {
    return new Attribute("strides", numbers);
  }

  private static Attribute dilations(long... numbers) {
    return new Attribute("dilations", numbers);
  }

  private static Attribute sizes(long... numbers) {
    return new Attribute("ksize", numbers);
  }

  private static Operand<?> channelsLast(Ops tf, Operand<?> image) {
    boolean flat = image.shape().numDimensions() == 4;
    return add(
        tf,
        "Transpose",
        image,
        tf.constant(flat ? new int[] {0, 2, 3, 1} : new int[] {0, 2, 3, 4, 1}));
  }

  private static Operand<?> channelsFirst(Ops tf, Operand<?> image) {
    boolean flat = image.shape().numDimensions() == 4;
    return add(
        tf,
        "Transpose",
        image,
        tf.constant(flat ? new int[] {0, 3, 1, 2} : new int[] {0, 4, 1, 2, 3}));
  }

  /** Numbers for each dimension with channels last, of those with channels first. */
  private static long[] last(int rank, long... numbers) {
    int each = numbers.length / rank;
    return IntStream.range(0, rank)
        .map(i -> i == 0 ? 0 : i == rank - 1 ? 1 : i + 1)
        .boxed()
        .flatMapToLong(i -> LongStream.of(numbers).skip((long) i * each).limit(each))
        .toArray();
  }

  /** A layer with channels first, and the same between transpositions. */
  private static Layer first(String type, Shape variable, String padding, Attribute... attributes) {
    boolean pools = type.contains("Pool");
    boolean flat = attributes[0].numbers().length == 4;
    int rank = flat ? 4 : 5;
    BiFunction<Ops, Operand<?>[], Operand<?>> saved =
        (tf, x) -> {
          OperationBuilder layer =
              pools ? node(tf, type, add(tf, "Mul", x[0], x[1])) : node(tf, type, x);
          for (Attribute attribute : attributes) {
            layer.setAttr(attribute.name(), attribute.numbers());
          }
          layer.setAttr("data_format", flat ? "NCHW" : "NCDHW");
          return layer.setAttr("padding", padding).build().output(0);
        };
    BiFunction<Ops, Operand<?>[], Operand<?>> runs =
        (tf, x) -> {
          OperationBuilder layer =
              pools
                  ? node(tf, type, channelsLast(tf, add(tf, "Mul", x[0], x[1])))
                  : node(tf, type, channelsLast(tf, x[0]), x[1]);
          for (Attribute attribute : attributes) {
            layer.setAttr(attribute.name(), last(rank, attribute.numbers()));
          }
          return channelsFirst(tf, layer.setAttr("padding", padding).build().output(0));
        };
    String name = type + " " + padding + " with channels first";
    return new Layer(new VariableModel(name, flat ? FLAT : DEEP, variable, saved), false, runs);
  }

  /** A convolution that makes five channels of another size. */
  private static Layer transposed(String type, Shape filter, Shape image, int... size) {
    boolean flat = size.length == 2;
    int rank = size.length + 2;
    int[] first = IntStream.concat(IntStream.of(2, 5), IntStream.of(size)).toArray();
    int[] last =
        IntStream.concat(IntStream.concat(IntStream.of(2), IntStream.of(size)), IntStream.of(5))
            .toArray();
    long[] strides = flat ? new long[] {1, 1, 2, 1} : new long[] {1, 1, 1, 2, 1};
    return new Layer(
        new VariableModel(
            type + " with channels first",
            image,
            filter,
            (tf, x) ->
                node(tf, type, tf.constant(first), x[1], x[0])
                    .setAttr("strides", strides)
                    .setAttr("padding", "SAME")
                    .setAttr("data_format", flat ? "NCHW" : "NCDHW")
                    .build()
                    .output(0)),
        false,
        (tf, x) ->
            channelsFirst(
                tf,
                node(tf, type, tf.constant(last), x[1], channelsLast(tf, x[0]))
                    .setAttr("strides", last(rank, strides))
                    .setAttr("padding", "SAME")
                    .build()
                    .output(0)));
  }

  /** Four channels in groups, and a convolution for each group. */
  private static Layer grouped(String type, boolean first, Shape filter, int groups) {
    boolean flat = type.equals("Conv2D");
    Shape image = flat ? FLAT : DEEP;
    long[] strides = new long[image.numDimensions()];
    Arrays.fill(strides, 1);
    return new Layer(
        new VariableModel(
            type + " in " + groups + " groups" + (first ? " with channels first" : ""),
            image,
            filter,
            (tf, x) -> {
              OperationBuilder layer =
                  node(tf, type, first ? x[0] : channelsLast(tf, x[0]), x[1])
                      .setAttr("strides", strides)
                      .setAttr("padding", "SAME");
              if (first) {
                layer.setAttr("data_format", flat ? "NCHW" : "NCDHW");
              }
              Output<?> y = layer.build().output(0);
              return first ? y : channelsFirst(tf, y);
            }),
        flat && !first,
        (tf, x) -> {
          int axis = image.numDimensions() - 1;
          Output<?>[] each = new Output<?>[groups];
          for (int group = 0; group < groups; group++) {
            each[group] =
                node(
                        tf,
                        type,
                        part(tf, channelsLast(tf, x[0]), axis, groups, group),
                        part(tf, x[1], axis, groups, group))
                    .setAttr("strides", strides)
                    .setAttr("padding", "SAME")
                    .build()
                    .output(0);
          }
          OperationBuilder join = tf.scope().opBuilder("ConcatV2", "ConcatV2").addInputList(each);
          return channelsFirst(tf, join.addInput(tf.constant(axis).asOutput()).build().output(0));
        });
  }

  private static Output<?> part(Ops tf, Operand<?> value, int axis, int groups, int group) {
    return node(tf, "Split", tf.constant(axis), value)
        .setAttr("num_split", (long) groups)
        .build()
        .output(group);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void theLayerRunsAndItsGradientIsRight(Layer layer) throws IOException {
    layer.model().write(folder);
    try (InlinedModel inlined = new InlinedModel(folder, layer.model().image())) {
      Operand<?> reference = layer.runs().apply(inlined.tf, inlined.inputs());
      FloatBuffer expected = floats(inlined.bytes(reference));
      FloatBuffer found = floats(inlined.bytes(inlined.output()));
      assertEquals(expected.remaining(), found.remaining());
      for (int i = 0; i < expected.remaining(); i++) {
        assertEquals(expected.get(i), found.get(i), 1e-5 * Math.max(1, Math.abs(expected.get(i))));
      }
      assertEquals(reference.shape(), inlined.output().shape());
      float slope = inlined.slope(inlined.output());
      assertTrue(Math.abs(slope) > 0.05, "too flat to compare: " + slope);
      assertEquals(inlined.difference(reference), slope, 1e-2 * Math.abs(slope) + 1e-2);
    }
  }

  /** Otherwise there were nothing to rewrite. */
  @ParameterizedTest
  @MethodSource("layers")
  void asItWasSavedItDoesNotRunOrItsGradientDoesNot(Layer layer) throws IOException {
    layer.model().write(folder);
    try (InlinedModel inlined = new InlinedModel(folder, layer.model().image())) {
      if (layer.valued()) {
        assertTrue(inlined.bytes(inlined.original()).length > 0);
        assertThrows(RuntimeException.class, () -> inlined.slope(inlined.original()));
      } else {
        assertThrows(RuntimeException.class, () -> inlined.bytes(inlined.original()));
      }
    }
  }

  /** Groups cannot be told where the number of channels is open: the layer stays. */
  @Test
  void aConvolutionOfAnOpenNumberOfChannelsStays() throws IOException {
    VariableModel open =
        new VariableModel(
            "open",
            Shape.of(2, 6, 6, Shape.UNKNOWN_SIZE),
            Shape.of(3, 3, 2, 6),
            (tf, x) ->
                node(tf, "Conv2D", x)
                    .setAttr("strides", new long[] {1, 1, 1, 1})
                    .setAttr("padding", "SAME")
                    .build()
                    .output(0));
    open.write(folder);
    SavedModel model = SavedModel.read(folder);
    assertEquals(1, convolutions(model, InlineOptions.defaults()));
    assertEquals(
        3,
        convolutions(
            model, InlineOptions.defaults().inputShapes(Map.of("x", Shape.of(2, 6, 6, 6)))));
  }

  private static long convolutions(SavedModel model, InlineOptions options) {
    return FunctionInliner.inline(model, VariableModel.SIGNATURE, options).nodes().stream()
        .filter(node -> node.getOp().equals("Conv2D"))
        .count();
  }

  private static FloatBuffer floats(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
