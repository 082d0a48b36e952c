package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.PropertyTable.Cell;
import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** Columns of the {@link PropertyTable}: every optimizer finds the bottom of a valley. */
class ConvergenceTest {

  private static final int STEPS = 1000;

  /** Two optimizers of a kind in one graph, each with a valley of its own. */
  @ParameterizedTest
  @MethodSource("io.github.fadam.framework.optimizer.PropertyTable#cells")
  void convergesOnAQuadraticAndOnRosenbrockSideBySide(Cell cell) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable w = variable(tf, cell, "w", -2, 1, 3, -1, 2, -3);
      TrainableVariable x = variable(tf, cell, "x", cell.row().from.x());
      TrainableVariable y = variable(tf, cell, "y", cell.row().from.y());
      Operand<TNumber> quadratic = quadratic(tf, cell, w);
      Operand<TNumber> rosenbrock = rosenbrock(tf, cell, x, y);
      RuleOptimizer first = optimizer(cell, graph, cell.row().quadraticRate);
      RuleOptimizer second = optimizer(cell, graph, cell.row().rosenbrockRate);
      Op descend = first.minimize(quadratic, List.of(w.handle()));
      Op search = second.minimize(rosenbrock, List.of(x.handle(), y.handle()));
      Set<TrainableVariable> states = new HashSet<>(first.state().values());
      assertTrue(Collections.disjoint(states, second.state().values()));
      assertEquals(
          2 + 2 * Row.words(cell.row().matrixSlots).size(),
          second.state().size(),
          "no slots of the first");
      try (Session session = new Session(graph)) {
        double[] before = losses(session, quadratic, rosenbrock);
        for (int t = 0; t < STEPS; t++) {
          session.runner().addTarget(descend).addTarget(search).run().close();
        }
        double[] after = losses(session, quadratic, rosenbrock);
        assertTrue(after[0] < 1e-4 * before[0], () -> "quadratic " + after[0] + " of " + before[0]);
        assertTrue(
            after[1] < 0.02 * before[1], () -> "Rosenbrock " + after[1] + " of " + before[1]);
      }
    }
  }

  private static RuleOptimizer optimizer(Cell cell, Graph graph, double rate) {
    return cell.row().withoutDecay(graph).learningRate(Schedules.linear(rate, 0, STEPS)).build();
  }

  private static TrainableVariable variable(Ops tf, Cell cell, String name, double... values) {
    Ops init = tf.withInitScope();
    return TrainableVariable.create(
        tf,
        cell.kind(),
        name,
        init.dtypes.cast(
            init.reshape(init.constant(values), init.constant(new int[] {2, 3})), cell.type()));
  }

  @SuppressWarnings("unchecked") // the wildcard stands for one type
  private static Operand<TNumber> number(Ops tf, Cell cell, double... values) {
    Operand<TFloat64> wide =
        values.length == 1
            ? tf.constant(values[0])
            : tf.reshape(tf.constant(values), tf.constant(new int[] {2, 3}));
    return tf.dtypes.cast(wide, (Class<TNumber>) cell.type());
  }

  private static Operand<TNumber> quadratic(Ops tf, Cell cell, TrainableVariable w) {
    Operand<TNumber> apart =
        tf.math.sub(VariableUpdate.typed(w.read(tf)), number(tf, cell, 1, -1, 0.5, 2, -0.5, 0));
    Operand<TNumber> curved = tf.math.mul(number(tf, cell, 1, 2, 5, 3, 1, 4), apart);
    return tf.sum(tf.math.mul(curved, apart), tf.constant(new int[] {0, 1}));
  }

  private static Operand<TNumber> rosenbrock(
      Ops tf, Cell cell, TrainableVariable x, TrainableVariable y) {
    Operand<TNumber> a = tf.identity(VariableUpdate.<TNumber>typed(x.read(tf)));
    Operand<TNumber> b = tf.identity(VariableUpdate.<TNumber>typed(y.read(tf)));
    Operand<TNumber> along = tf.math.sub(number(tf, cell, 1), a);
    Operand<TNumber> across = tf.math.sub(b, tf.math.mul(a, a));
    return tf.sum(
        tf.math.add(
            tf.math.mul(along, along),
            tf.math.mul(number(tf, cell, 100), tf.math.mul(across, across))),
        tf.constant(new int[] {0, 1}));
  }

  private static double[] losses(Session session, Operand<?> quadratic, Operand<?> rosenbrock) {
    try (Result result = session.runner().fetch(quadratic).fetch(rosenbrock).run()) {
      return new double[] {FedStep.numbers(result.get(0))[0], FedStep.numbers(result.get(1))[0]};
    }
  }
}
