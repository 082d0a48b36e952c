package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.gradient.GradientTable;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.gradient.UnsupportedGradientException;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.SessionFunction;
import org.tensorflow.Signature;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/** Operations whose C++ gradient is wrong or fails, in models written to disk and inlined. */
class GradientRewritesTest {

  private static final Shape IMAGES = Shape.of(2, 6, 6, 3);

  /** No difference of its value sees its gradient. */
  private static final String ROUNDING = "a rounding cast";

  @TempDir Path folder;

  /**
   * One model: a variable and an input, both as images of one shape but for the filters.
   *
   * @param variable shape of the variable
   * @param body from input and variable to output
   */
  private record Case(String name, Shape variable, BiFunction<Ops, Operand<?>[], Operand<?>> body) {
    /** Its first word, where one operation is tried. */
    String type() {
      return name.split(" ", 2)[0];
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    return Stream.concat(layers(), indices());
  }

  /** What takes indices or sizes, in int64: its type first in the case's name. */
  private static Stream<Case> indices() {
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
        new Case(
            "ConcatV2 in int64",
            IMAGES,
            (tf, x) -> {
              OperationBuilder join = tf.scope().opBuilder("ConcatV2", "ConcatV2");
              Operand<?> y = add(tf, "Mul", x[0], x[1]);
              join.addInputList(new Output<?>[] {y.asOutput(), x[1].asOutput()});
              return join.addInput(tf.constant(-1L).asOutput()).build().output(0);
            }));
  }

  /** One operation on the product of variable and input. */
  private static Case wide(String name, Function<Ops, List<Operand<?>>> indices) {
    return new Case(
        name,
        IMAGES,
        (tf, x) -> {
          List<Operand<?>> inputs = new ArrayList<>(List.of(add(tf, "Mul", x[0], x[1])));
          inputs.addAll(indices.apply(tf));
          return add(tf, name.split(" ", 2)[0], inputs.toArray(Operand<?>[]::new));
        });
  }

  private static Stream<Case> layers() {
    long[] ones = {1, 1, 1, 1};
    return Stream.of(
        new Case(
            "dilated convolution",
            Shape.of(3, 2, 3, 4),
            (tf, x) ->
                node(tf, "Conv2D", x)
                    .setAttr("strides", ones)
                    .setAttr("dilations", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "SAME")
                    .build()
                    .output(0)),
        new Case(
            "explicitly padded convolution",
            Shape.of(3, 2, 3, 4),
            (tf, x) ->
                node(tf, "Conv2D", x)
                    .setAttr("strides", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "EXPLICIT")
                    .setAttr("explicit_paddings", new long[] {0, 0, 1, 2, 0, 1, 0, 0})
                    .build()
                    .output(0)),
        new Case(
            "local response normalization",
            IMAGES,
            (tf, x) ->
                node(tf, "LRN", add(tf, "AddV2", x[0], x[1]))
                    .setAttr("depth_radius", 1L)
                    .setAttr("alpha", 0.5f)
                    .build()
                    .output(0)),
        new Case(
            "explicitly padded pooling",
            IMAGES,
            (tf, x) ->
                node(tf, "MaxPool", add(tf, "AddV2", x[0], x[1]))
                    .setAttr("ksize", new long[] {1, 2, 2, 1})
                    .setAttr("strides", new long[] {1, 2, 2, 1})
                    .setAttr("padding", "EXPLICIT")
                    .setAttr("explicit_paddings", new long[] {0, 0, 1, 1, 1, 1, 0, 0})
                    .build()
                    .output(0)),
        new Case(
            "broadcast atan2",
            Shape.of(3),
            (tf, x) -> add(tf, "Atan2", x[0], add(tf, "Exp", x[1]))),
        new Case(
            ROUNDING,
            IMAGES,
            (tf, x) -> {
              Operand<?> product = add(tf, "Mul", x[0], x[1]);
              Operand<?> whole = cast(tf, add(tf, "Mul", product, tf.constant(3f)), "int");
              return add(tf, "AddV2", product, cast(tf, whole, "float"));
            }));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valuesStayAndGradientsAreRight(Case model) throws IOException {
    write(model);
    SavedModel saved = SavedModel.read(folder);
    try (SavedModelBundle bundle = SavedModelBundle.load(folder.toString());
        TFloat32 images = random(IMAGES, 3)) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(saved, "serve"), bundle.graph());
      Map<String, Output<?>> input = emitted.inputs();
      var fed = Map.<String, Tensor>of("x", images);
      Output<?> y = emitted.outputs().get("y");
      Output<?> original = bundle.graph().output("body/y");
      assertArrayEquals(
          Models.run(bundle.session(), input, fed, Map.of("y", original)).get("y"),
          Models.run(bundle.session(), input, fed, Map.of("y", y)).get("y"));

      TrainableVariable w = TrainableVariable.of(bundle.graph().output("w"));
      Ops tf = Ops.create(bundle.graph());
      Output<?> gradient = Gradients.of(score(tf, y), List.of(w)).gradients().get(w).asOutput();
      Operand<?> direction = tf.constant(w.shape(), DataBuffers.of(gaussian(w.shape(), 5)));
      float slope = run(bundle, input, fed, sum(tf, add(tf, "Mul", gradient, direction)));
      float step = 1e-2f;
      Op back = w.assignSub(tf, add(tf, "Mul", direction, tf.constant(step)));
      Op forth = w.assignSub(tf, add(tf, "Mul", direction, tf.constant(-2 * step)));
      Operand<?> score = score(tf, original);
      bundle.session().runner().addTarget(back).run().close();
      float before = run(bundle, input, fed, score);
      bundle.session().runner().addTarget(forth).run().close();
      float after = run(bundle, input, fed, score);
      assertTrue(Math.abs(slope) > 0.05, "too flat to compare: " + slope);
      if (!model.name().equals(ROUNDING)) {
        assertEquals((after - before) / (2 * step), slope, 1e-2 * Math.abs(slope) + 1e-3);
      }
    }
  }

  /** The list of gradients promises it of these. */
  @Test
  void everyOperationWithInt64IndicesIsTried() {
    Set<String> promised =
        GradientTable.rows().stream()
            .filter(row -> row.note().contains("[DT_INT32]"))
            .map(GradientTable.Row::opType)
            .collect(Collectors.toSet());
    assertEquals(promised, indices().map(Case::type).collect(Collectors.toSet()));
  }

  /** In a graph of one's own nothing is rewritten: there it is refused. */
  @ParameterizedTest
  @MethodSource("cases")
  void theModelAsItIsIsRefused(Case model) throws IOException {
    write(model);
    try (SavedModelBundle bundle = SavedModelBundle.load(folder.toString())) {
      Ops tf = Ops.create(bundle.graph());
      TrainableVariable w = TrainableVariable.of(bundle.graph().output("w"));
      Output<?> score = score(tf, bundle.graph().output("body/y"));
      assertThrows(UnsupportedGradientException.class, () -> Gradients.of(score, List.of(w)));
    }
  }

  private void write(Case model) throws IOException {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(IMAGES));
      TrainableVariable w =
          TrainableVariable.create(
              tf,
              TrainableVariable.Kind.REFERENCE,
              "w",
              tf.constant(model.variable(), DataBuffers.of(gaussian(model.variable(), 4))));
      Ops body = tf.withSubScope("body");
      Operand<?> output = model.body().apply(body, new Operand<?>[] {x, w.read(body)});
      Operand<?> y = add(body.withName("y"), "Identity", output);
      session.initialize();
      Signature signature = Signature.builder().key("serve").input("x", x).output("y", y).build();
      SavedModelBundle.exporter(folder.toString())
          .withTags("serve")
          .withFunction(SessionFunction.create(signature, session))
          .export();
    }
  }

  private static OperationBuilder node(Ops tf, String type, Operand<?>... inputs) {
    OperationBuilder builder = tf.scope().opBuilder(type, type);
    for (Operand<?> input : inputs) {
      builder.addInput(input.asOutput());
    }
    return builder;
  }

  private static Output<?> add(Ops tf, String type, Operand<?>... inputs) {
    return node(tf, type, inputs).build().output(0);
  }

  private static Output<?> cast(Ops tf, Operand<?> value, String to) {
    return node(tf, "Cast", value)
        .setAttr("DstT", to.equals("int") ? DataType.DT_INT32 : DataType.DT_FLOAT)
        .build()
        .output(0);
  }

  /** The sum of the squares. */
  private static Output<?> score(Ops tf, Operand<?> y) {
    return sum(tf, add(tf, "Mul", y, y));
  }

  private static Output<?> sum(Ops tf, Operand<?> values) {
    return add(tf, "Sum", add(tf, "Reshape", values, tf.constant(new int[] {-1})), tf.constant(0));
  }

  private static float run(
      SavedModelBundle bundle,
      Map<String, Output<?>> input,
      Map<String, Tensor> fed,
      Operand<?> value) {
    return ByteBuffer.wrap(
            Models.run(bundle.session(), input, fed, Map.of("value", value)).get("value"))
        .order(ByteOrder.nativeOrder())
        .getFloat();
  }

  private static TFloat32 random(Shape shape, long seed) {
    return TFloat32.tensorOf(shape, DataBuffers.of(gaussian(shape, seed)));
  }

  private static float[] gaussian(Shape shape, long seed) {
    Random random = new Random(seed);
    float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
