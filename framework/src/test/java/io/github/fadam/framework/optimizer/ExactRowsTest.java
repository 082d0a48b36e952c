package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** A large table is updated by rows where that makes no difference, and only there. */
class ExactRowsTest {

  private static final int ROWS = 8192;
  private static final int WIDTH = 8;

  /** A table, two lookups, and their step. */
  private static final class Table implements AutoCloseable {
    private final Graph graph = new Graph();
    private final Ops tf = Ops.create(graph);
    private final Placeholder<TInt32> first = rows();
    private final Placeholder<TInt32> second = rows();
    private final Operand<?> value;
    private final Op step;
    private final Session session;

    Table(
        Kind kind,
        int rows,
        Function<Graph, RuleOptimizer> optimizer,
        Function<RuleOptimizer, Function<Operand<?>, Op>> build) {
      Ops init = tf.withInitScope();
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              kind,
              "table",
              init.random.statelessRandomNormal(
                  init.constant(new int[] {rows, WIDTH}),
                  init.constant(new long[] {3, 4}),
                  TFloat32.class));
      Operand<TFloat32> loss =
          tf.reduceSum(
              tf.math.mul(gather(kind, table, first), gather(kind, table, second)),
              tf.constant(new int[] {0, 1}));
      step = build.apply(optimizer.apply(graph)).apply(loss);
      value = table.read(tf);
      session = new Session(graph);
    }

    private Placeholder<TInt32> rows() {
      return tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(-1)));
    }

    @SuppressWarnings("unchecked")
    private Operand<TFloat32> gather(Kind kind, TrainableVariable table, Operand<TInt32> indices) {
      return kind == Kind.RESOURCE
          ? tf.resourceGather(table.handle(), indices, TFloat32.class)
          : tf.gather((Operand<TFloat32>) table.read(tf), indices, tf.constant(0));
    }

    boolean scatters() {
      return graph.toGraphDef().getNodeList().stream()
          .anyMatch(node -> node.getOp().contains("ScatterUpdate"));
    }

    byte[] after(int steps) {
      Random random = new Random(11);
      for (int i = 0; i < steps; i++) {
        // Few distinct rows, so that each appears several times.
        try (TInt32 one = TInt32.vectorOf(random.ints(64, 0, 16).toArray());
            TInt32 two = TInt32.vectorOf(random.ints(64, 8, 4000).toArray())) {
          session.runner().feed(first, one).feed(second, two).addTarget(step).run().close();
        }
      }
      try (var result = session.runner().fetch(value).run()) {
        byte[] bytes = new byte[ROWS * WIDTH * Float.BYTES];
        result.get(0).asRawTensor().data().read(bytes);
        return bytes;
      }
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  private static Function<Operand<?>, Op> minimized(RuleOptimizer optimizer) {
    return optimizer::minimize;
  }

  private static Function<Operand<?>, Op> dense(RuleOptimizer optimizer) {
    return loss -> {
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      for (GradAndVar<?> pair : optimizer.computeGradients(loss)) {
        pairs.add(pair);
      }
      return optimizer.applyGradients(pairs, "step");
    };
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void plainDescentHasTheBitsOfTheDenseOne(Kind kind) {
    try (Table rows = new Table(kind, ROWS, g -> new Sgd(g, 0.01), ExactRowsTest::minimized);
        Table dense = new Table(kind, ROWS, g -> new Sgd(g, 0.01), ExactRowsTest::dense)) {
      assertTrue(rows.scatters());
      assertFalse(dense.scatters());
      byte[] start = dense.after(0);
      byte[] end = dense.after(10);
      assertFalse(Arrays.equals(start, end));
      assertTrue(Arrays.equals(end, rows.after(10)), "other bits");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "momentum=0.9",
        "weight-decay=0.01",
        "ema=0.9",
        "accumulate=2",
        "clip-by-global-norm=1",
        "kernel=xla"
      })
  void whateverMovesOtherRowsOrLooksAtAllOfThemIsDense(String option) {
    String[] pair = option.split("=", -1);
    try (Table table =
        new Table(
            Kind.RESOURCE,
            ROWS,
            g -> Sgd.builder(g).set(pair[0], pair[1]).build(),
            ExactRowsTest::minimized)) {
      assertFalse(table.scatters());
    }
  }

  @Test
  void aGroupMayDecayAlone() {
    try (Table decaying =
            new Table(
                Kind.RESOURCE,
                ROWS,
                g ->
                    Sgd.builder(g)
                        .group(ParameterGroup.parse("table:weight-decay=0.1").get(0))
                        .build(),
                ExactRowsTest::minimized);
        Table resting =
            new Table(
                Kind.RESOURCE,
                ROWS,
                g ->
                    Sgd.builder(g)
                        .weightDecay(0.1)
                        .group(ParameterGroup.parse("table:weight-decay=0").get(0))
                        .build(),
                ExactRowsTest::minimized)) {
      assertFalse(decaying.scatters());
      assertTrue(resting.scatters());
    }
  }

  @Test
  void aSmallTableIsUpdatedWhole() {
    try (Table table =
        new Table(Kind.RESOURCE, ROWS - 1, g -> new Sgd(g, 0.01), ExactRowsTest::minimized)) {
      assertFalse(table.scatters());
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aTableThatIsAlsoUsedWholeIsUpdatedWhole(Kind kind) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable table =
          TrainableVariable.create(
              tf,
              kind,
              "table",
              tf.withInitScope().zeros(tf.constant(new int[] {ROWS, WIDTH}), TFloat32.class));
      @SuppressWarnings("unchecked")
      Operand<TFloat32> whole = (Operand<TFloat32>) table.read(tf);
      Operand<TInt32> index = tf.constant(new int[] {0, 2});
      Operand<TFloat32> rows =
          kind == Kind.RESOURCE
              ? tf.resourceGather(table.handle(), index, TFloat32.class)
              : tf.gather(whole, index, tf.constant(0));
      new Sgd(graph, 0.1)
          .minimize(
              tf.linalg.matMul(rows, tf.linalg.transpose(whole, tf.constant(new int[] {1, 0}))));
      assertEquals(
          0,
          graph.toGraphDef().getNodeList().stream()
              .filter(node -> node.getOp().contains("ScatterUpdate"))
              .count());
    }
  }
}
