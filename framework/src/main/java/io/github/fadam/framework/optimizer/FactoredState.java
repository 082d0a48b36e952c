package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.ops.fisher.BiasCorrectedDecay;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.FactoredFisher;
import io.github.fadam.ops.fisher.Momentum;
import io.github.fadam.ops.fisher.Preconditioner;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;

/**
 * What Algorithms 2 and 4 keep between steps: R and C of a matrix, f of anything else, and m.
 *
 * @param minDimension smallest of the last two dimensions at which a variable is factored
 * @param momentum how m is kept
 */
record FactoredState(long minDimension, MomentumState momentum) {

  static final FactoredState DEFAULT = new FactoredState(1, MomentumState.FULL);

  FactoredState {
    if (minDimension < 1) {
      throw new IllegalArgumentException(
          "Expected min-dimension-to-factor of at least 1, found " + minDimension);
    }
  }

  /** Offers what is in here by name. */
  static <B extends StepBuilder<B> & FactoredBuilder<B>> void addOptions(
      B builder, Supplier<FactoredState> current) {
    builder.option(
        "min-dimension-to-factor",
        value -> builder.minDimensionToFactor(Long.parseLong(value)),
        () -> Long.toString(current.get().minDimension()));
    builder.option(
        "momentum",
        value -> builder.momentum(MomentumState.of(value)),
        () -> current.get().momentum().key());
  }

  /**
   * The FIM after a step.
   *
   * @param preconditioner made of it
   * @param slots new values of its slots
   */
  record Fisher<T extends TNumber>(
      Preconditioner<T> preconditioner, Map<String, Operand<T>> slots) {}

  private boolean factors(Shape shape) {
    int rank = shape.numDimensions();
    return rank >= 2 && Math.min(shape.get(rank - 2), shape.get(rank - 1)) >= minDimension;
  }

  List<Slot> slots(Shape shape, double initial) {
    List<Slot> slots = new ArrayList<>();
    if (factors(shape)) {
      slots.add(new Slot("R", FactoredFisher.rowShape(shape), initial));
      slots.add(new Slot("C", FactoredFisher.columnShape(shape), initial));
    } else {
      slots.add(new Slot("f", shape, initial));
    }
    momentum.slot(shape).ifPresent(slots::add);
    return slots;
  }

  /** Moves the FIM EMA; {@code added} joins the squared gradient inside the average. */
  <T extends TNumber> Fisher<T> fisher(
      Ops tf,
      BiasCorrectedDecay<T> decay,
      Gradient<T> gradient,
      double added,
      double exponent,
      Epsilon epsilon) {
    Operand<T> g = gradient.value();
    Map<String, Operand<T>> slots = gradient.slots();
    if (!factors(g.shape())) {
      Operand<T> f = decay.average(tf, slots.get("f"), plus(tf, gradient.squared(), added));
      return new Fisher<>(
          Preconditioner.of(tf, gradient.form(), f, g, exponent, epsilon), Map.of("f", f));
    }
    FactoredFisher<T> sample = FactoredFisher.of(tf, gradient.form(), gradient.squared());
    FactoredFisher<T> next =
        new FactoredFisher<>(slots.get("R"), slots.get("C"))
            .average(
                tf,
                decay,
                new FactoredFisher<>(
                    plus(tf, sample.rows(), added), plus(tf, sample.columns(), added)));
    return new Fisher<>(
        Preconditioner.of(tf, gradient.form(), next, g, exponent, epsilon),
        Map.of("R", next.rows(), "C", next.columns()));
  }

  /** m after the step, or x itself without momentum. */
  <T extends TNumber> Operand<T> momentum(
      Ops tf, double beta1, Gradient<T> gradient, Operand<T> x) {
    return momentum == MomentumState.NONE
        ? x
        : Momentum.of(tf, beta1, gradient.slots().get("m"), x);
  }

  /** All slots after the step. */
  <T extends TNumber> Map<String, Operand<T>> updated(Fisher<T> fisher, Operand<T> m) {
    if (momentum == MomentumState.NONE) {
      return fisher.slots();
    }
    Map<String, Operand<T>> slots = new HashMap<>(fisher.slots());
    slots.put("m", m);
    return slots;
  }

  private static <T extends TNumber> Operand<T> plus(Ops tf, Operand<T> x, double added) {
    return added == 0 ? x : tf.math.add(x, tf.dtypes.cast(tf.constant(added), x.type()));
  }
}
