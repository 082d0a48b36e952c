package io.github.fadam.framework.loss;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

class LossTest {

  private static final List<String> NAMES =
      List.of(
          "sparse_categorical_crossentropy",
          "categorical_crossentropy",
          "binary_crossentropy",
          "mse",
          "mae",
          "huber");

  /** A golden case; its name is what the test report shows. */
  record Golden(JsonNode json) {
    double[] numbers(String key) {
      return StreamSupport.stream(json.get(key).spliterator(), false)
          .mapToDouble(JsonNode::asDouble)
          .toArray();
    }

    Shape shape(String key) {
      return Shape.of(
          StreamSupport.stream(json.get(key).spliterator(), false)
              .mapToLong(JsonNode::asLong)
              .toArray());
    }

    Loss loss() {
      return Losses.named(json.get("loss").asText(), json.get("fromLogits").asBoolean());
    }

    @Override
    public String toString() {
      return json.get("name").asText();
    }
  }

  static Stream<Golden> golden() throws IOException {
    try (InputStream file = LossTest.class.getResourceAsStream("/golden/loss.json")) {
      JsonNode cases = new ObjectMapper().readTree(file).get("cases");
      return StreamSupport.stream(cases.spliterator(), false).map(Golden::new);
    }
  }

  @ParameterizedTest
  @MethodSource("golden")
  void valueGradientAndAccuracyAreThoseOfKeras(Golden golden) {
    Loss loss = golden.loss();
    assertEquals(golden.json().get("loss").asText(), loss.name());
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      // The static shape is left open: a SavedModel's batch dimension always is.
      Shape open = opened(golden.shape("outputShape"));
      Placeholder<TFloat32> output = tf.placeholder(TFloat32.class, Placeholder.shape(open));
      Placeholder<? extends TNumber> labels =
          loss.labelType(DataType.DT_FLOAT) == DataType.DT_INT64
              ? tf.placeholder(TInt64.class)
              : tf.placeholder(TFloat32.class);
      Operand<? extends TNumber> value = loss.value(tf, labels, output);
      Output<?>[] gradients =
          graph.addGradients(value.asOutput(), new Output<?>[] {output.asOutput()});
      var accuracy = loss.accuracy(tf, labels, output);
      try (Session session = new Session(graph);
          TFloat32 fedOutput = float32(golden.shape("outputShape"), golden.numbers("output"));
          TNumber fedLabels =
              loss.labelType(DataType.DT_FLOAT) == DataType.DT_INT64
                  ? int64(golden.shape("labelShape"), golden.numbers("labels"))
                  : float32(golden.shape("labelShape"), golden.numbers("labels"))) {
        var runner =
            session
                .runner()
                .feed(output, fedOutput)
                .feed(labels.asOutput(), fedLabels)
                .fetch(value)
                .fetch(gradients[0]);
        accuracy.ifPresent(runner::fetch);
        try (Result result = runner.run()) {
          double expected = golden.json().get("value").asDouble();
          assertEquals(
              expected, ((TFloat32) result.get(0)).getFloat(), 2e-6 * Math.abs(expected) + 1e-7);
          double[] expectedGradient = golden.numbers("gradient");
          double[] found = numbers(result.get(1));
          assertEquals(expectedGradient.length, found.length);
          for (int i = 0; i < found.length; i++) {
            assertEquals(
                expectedGradient[i], found[i], 4e-6 * Math.abs(expectedGradient[i]) + 1e-7);
          }
          assertEquals(golden.json().get("accuracy").isNull(), accuracy.isEmpty());
          if (accuracy.isPresent()) {
            assertEquals(
                golden.json().get("accuracy").asDouble(),
                ((TFloat32) result.get(2)).getFloat(),
                1e-6);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "sparse_categorical_crossentropy, true",
    "sparse_categorical_crossentropy, false",
    "categorical_crossentropy, true",
    "categorical_crossentropy, false",
    "binary_crossentropy, true",
    "binary_crossentropy, false",
    "mse, false",
    "mae, false",
    "huber, false"
  })
  void theGradientIsTheNumericDifferenceInFloat64(String name, boolean logits) {
    Loss loss = Losses.named(name, logits);
    Random random = new Random(3);
    Shape shape = Shape.of(3, 4);
    double[] output = random.doubles(12, 0.1, 0.9).toArray();
    double[] labels =
        name.startsWith("sparse") ? new double[] {0, 3, 1} : random.doubles(12, 0, 1).toArray();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat64> x = tf.placeholder(TFloat64.class, Placeholder.shape(shape));
      Operand<TFloat64> y =
          tf.reshape(tf.constant(labels), tf.constant(loss.labelShape(shape).asArray()));
      Operand<? extends TNumber> value = loss.value(tf, y, x);
      assertSame(TFloat64.class, value.type());
      Output<?> gradient = graph.addGradients(value.asOutput(), new Output<?>[] {x.asOutput()})[0];
      try (Session session = new Session(graph)) {
        Function<double[], double[]> at =
            point -> {
              try (TFloat64 fed = TFloat64.tensorOf(shape, DataBuffers.of(point));
                  Result result =
                      session.runner().feed(x, fed).fetch(value).fetch(gradient).run()) {
                return DoubleStream.concat(
                        DoubleStream.of(((TFloat64) result.get(0)).getDouble()),
                        DoubleStream.of(numbers(result.get(1))))
                    .toArray();
              }
            };
        double[] exact = at.apply(output);
        for (int i = 0; i < output.length; i++) {
          double h = 1e-6;
          double[] above = output.clone();
          above[i] += h;
          double[] below = output.clone();
          below[i] -= h;
          double numeric = (at.apply(above)[0] - at.apply(below)[0]) / (2 * h);
          assertEquals(numeric, exact[i + 1], 1e-8, name + " element " + i);
        }
      }
    }
  }

  @Test
  void sixteenBitOutputsAreComputedInFloat32AndKeepTheirGradientsType() {
    for (String name : NAMES) {
      Loss loss = Losses.named(name, false);
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        Operand<TBfloat16> output =
            tf.dtypes.cast(tf.constant(new float[][] {{0.25f, 0.75f}}), TBfloat16.class);
        Operand<?> labels =
            name.startsWith("sparse")
                ? tf.constant(new long[] {1})
                : tf.constant(new float[][] {{0, 1}});
        Operand<? extends TNumber> value = loss.value(tf, labels, output);
        assertSame(TFloat32.class, value.type(), name);
        Output<?> gradient =
            graph.addGradients(value.asOutput(), new Output<?>[] {output.asOutput()})[0];
        assertEquals(DataType.DT_BFLOAT16, gradient.dataType(), name);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 3, 1L << 40})
  void aLabelThatIsNoClassFailsTheRun(long label) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<?> value =
          Losses.sparseCategoricalCrossentropy(true)
              .value(
                  tf,
                  tf.constant(new long[] {0, label}),
                  tf.constant(new float[][] {{1, 2, 3}, {1, 2, 3}}));
      try (Session session = new Session(graph)) {
        var runner = session.runner().fetch(value);
        TFInvalidArgumentException thrown =
            assertThrows(TFInvalidArgumentException.class, runner::run);
        assertTrue(
            thrown.getMessage().contains("Expected labels from 0 to classes - 1"),
            thrown.getMessage());
      }
    }
  }

  @Test
  void aMaskedClassOfMinusInfinityDoesNotSpoilTheOthers() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> logits = tf.constant(new float[][] {{1, Float.NEGATIVE_INFINITY, 1}});
      Operand<?> value =
          Losses.sparseCategoricalCrossentropy(true).value(tf, tf.constant(new int[] {2}), logits);
      Output<?> gradient =
          graph.addGradients(value.asOutput(), new Output<?>[] {logits.asOutput()})[0];
      try (Session session = new Session(graph);
          Result result = session.runner().fetch(value).fetch(gradient).run()) {
        assertEquals(Math.log(2), ((TFloat32) result.get(0)).getFloat(), 1e-6);
        double[] found = numbers(result.get(1));
        assertEquals(0.5, found[0], 1e-6);
        assertEquals(0, found[1], 0);
        assertEquals(-0.5, found[2], 1e-6);
      }
    }
  }

  @Test
  void lossesOfVariablesThemselvesCanBeDifferentiated() {
    for (String name : NAMES) {
      for (boolean logits : new boolean[] {false, true}) {
        if (logits && !name.endsWith("crossentropy")) {
          continue;
        }
        try (Graph graph = new Graph()) {
          Ops tf = Ops.create(graph);
          var output = tf.variable(tf.constant(new float[][] {{0.25f, 0.75f}}));
          Operand<?> labels =
              name.startsWith("sparse")
                  ? tf.constant(new long[] {1})
                  : tf.constant(new float[][] {{0, 1}});
          Operand<?> value = Losses.named(name, logits).value(tf, labels, output);
          List<TrainableVariable> variables = Variables.all(graph);
          assertEquals(1, Gradients.of(value, variables).gradients().size());
        }
      }
    }
  }

  @Test
  void labelsOfOtherShapesAreRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> output = tf.constant(new float[4][3]);
      for (String name : NAMES) {
        Operand<?> labels = tf.constant(new float[3][4]);
        IllegalArgumentException thrown =
            assertThrows(
                IllegalArgumentException.class,
                () -> Losses.named(name, false).value(tf, labels, output),
                name);
        assertTrue(thrown.getMessage().contains("[3, 4]"), thrown.getMessage());
      }
      Operand<?> batch = tf.constant(new float[4]);
      assertThrows(
          IllegalArgumentException.class,
          () -> Losses.meanSquaredError().value(tf, batch, output),
          "[batch] would broadcast over the classes");
      assertThrows(
          IllegalArgumentException.class,
          () -> Losses.sparseCategoricalCrossentropy().value(tf, batch, batch));
    }
  }

  @Test
  void outputsOfIntegersAreRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      for (String name : NAMES) {
        Operand<?> output = tf.constant(new int[2][3]);
        Operand<?> labels =
            name.startsWith("sparse") ? tf.constant(new long[2]) : tf.constant(new float[2][3]);
        assertThrows(
            IllegalArgumentException.class,
            () -> Losses.named(name, false).value(tf, labels, output),
            name);
      }
    }
  }

  @Test
  void namesAreThoseOfKerasAndAnUnknownOneListsThem() {
    assertEquals("mse", Losses.named("mean_squared_error", false).name());
    assertEquals("mae", Losses.named("mean_absolute_error", false).name());
    IllegalArgumentException unknown =
        assertThrows(IllegalArgumentException.class, () -> Losses.named("hinge", false));
    NAMES.forEach(name -> assertTrue(unknown.getMessage().contains(name), unknown.getMessage()));
    assertThrows(IllegalArgumentException.class, () -> Losses.named("mse", true));
  }

  @Test
  void aLossSaysWhatItNeeds() {
    Shape output = Shape.of(Shape.UNKNOWN_SIZE, 7, 10);
    Loss sparse = Losses.sparseCategoricalCrossentropy();
    assertEquals(DataType.DT_INT64, sparse.labelType(DataType.DT_BFLOAT16));
    assertEquals("[-1, 7]", sparse.labelShape(output).toString());
    assertEquals(Activation.SOFTMAX, sparse.activation());
    assertTrue(sparse.ofLogits().fromLogits());
    Loss binary = Losses.binaryCrossentropy();
    assertEquals(Activation.SIGMOID, binary.activation());
    assertEquals(output, binary.labelShape(output));
    assertEquals(DataType.DT_FLOAT, binary.labelType(DataType.DT_HALF));
    assertEquals(DataType.DT_DOUBLE, binary.labelType(DataType.DT_DOUBLE));
    assertEquals(Activation.NONE, Losses.huber().activation());
    assertThrows(UnsupportedOperationException.class, () -> Losses.huber().ofLogits());
  }

  private static Shape opened(Shape shape) {
    long[] sizes = shape.asArray();
    sizes[0] = Shape.UNKNOWN_SIZE;
    return Shape.of(sizes);
  }

  private static TFloat32 float32(Shape shape, double[] values) {
    TFloat32 tensor = TFloat32.tensorOf(shape);
    long[] i = {0};
    tensor.scalars().forEach(scalar -> scalar.setFloat((float) values[(int) i[0]++]));
    return tensor;
  }

  private static TInt64 int64(Shape shape, double[] values) {
    TInt64 tensor = TInt64.tensorOf(shape);
    long[] i = {0};
    tensor.scalars().forEach(scalar -> scalar.setLong((long) values[(int) i[0]++]));
    return tensor;
  }

  private static double[] numbers(Tensor tensor) {
    if (tensor instanceof TFloat32 floats) {
      return floats.streamOfObjects().mapToDouble(Float::doubleValue).toArray();
    }
    return ((TFloat64) tensor).streamOfObjects().mapToDouble(Double::doubleValue).toArray();
  }
}
