package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The variable {@code w}, first 1 and -2, a loss of its own type with a slope that is fed, and an
 * optimizer's step that minimizes it.
 */
final class SlopedStep<T extends TNumber> implements AutoCloseable {

  /** Of the variable's value and the slope, of its type, to be summed. */
  interface Terms<T extends TNumber> {
    Operand<T> of(Ops tf, Operand<T> value, Operand<T> slope);
  }

  final RuleOptimizer optimizer;
  final Session session;
  private final Graph graph = new Graph();
  private final Placeholder<TFloat32> slope;
  private final Op step;
  private final Map<String, Operand<?>> reads = new LinkedHashMap<>();

  SlopedStep(
      Class<T> type,
      TrainableVariable.Kind kind,
      Shape slopes,
      Terms<T> loss,
      Function<Graph, RuleOptimizer> optimizer) {
    Ops tf = Ops.create(graph);
    Ops init = tf.withInitScope();
    slope = tf.placeholder(TFloat32.class, Placeholder.shape(slopes));
    TrainableVariable variable =
        TrainableVariable.create(
            tf, kind, "w", init.dtypes.cast(init.constant(new float[] {1, -2}), type));
    Operand<T> value = VariableUpdate.typed(variable.read(tf));
    this.optimizer = optimizer.apply(graph);
    step =
        this.optimizer.minimize(
            tf.reduceSum(loss.of(tf, value, tf.dtypes.cast(slope, type)), tf.constant(0)));
    this.optimizer.state().forEach((name, state) -> reads.put(name, state.read(tf)));
    reads.put("w", variable.read(tf));
    session = new Session(graph);
  }

  void run(float... slopes) {
    try (TFloat32 fed = TFloat32.tensorOf(slope.shape(), DataBuffers.of(slopes))) {
      session.runner().feed(slope, fed).addTarget(step).run().close();
    }
  }

  /** The variable and all state of the optimizer by name, flat. */
  Map<String, double[]> values() {
    return FedStep.read(session, reads);
  }

  double[] theta() {
    return values().get("w");
  }

  /** The loss scale. */
  double scale() {
    try (Result result = session.runner().fetch(optimizer.lossScale().orElseThrow()).run()) {
      return ((TFloat64) result.get(0)).getDouble();
    }
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
