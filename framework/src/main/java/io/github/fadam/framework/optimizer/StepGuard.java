package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.fisher.Form;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** Tests a step's gradients and counts the steps that they make skip. */
final class StepGuard {

  private final TrainableVariable skipped;
  private final TrainableVariable inARow;
  private final Operand<TInt64> skippedValue;
  private final Operand<TInt64> inARowValue;
  private Operand<TBool> finite;

  StepGuard(Ops tf, TrainableVariable.Kind kind) {
    Ops init = tf.withInitScope();
    skipped = OptimizerState.create(tf, kind, "skipped", init.constant(0L));
    inARow = OptimizerState.create(tf, kind, "skipped-in-a-row", init.constant(0L));
    skippedValue = VariableUpdate.typed(skipped.read(tf));
    inARowValue = VariableUpdate.typed(inARow.read(tf));
  }

  /** Adds the test of all gradients, and says when they pass it. */
  Condition test(Ops tf, Form form, List<Operand<? extends TNumber>> gradients) {
    List<Operand<TBool>> each = new ArrayList<>();
    for (Operand<? extends TNumber> gradient : gradients) {
      each.add(form.finite(tf, gradient));
    }
    finite = each.size() == 1 ? each.get(0) : tf.reduceAll(tf.stack(each), tf.constant(0));
    return new Condition(Optional.of(finite));
  }

  /** Counts; {@code ordered} is behind everything that reads the counters. */
  List<Op> advance(Ops tf, Ops ordered) {
    Operand<TInt64> one = tf.constant(1L);
    return List.of(
        skipped.assign(ordered, tf.select(finite, skippedValue, tf.math.add(skippedValue, one))),
        inARow.assign(ordered, tf.select(finite, tf.constant(0L), tf.math.add(inARowValue, one))));
  }

  Operand<TInt64> skipped() {
    return skippedValue;
  }

  Operand<TInt64> inARow() {
    return inARowValue;
  }

  /** Both counters, read behind what {@code tf} waits for. */
  Operand<TInt64> read(Ops tf) {
    Operand<TInt64> total = VariableUpdate.typed(skipped.read(tf));
    Operand<TInt64> row = VariableUpdate.typed(inARow.read(tf));
    return tf.stack(List.of(total, row));
  }

  Map<String, TrainableVariable> state() {
    Map<String, TrainableVariable> state = new LinkedHashMap<>();
    state.put("skipped", skipped);
    state.put("skipped-in-a-row", inARow);
    return state;
  }
}
