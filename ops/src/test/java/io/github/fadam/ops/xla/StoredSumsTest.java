package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** Chains of sums are as long as they are, and not once more for each of their users. */
class StoredSumsTest {

  private static final int SIZE = 8;

  /**
   * A state that is added to in every step, and twice used, as the gradient of a cell's state is.
   */
  private record Chain(Graph graph, Placeholder<TFloat32> x, Operand<TFloat32> end)
      implements AutoCloseable {

    static Chain of(Class<? extends TNumber> type, int steps) {
      Graph graph = new Graph();
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(SIZE, SIZE)));
      return new Chain(graph, x, steps(tf, tf.dtypes.cast(x, type), steps));
    }

    private static <T extends TNumber> Operand<TFloat32> steps(Ops tf, Operand<T> x, int steps) {
      Operand<T> gate = tf.math.sigmoid(x);
      Operand<T> state = x;
      for (int i = 0; i < steps; i++) {
        Operand<T> before = tf.linalg.matMul(tf.math.mul(state, x), gate);
        state = tf.identity(tf.math.add(tf.math.mul(state, gate), tf.math.tanh(before)));
      }
      return tf.withName("end").dtypes.cast(state, TFloat32.class);
    }

    /** Instructions of the function that XLA makes of it. */
    int instructions() throws IOException {
      try (XlaGraph compiled = XlaGraph.of(graph).fetch(end).build()) {
        return HloDump.of(
                compiled.graph(),
                Map.of(compiled.output(x), Shape.of(SIZE, SIZE)),
                List.of(compiled.output(end).op()))
            .get(0)
            .instructions();
      }
    }

    List<String> nodes() {
      List<NodeDef> body = graph.toGraphDef().getNodeList();
      return StoredSums.in(body, "one").stream().map(NodeDef::getOp).toList();
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  @Test
  void instructionsGrowWithTheChainAndNotWithItsSquare() throws IOException {
    try (Chain some = Chain.of(TFloat32.class, 16);
        Chain twice = Chain.of(TFloat32.class, 32)) {
      int few = some.instructions();
      int many = twice.instructions();
      assertTrue(many < 2.2 * few, many + " of twice the steps, " + few + " of the steps");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TFloat16", "TBfloat16", "TFloat32", "TFloat64"})
  void valuesStayTheSame(String name) throws ReflectiveOperationException {
    Class<? extends TNumber> type =
        Class.forName("org.tensorflow.types." + name).asSubclass(TNumber.class);
    float[] numbers = new float[SIZE * SIZE];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) Math.sin(i);
    }
    try (Chain chain = Chain.of(type, 12);
        XlaGraph compiled = XlaGraph.of(chain.graph()).fetch(chain.end()).build();
        TFloat32 x = TFloat32.tensorOf(Shape.of(SIZE, SIZE), DataBuffers.of(numbers))) {
      assertTrue(chain.nodes().contains("RealDiv"), chain.nodes().toString());
      float tolerance = name.endsWith("loat16") ? 0.05f : 1e-5f;
      assertArrayEquals(
          run(chain.graph(), chain.end().asOutput(), x),
          run(compiled.graph(), compiled.output(chain.end()), x),
          tolerance);
    }
  }

  private static float[] run(Graph graph, Output<?> output, Tensor x) {
    try (Session session = new Session(graph);
        var result = session.runner().feed("x", x).fetch(output).run()) {
      float[] values = new float[SIZE * SIZE];
      ((TFloat32) result.get(0)).asRawTensor().data().asFloats().read(values);
      return values;
    }
  }

  @Test
  void whatXlaKeepsOrHasOnceIsLeftAlone() {
    // Too short to be worth keeping.
    assertUnchanged(Chain.of(TFloat32.class, 2));
    Graph products = new Graph();
    Ops tf = Ops.create(products);
    Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(2, 2)));
    Operand<TFloat32> state = x;
    Operand<TFloat32> sum = x;
    for (int i = 0; i < 40; i++) {
      // Used in memory by the product of matrices, and therefore kept for the next step too.
      state = tf.math.add(tf.math.mul(state, x), tf.linalg.matMul(state, x));
      // Used once.
      sum = tf.math.add(tf.math.mul(sum, x), x);
    }
    assertUnchanged(new Chain(products, x, sum));
  }

  private static void assertUnchanged(Chain chain) {
    try (chain) {
      List<String> before =
          chain.graph().toGraphDef().getNodeList().stream().map(NodeDef::getOp).toList();
      assertEquals(before, chain.nodes());
    }
  }
}
