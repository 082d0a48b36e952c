package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** Swaps variables and the averages of their values. */
final class WeightAverage {

  private final String optimizer;
  private final TrainableVariable swapped;
  private final Operand<TInt64> swappedValue;
  private Op swap;

  WeightAverage(Ops tf, String optimizer, TrainableVariable.Kind kind) {
    this.optimizer = optimizer;
    swapped = OptimizerState.create(tf, kind, "ema-swapped", tf.withInitScope().constant(0L));
    swappedValue = VariableUpdate.typed(swapped.read(tf));
  }

  /** An operation that fails while the averages are in the variables' place. */
  Op check(Ops tf) {
    String message =
        optimizer
            + " cannot make a step while the weights' averages are in their place; call swapWeights"
            + " first";
    return tf.assertThat(
        tf.math.equal(swappedValue, tf.constant(0L)), List.of(tf.constant(message)));
  }

  void addSwap(Ops tf, Collection<VariableUpdate<?>> updates) {
    List<Map.Entry<TrainableVariable, Operand<?>>> targets = new ArrayList<>();
    List<Op> values = new ArrayList<>();
    for (VariableUpdate<? extends TNumber> update : updates) {
      update.swapped(tf).forEach((target, value) -> targets.add(Map.entry(target, value)));
    }
    Operand<TInt64> flag = tf.math.sub(tf.constant(1L), swappedValue);
    targets.add(Map.entry(swapped, flag));
    targets.forEach(target -> values.add(target.getValue()));
    Ops ordered = OptimizerStep.behind(tf, "swap-values", values);
    List<Op> assigns = new ArrayList<>();
    targets.forEach(target -> assigns.add(target.getKey().assign(ordered, target.getValue())));
    swap = tf.withControlDependencies(assigns).withName("swap-weights").noOp();
  }

  boolean swap(Session session, TrainableVariable step, Operand<TInt64> completed) {
    if (read(session, completed) == 0) {
      throw new IllegalStateException(
          optimizer
              + " has no average of the weights before "
              + step.name()
              + " is at 1; make a step first.");
    }
    session.runner().addTarget(swap).run().close();
    return read(session, swappedValue) == 1;
  }

  private static long read(Session session, Operand<TInt64> scalar) {
    try (var result = session.runner().fetch(scalar).run()) {
      return ((TInt64) result.get(0)).getLong();
    }
  }

  TrainableVariable variable() {
    return swapped;
  }
}
