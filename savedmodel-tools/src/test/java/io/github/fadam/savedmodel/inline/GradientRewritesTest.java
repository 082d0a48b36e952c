package io.github.fadam.savedmodel.inline;

import static io.github.fadam.savedmodel.inline.VariableModel.add;
import static io.github.fadam.savedmodel.inline.VariableModel.cast;
import static io.github.fadam.savedmodel.inline.VariableModel.node;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.gradient.GradientTable;
import io.github.fadam.ops.gradient.UnsupportedGradientException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
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
import org.tensorflow.proto.DataType;

/** Operations whose C++ gradient is wrong or fails, in models written to disk and inlined. */
class GradientRewritesTest {

  private static final Shape IMAGES = Shape.of(2, 6, 6, 3);

  /** No difference of its value sees its gradient. */
  private static final String ROUNDING = "Cast that rounds";

  /** With the attributes that C++ has wrong they run on graphics cards only. */
  private static final Set<String> WITHOUT_KERNEL =
      Set.of("DepthToSpace", "DepthwiseConv2dNative", "SpaceToDepth");

  @TempDir Path folder;

  static Stream<VariableModel> cases() {
    return Stream.of(layers(), complex(), indices()).flatMap(models -> models);
  }

  /** What takes indices or sizes, in int64: its type first in the case's name. */
  private static Stream<VariableModel> indices() {
    return Stream.of(
        wide("Max", tf -> List.of(tf.constant(new long[] {-1, 1}))),
        wide("Mean", tf -> List.of(tf.constant(new long[] {-1, 1}))),
        wide("Min", tf -> List.of(tf.constant(2L))),
        wide("Prod", tf -> List.of(tf.constant(new long[] {3}))),
        wide("Sum", tf -> List.of(tf.constant(-2L))),
        wide("Pad", tf -> List.of(tf.constant(new long[][] {{0, 1}, {1, 0}, {2, 2}, {0, 0}}))),
        wide(
            "PadV2",
            tf ->
                List.of(
                    tf.constant(new long[][] {{0, 1}, {1, 0}, {0, 0}, {0, 3}}), tf.constant(2f))),
        wide(
            "Slice",
            tf ->
                List.of(
                    tf.constant(new long[] {0, 1, 2, 0}), tf.constant(new long[] {-1, 3, 2, 1}))),
        wide("BroadcastTo", tf -> List.of(tf.constant(new long[] {2, 2, 6, 6, 3}))),
        wide("GatherV2", tf -> List.of(tf.constant(new int[] {2, 0, 2}), tf.constant(1L))),
        wide(
            "GatherV2 from the end",
            tf -> List.of(tf.constant(new long[] {2, 0}), tf.constant(-1L))),
        wide(
            "GatherV2 from the end in int32",
            tf -> List.of(tf.constant(new int[] {2, 0, 2}), tf.constant(-1))),
        wide(
            "GatherV2 by what is no constant",
            tf ->
                List.of(
                    tf.constant(new int[] {1, 5}),
                    add(tf, "Sub", tf.constant(-1L), tf.constant(1L)))),
        wide(
            "StridedSlice that ends beyond int32",
            tf ->
                List.of(
                    tf.constant(new long[] {0, 1}),
                    tf.constant(new long[] {1, Long.MAX_VALUE}),
                    tf.constant(new long[] {1, 2}))),
        new VariableModel(
            "ConcatV2 in int64",
            IMAGES,
            IMAGES,
            (tf, x) -> {
              OperationBuilder join = tf.scope().opBuilder("ConcatV2", "ConcatV2");
              Operand<?> y = add(tf, "Mul", x[0], x[1]);
              join.addInputList(new Output<?>[] {y.asOutput(), x[1].asOutput()});
              return join.addInput(tf.constant(-1L).asOutput()).build().output(0);
            }));
  }

  /** One operation on the product of variable and input. */
  private static VariableModel wide(String name, Function<Ops, List<Operand<?>>> indices) {
    return new VariableModel(
        name,
        IMAGES,
        IMAGES,
        (tf, x) -> {
          List<Operand<?>> inputs = new ArrayList<>(List.of(add(tf, "Mul", x[0], x[1])));
          inputs.addAll(indices.apply(tf));
          return add(tf, name.split(" ", 2)[0], inputs.toArray(Operand<?>[]::new));
        });
  }

  /** Of numbers of 128 bits; their parts are added up. */
  private static Stream<VariableModel> complex() {
    return Stream.of("Complex", "Real", "Imag", "Angle")
        .map(
            type ->
                new VariableModel(
                    type + " of complex128",
                    IMAGES,
                    IMAGES,
                    (tf, x) -> {
                      Output<?> number =
                          node(tf, "Complex", wide(tf, x[0]), wide(tf, x[1]))
                              .setAttr("Tout", DataType.DT_COMPLEX128)
                              .build()
                              .output(0);
                      Output<?> square = add(tf, "Mul", number, number);
                      Output<?> part =
                          node(tf, type.equals("Complex") ? "Real" : type, square)
                              .setAttr("Tout", DataType.DT_DOUBLE)
                              .build()
                              .output(0);
                      return cast(tf, part, DataType.DT_FLOAT);
                    }));
  }

  private static Output<?> wide(Ops tf, Operand<?> value) {
    return cast(tf, value, DataType.DT_DOUBLE);
  }

  private static Stream<VariableModel> layers() {
    long[] ones = {1, 1, 1, 1};
    return Stream.of(
        new VariableModel(
            "Conv2D with dilations",
            IMAGES,
            Shape.of(3, 2, 3, 4),
            (tf, x) ->
                node(tf, "Conv2D", x)
                    .setAttr("strides", ones)
                    .setAttr("dilations", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "SAME")
                    .build()
                    .output(0)),
        new VariableModel(
            "Conv2D with explicit paddings",
            IMAGES,
            Shape.of(3, 2, 3, 4),
            (tf, x) ->
                node(tf, "Conv2D", x)
                    .setAttr("strides", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "EXPLICIT")
                    .setAttr("explicit_paddings", new long[] {0, 0, 1, 2, 0, 1, 0, 0})
                    .build()
                    .output(0)),
        new VariableModel(
            "LogSoftmax of rank 4",
            IMAGES,
            IMAGES,
            (tf, x) -> add(tf, "LogSoftmax", add(tf, "Mul", x[0], x[1]))),
        new VariableModel(
            "SoftmaxCrossEntropyWithLogits of float64",
            IMAGES,
            IMAGES,
            (tf, x) -> {
              Operand<?> rows = tf.constant(new int[] {-1, 3});
              Operand<?> logits = add(tf, "Reshape", add(tf, "Mul", x[0], x[1]), rows);
              Operand<?> labels = tf.constant(new double[][] {{0.2, 0.5, 0.3}});
              return cast(
                  tf,
                  add(tf, "SoftmaxCrossEntropyWithLogits", wide(tf, logits), labels),
                  DataType.DT_FLOAT);
            }),
        new VariableModel(
            "LRN",
            IMAGES,
            IMAGES,
            (tf, x) ->
                node(tf, "LRN", add(tf, "AddV2", x[0], x[1]))
                    .setAttr("depth_radius", 1L)
                    .setAttr("alpha", 0.5f)
                    .build()
                    .output(0)),
        new VariableModel(
            "MaxPool with explicit paddings",
            IMAGES,
            IMAGES,
            (tf, x) ->
                node(tf, "MaxPool", add(tf, "AddV2", x[0], x[1]))
                    .setAttr("ksize", new long[] {1, 2, 2, 1})
                    .setAttr("strides", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "EXPLICIT")
                    .setAttr("explicit_paddings", new long[] {0, 0, 1, 1, 1, 1, 0, 0})
                    .build()
                    .output(0)),
        new VariableModel(
            "Atan2 that broadcasts",
            IMAGES,
            Shape.of(3),
            (tf, x) -> add(tf, "Atan2", x[0], add(tf, "Exp", x[1]))),
        new VariableModel(
            ROUNDING,
            IMAGES,
            IMAGES,
            (tf, x) -> {
              Operand<?> product = add(tf, "Mul", x[0], x[1]);
              Operand<?> whole =
                  cast(tf, add(tf, "Mul", product, tf.constant(3f)), DataType.DT_INT32);
              return add(tf, "AddV2", product, cast(tf, whole, DataType.DT_FLOAT));
            }));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valuesStayAndGradientsAreRight(VariableModel model) throws IOException {
    model.write(folder);
    try (InlinedModel inlined = new InlinedModel(folder, IMAGES)) {
      Output<?> original = inlined.original();
      assertArrayEquals(inlined.bytes(original), inlined.bytes(inlined.output()));
      float slope = inlined.slope(inlined.output());
      assertTrue(Math.abs(slope) > 0.05, "too flat to compare: " + slope);
      if (!model.name().equals(ROUNDING)) {
        assertEquals(inlined.difference(original), slope, 1e-2 * Math.abs(slope) + 1e-3);
      }
    }
  }

  private static String type(VariableModel model) {
    return model.name().split(" ", 2)[0];
  }

  /** The list of gradients promises it of these. */
  @Test
  void everyOperationThatIsRightHereOnlyIsTried() {
    assertEquals(promised("[DT_INT32]"), types(indices()));
    Set<String> right = new TreeSet<>(promised("right in inlined SavedModels"));
    right.removeAll(WITHOUT_KERNEL);
    assertEquals(right, types(cases()));
  }

  private static Set<String> promised(String note) {
    return GradientTable.rows().stream()
        .filter(row -> row.note().contains(note))
        .map(GradientTable.Row::opType)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> types(Stream<VariableModel> models) {
    return models.map(GradientRewritesTest::type).collect(Collectors.toCollection(TreeSet::new));
  }

  /** In a graph of one's own nothing is rewritten: there it is refused. */
  @ParameterizedTest
  @MethodSource("cases")
  void theModelAsItIsIsRefused(VariableModel model) throws IOException {
    model.write(folder);
    try (InlinedModel inlined = new InlinedModel(folder, IMAGES)) {
      assertThrows(UnsupportedGradientException.class, () -> inlined.slope(inlined.original()));
    }
  }
}
