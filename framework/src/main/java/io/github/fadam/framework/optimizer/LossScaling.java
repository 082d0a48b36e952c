package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.gradient.LossScale;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** The factor on the loss of one optimizer in its graph, and its state where it changes. */
final class LossScaling {

  private final Operand<TFloat64> value;
  private final Optional<Following> following;

  /** A factor that follows the gradients. */
  private record Following(
      LossScale.Dynamic options,
      TrainableVariable scale,
      TrainableVariable good,
      Operand<TInt64> goodValue) {

    List<Op> advance(Ops tf, Ops ordered, Condition finite, Operand<TFloat64> scaleValue) {
      Operand<TInt64> counted = tf.math.add(goodValue, tf.constant(1L));
      Operand<TBool> grows = tf.math.greaterEqual(counted, tf.constant(options.growthInterval()));
      Operand<TFloat64> factor = tf.constant(options.factor());
      Operand<TFloat64> larger =
          tf.math.minimum(tf.math.mul(scaleValue, factor), tf.constant(LossScale.Dynamic.LARGEST));
      Operand<TFloat64> smaller =
          tf.math.maximum(tf.math.div(scaleValue, factor), tf.constant(1.0));
      Operand<TInt64> zero = tf.constant(0L);
      return List.of(
          scale.assign(ordered, finite.select(tf, tf.select(grows, larger, scaleValue), smaller)),
          good.assign(ordered, finite.select(tf, tf.select(grows, zero, counted), zero)));
    }
  }

  private LossScaling(Operand<TFloat64> value, Optional<Following> following) {
    this.value = value;
    this.following = following;
  }

  static LossScaling create(Ops tf, LossScale lossScale, TrainableVariable.Kind kind) {
    if (lossScale instanceof LossScale.Dynamic options) {
      Ops init = tf.withInitScope();
      TrainableVariable scale =
          OptimizerState.create(tf, kind, "loss-scale", init.constant(options.start()));
      TrainableVariable good =
          OptimizerState.create(tf, kind, "loss-scale-good-steps", init.constant(0L));
      return new LossScaling(
          VariableUpdate.typed(scale.read(tf)),
          Optional.of(new Following(options, scale, good, VariableUpdate.typed(good.read(tf)))));
    }
    LossScale.Fixed options = (LossScale.Fixed) lossScale;
    return new LossScaling(tf.constant(options.value()), Optional.empty());
  }

  /** The loss to differentiate. */
  Operand<?> scaled(Ops tf, Operand<?> loss) {
    Operand<TNumber> typed = VariableUpdate.typed(loss);
    return tf.math.mul(typed, tf.dtypes.cast(value, typed.type()));
  }

  /** The factor, a float64 scalar. */
  Operand<TFloat64> value() {
    return value;
  }

  /** Follows the gradients; {@code ordered} is behind everything that reads the factor. */
  List<Op> advance(Ops tf, Ops ordered, Condition finite) {
    return following.map(state -> state.advance(tf, ordered, finite, value)).orElse(List.of());
  }

  Map<String, TrainableVariable> state() {
    Map<String, TrainableVariable> state = new LinkedHashMap<>();
    following.ifPresent(
        variables -> {
          state.put("loss-scale", variables.scale());
          state.put("loss-scale-good-steps", variables.good());
        });
    return state;
  }
}
