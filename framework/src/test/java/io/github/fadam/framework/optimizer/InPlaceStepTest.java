package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** A variable that a step only subtracts from is changed in place, with the same bits. */
class InPlaceStepTest {

  /** Two variables, of which each is the other's gradient. */
  private static final class Product implements AutoCloseable {
    private final Graph graph = new Graph();
    private final Ops tf = Ops.create(graph);
    private final TrainableVariable a;
    private final TrainableVariable b;
    private final Op step;
    private final Session session;

    Product(Kind kind, Map<String, String> options, boolean foreign) {
      a = variable(kind, "a", 1.1f, -2.3f, 0.7f);
      b = variable(kind, "b", -0.9f, 1.7f, 3.1f);
      Sgd.Builder builder = Sgd.builder(graph).learningRate(0.3);
      options.forEach(builder::set);
      Sgd sgd = builder.build();
      step =
          foreign
              ? sgd.applyGradients(List.of(pair(b, a), pair(a, b)), "step")
              : sgd.minimize(
                  tf.reduceSum(tf.math.mul(value(a), value(b)), tf.constant(new int[] {0})));
      session = new Session(graph);
    }

    private TrainableVariable variable(Kind kind, String name, float... values) {
      return TrainableVariable.create(tf, kind, name, tf.withInitScope().constant(values));
    }

    @SuppressWarnings("unchecked")
    private Operand<TFloat32> value(TrainableVariable variable) {
      return (Operand<TFloat32>) variable.read(tf);
    }

    @SuppressWarnings("unchecked") // the framework types a pair by the variable's value
    private GradAndVar<TFloat32> pair(TrainableVariable gradient, TrainableVariable variable) {
      return new GradAndVar<>(
          value(gradient).asOutput(),
          (org.tensorflow.Output<TFloat32>) (org.tensorflow.Output<?>) variable.handle());
    }

    /** Number of variables that are changed in place. */
    long inPlace() {
      return graph.toGraphDef().getNodeList().stream()
          .filter(node -> node.getOp().startsWith("AssignSub"))
          .count();
    }

    float[] after(int steps) {
      for (int i = 0; i < steps; i++) {
        session.run(step);
      }
      float[] all = new float[6];
      try (var result = session.runner().fetch(value(a)).fetch(value(b)).run()) {
        for (int i = 0; i < 6; i++) {
          all[i] = ((TFloat32) result.get(i / 3)).getFloat(i % 3);
        }
      }
      return all;
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  /** Each step from the values before it, in Java. */
  private static float[] expected(int steps) {
    float[] v = {1.1f, -2.3f, 0.7f, -0.9f, 1.7f, 3.1f};
    for (int step = 0; step < steps; step++) {
      float[] old = v.clone();
      for (int i = 0; i < 6; i++) {
        v[i] = old[i] - 0.3f * old[(i + 3) % 6];
      }
    }
    return v;
  }

  @ParameterizedTest
  @CsvSource({"REFERENCE, 0", "RESOURCE, 2"})
  void subtractsFromTheValuesBeforeTheStep(Kind kind, long inPlace) {
    for (int run = 0; run < 10; run++) {
      try (Product product = new Product(kind, Map.of(), false)) {
        assertEquals(inPlace, product.inPlace());
        assertArrayEquals(expected(3), product.after(3));
      }
    }
  }

  /** A gradient may be another variable's buffer, which must not change before it has been used. */
  @ParameterizedTest
  @CsvSource({"REFERENCE, 0", "RESOURCE, 2"})
  void whatSomebodyElseDifferentiatedIsUsedFirst(Kind kind, long inPlace) {
    for (int run = 0; run < 10; run++) {
      try (Product product = new Product(kind, Map.of(), true)) {
        assertEquals(inPlace, product.inPlace());
        assertArrayEquals(expected(3), product.after(3));
      }
    }
  }

  /** What needs the new value, or may leave the old one, assigns: with the same bits. */
  @ParameterizedTest
  @ValueSource(strings = {"ema=0.9", "guard=skip"})
  void assignsWhereTheNewValueIsNeeded(String option) {
    String[] pair = option.split("=", -1);
    try (Product product = new Product(Kind.RESOURCE, Map.of(pair[0], pair[1]), false)) {
      assertEquals(0, product.inPlace());
      assertArrayEquals(expected(3), product.after(3));
    }
  }
}
