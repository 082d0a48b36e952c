package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.random.RandomUniformInt;
import org.tensorflow.proto.OpDef;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Values that XLA has to know when it compiles. */
class ConstantInputsTest {

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Placeholder<TFloat32> rows =
      tf.withName("rows").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 2)));
  private final Placeholder<TInt32> times =
      tf.withName("times").placeholder(TInt32.class, Placeholder.shape(Shape.of(1)));
  private final TrainableVariable theta =
      TrainableVariable.create(
          tf, Kind.RESOURCE, "theta", tf.withInitScope().constant(new float[] {1, 2}));

  @AfterEach
  void close() {
    graph.close();
  }

  @SuppressWarnings("unchecked") // the variable is of floats
  private Operand<TFloat32> read() {
    return (Operand<TFloat32>) theta.read(tf);
  }

  private void assertRefused(String name, String origin, Operand<?> fetch) {
    NotCompilableException refused =
        assertThrows(NotCompilableException.class, () -> XlaGraph.of(graph).fetch(fetch).build());
    assertEquals(name, refused.reasons().get(0).name());
    assertTrue(refused.getMessage().contains("value of " + origin), refused.getMessage());
  }

  @Test
  void aValueThatIsFedIsRefused() {
    assertRefused("copies", "times", tf.withName("copies").tile(read(), times));
  }

  @Test
  void aValueThatIsTrainedIsRefused() {
    Operand<TInt32> axis =
        tf.dtypes.cast(tf.gather(read(), tf.constant(0), tf.constant(0)), TInt32.class);
    assertRefused("total", "theta", tf.withName("total").sum(rows, axis));
  }

  @Test
  void shapesAndConstantsAreKnown() {
    Operand<TInt32> shape = tf.math.mul(tf.shape(rows), tf.constant(new int[] {1, 1}));
    Operand<TFloat32> spread = tf.withName("y").broadcastTo(read(), shape);
    assertEquals(List.of(1f, 2f, 1f, 2f), run(spread, Map.of(), new float[][] {{0, 0}, {0, 0}}));
  }

  @Test
  void whatNeedsNoVariableIsComputedBefore() {
    Operand<TFloat32> ones = tf.withName("ones").fill(times, tf.constant(1f));
    Operand<TFloat32> y =
        tf.withName("y").math.mul(tf.sum(ones, tf.constant(0)), tf.sum(read(), tf.constant(0)));
    try (XlaGraph compiled = XlaGraph.of(graph).fetch(y).build()) {
      assertTrue(compiled.function().outside().contains("ones"));
    }
    assertEquals(List.of(9f), run(y, Map.of("times", 3), null));
    assertEquals(List.of(12f), run(y, Map.of("times", 4), null));
  }

  private List<Float> run(Operand<TFloat32> fetch, Map<String, Integer> numbers, float[][] fed) {
    try (XlaGraph compiled = XlaGraph.of(graph).fetch(fetch).build();
        Session session = new Session(compiled.graph());
        TInt32 number = TInt32.vectorOf(numbers.getOrDefault("times", 0));
        TFloat32 batch =
            TFloat32.tensorOf(StdArrays.ndCopyOf(fed == null ? new float[1][2] : fed))) {
      Session.Runner runner = session.runner();
      if (!numbers.isEmpty()) {
        runner.feed("times", number);
      }
      if (fed != null) {
        runner.feed("rows", batch);
      }
      try (Result result = runner.fetch("y").run()) {
        List<Float> values = new ArrayList<>();
        ((TFloat32) result.get(0)).scalars().forEach(value -> values.add(value.getFloat()));
        return values;
      }
    }
  }

  /**
   * Random numbers come from nothing that is known before; TensorFlow finds them in the first run.
   */
  @Test
  void whatOnlyTheFirstRunFindsIsNamedToo() {
    Operand<TInt32> random =
        tf.random.randomUniformInt(
            tf.constant(new int[] {1}), tf.constant(1), tf.constant(3), RandomUniformInt.seed(1L));
    Operand<TFloat32> y =
        tf.withName("y").sum(tf.withName("copies").tile(read(), random), tf.constant(0));
    try (XlaGraph compiled = XlaGraph.of(graph).fetch(y).build();
        Session session = new Session(compiled.graph())) {
      TFInvalidArgumentException failed =
          assertThrows(
              TFInvalidArgumentException.class, () -> session.runner().fetch("y").run().close());
      NotCompilableException named = NotCompilableException.of(failed).orElseThrow();
      assertEquals("copies", named.reasons().get(0).name(), failed.getMessage());
      assertEquals("Tile", named.reasons().get(0).op(), failed.getMessage());
      assertTrue(named.getMessage().contains("compile-time constant"), named.getMessage());
    }
  }

  @Test
  void otherFailuresAreNoneOfCompiling() {
    Operand<TFloat32> y = tf.withName("y").math.add(read(), read());
    try (Session session = new Session(graph)) {
      TFInvalidArgumentException failed =
          assertThrows(
              TFInvalidArgumentException.class,
              () -> session.runner().fetch(tf.math.add(y, rows)).run().close());
      assertTrue(NotCompilableException.of(failed).isEmpty(), failed.getMessage());
    }
  }

  /** The places are those that the operations have in the running library. */
  @Test
  void theTableFitsTheOperations() {
    Map<String, OpDef> operations = new HashMap<>();
    TensorFlow.registeredOpList().getOpList().forEach(op -> operations.put(op.getName(), op));
    assertTrue(ConstantInputs.arguments().size() > 100);
    ConstantInputs.arguments()
        .forEach(
            (op, arguments) -> {
              assertTrue(XlaOps.names().contains(op), op);
              List<OpDef.ArgDef> inputs = operations.get(op).getInputArgList();
              for (ConstantInputs.Argument argument : arguments) {
                int place =
                    argument.place() < 0 ? inputs.size() + argument.place() : argument.place();
                assertEquals(argument.name(), inputs.get(place).getName(), op);
                assertEquals(argument.count().orElse(""), inputs.get(place).getNumberAttr(), op);
                List<OpDef.ArgDef> counted =
                    argument.place() < 0
                        ? inputs.subList(place, inputs.size())
                        : inputs.subList(0, place);
                assertTrue(counted.stream().allMatch(input -> input.getNumberAttr().isEmpty()), op);
              }
            });
  }
}
