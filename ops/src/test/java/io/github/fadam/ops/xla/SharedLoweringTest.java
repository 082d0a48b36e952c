package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperationBuilder;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;

/** What is translated once for its kind is what it was. */
class SharedLoweringTest {

  private static final List<String> OF_ONE =
      List.of(
          "Abs",
          "Atan",
          "BiasAddGrad",
          "Ceil",
          "Cos",
          "Exp",
          "Expm1",
          "Floor",
          "Lgamma",
          "Log1p",
          "LogSoftmax",
          "PreventGradient",
          "Reciprocal",
          "Relu",
          "Relu6",
          "Rsqrt",
          "Sigmoid",
          "Sign",
          "Softmax",
          "Sqrt",
          "Tanh");

  private static final float[] NUMBERS = {0.5f, 1.5f, 7f, 0.25f, 3f, 1f};

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Placeholder<TFloat32> x =
      tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 3)));
  private final List<Output<?>> results = new ArrayList<>();

  @AfterEach
  void close() {
    graph.close();
  }

  /** Adds an operation twice, on different operands. */
  private void twice(String type, Output<?>... operands) {
    for (int i = 0; i < 2; i++) {
      GraphOperationBuilder builder = graph.opBuilder(type, type + i, tf.scope());
      for (Output<?> operand : operands) {
        builder.addInput(
            i == 1 && operand.equals(x.asOutput())
                ? tf.math.mul(x, tf.constant(0.5f)).asOutput()
                : operand);
      }
      results.add(builder.build().output(0));
    }
  }

  @Test
  void valuesAreThoseOfTheOperations() throws IOException {
    OF_ONE.forEach(type -> twice(type, x.asOutput()));
    Output<TBool> large = tf.math.greater(x, tf.constant(1f)).asOutput();
    twice("Select", large, x.asOutput(), tf.math.neg(x).asOutput());
    twice("ReluGrad", x.asOutput(), x.asOutput());
    for (String type : List.of("IsFinite", "IsInf", "IsNan")) {
      twice(type, x.asOutput());
      for (int i = results.size() - 2; i < results.size(); i++) {
        results.set(i, number(results.get(i)));
      }
    }
    assertEquals(results.size() / 2, choices(graph.toGraphDef()).size());
    assertSameValues();
  }

  @SuppressWarnings("unchecked") // three operations give booleans
  private Output<TFloat32> number(Output<?> flag) {
    return tf.dtypes.cast((Output<TBool>) flag, TFloat32.class).asOutput();
  }

  @Test
  void everyTypeIsTried() {
    Set<String> tried = new HashSet<>(OF_ONE);
    tried.addAll(
        List.of(
            "Einsum",
            "FusedBatchNormGradV3",
            "FusedBatchNormV3",
            "IsFinite",
            "IsInf",
            "IsNan",
            "ReluGrad",
            "Select"));
    assertEquals(SharedLowering.SLOW, tried);
  }

  @Test
  void batchNormalisationKeepsAllItsResults() throws IOException {
    Operand<TFloat32> image = tf.reshape(x, tf.constant(new int[] {-1, 1, 1, 3}));
    Operand<TFloat32> scale = tf.constant(new float[] {1, 2, 3});
    for (int i = 0; i < 2; i++) {
      var normal =
          tf.nn.fusedBatchNorm(
              image,
              tf.math.mul(scale, tf.constant(1f + i)),
              scale,
              tf.constant(new float[0]),
              tf.constant(new float[0]));
      results.add(normal.y().asOutput());
      results.add(normal.batchVariance().asOutput());
      var gradient =
          tf.nn.fusedBatchNormGrad(
              normal.y(),
              image,
              scale,
              normal.reserveSpace1(),
              normal.reserveSpace2(),
              normal.reserveSpace3());
      results.add(gradient.xBackprop().asOutput());
      results.add(gradient.offsetBackprop().asOutput());
    }
    assertEquals(2, choices(graph.toGraphDef()).size());
    assertSameValues();
  }

  @Test
  void kindsDifferByTheirAttributes() throws IOException {
    for (String equation : List.of("ij,kj->ik", "ij,kj->ki")) {
      for (int i = 0; i < 2; i++) {
        results.add(
            tf.linalg.einsum(List.of(x, tf.math.mul(x, tf.constant(2f + i))), equation).asOutput());
      }
    }
    assertEquals(List.of("xla_branch_0", "xla_branch_1"), choices(graph.toGraphDef()));
    assertSameValues();
  }

  @Test
  void whatIsThereOnceAndWhatIsQuickIsLeftAlone() {
    tf.math.tanh(x);
    tf.math.add(tf.math.mul(x, x), tf.math.mul(x, x));
    GraphDef body = graph.toGraphDef();
    assertEquals(body, lowered(body));
  }

  private static GraphDef lowered(GraphDef body) {
    return SharedLowering.in(
        body, tensor -> TensorShapeProto.newBuilder().setUnknownRank(true).build());
  }

  /** The branches that are chosen. */
  private static List<String> choices(GraphDef body) {
    return lowered(body).getNodeList().stream()
        .filter(node -> node.getOp().equals("StatelessCase"))
        .map(node -> node.getAttrOrThrow("branches").getList().getFunc(0).getName())
        .distinct()
        .toList();
  }

  private void assertSameValues() throws IOException {
    try (XlaGraph compiled = XlaGraph.of(graph).fetch(results.toArray(Operand<?>[]::new)).build()) {
      assertTrue(compiled.graph().toGraphDef().toString().contains("StatelessCase"));
      List<Output<?>> found = new ArrayList<>();
      results.forEach(result -> found.add(compiled.output(result)));
      List<float[]> expected = run(graph, results);
      List<float[]> values = run(compiled.graph(), found);
      for (int i = 0; i < results.size(); i++) {
        for (int j = 0; j < expected.get(i).length; j++) {
          float value = expected.get(i)[j];
          assertEquals(
              value, values.get(i)[j], 1e-6f * (1 + Math.abs(value)), results.get(i).op().name());
        }
      }
      String text =
          HloDump.of(
                  compiled.graph(),
                  Map.of(compiled.output(x), Shape.of(2, 3)),
                  List.of(found.get(0).op()))
              .get(0)
              .text();
      assertFalse(text.contains(" conditional("), text);
    }
  }

  private static List<float[]> run(Graph graph, List<Output<?>> outputs) {
    try (Session session = new Session(graph);
        Tensor fed = TFloat32.tensorOf(Shape.of(2, 3), DataBuffers.of(NUMBERS))) {
      Session.Runner runner = session.runner().feed("x", fed);
      outputs.forEach(runner::fetch);
      try (Result result = runner.run()) {
        List<float[]> values = new ArrayList<>();
        for (Map.Entry<String, Tensor> entry : result) {
          TFloat32 tensor = (TFloat32) entry.getValue();
          float[] numbers = new float[(int) tensor.size()];
          tensor.asRawTensor().data().asFloats().read(numbers);
          values.add(numbers);
        }
        return values;
      }
    }
  }
}
