package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * What is added to a signature's plain nodes to measure it: labels, loss, metrics.
 *
 * @param inputs signature input key to placeholder
 * @param labels label column to placeholder
 * @param classes label column to number of classes, where the labels are numbers of classes
 * @param outputs signature output key to tensor
 * @param loss the sum of the objectives' losses and of the model's own, a float32 scalar
 * @param metrics further means over the batch by name, float32 scalars
 * @param checks of outputs that a loss takes as probabilities although no activation shows that
 *     they are; the first batch's values tell
 * @param randomKey what the signature's random numbers follow from, if it draws any
 * @param weights how much each row counts in the loss, where they may differ
 */
record ScoringGraph(
    Map<String, Output<?>> inputs,
    Map<String, Output<?>> labels,
    Map<String, Long> classes,
    Map<String, Output<?>> outputs,
    Operand<TFloat32> loss,
    Map<String, Operand<TFloat32>> metrics,
    List<ProbabilityCheck> checks,
    Optional<Output<?>> randomKey,
    Optional<Output<?>> weights) {

  /**
   * Adds everything to the graph of the emitted nodes.
   *
   * @param ownLosses keys of outputs that are added to the loss, scalars each
   */
  static ScoringGraph build(
      Ops tf, EmittedGraph signature, List<Objective> objectives, List<String> ownLosses) {
    return build(tf, signature, objectives, ownLosses, Optional.empty()).orElseThrow();
  }

  /** Adds the same once more with a weight for each row; empty if a loss cannot have them. */
  static Optional<ScoringGraph> weighted(
      Ops tf, EmittedGraph signature, List<Objective> objectives) {
    Placeholder<TFloat32> weights =
        tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE)));
    return build(tf, signature, objectives, List.of(), Optional.of(weights));
  }

  private static Optional<ScoringGraph> build(
      Ops tf,
      EmittedGraph signature,
      List<Objective> objectives,
      List<String> ownLosses,
      Optional<Operand<TFloat32>> weights) {
    Map<String, Output<?>> labels = new LinkedHashMap<>();
    Map<String, Long> classes = new LinkedHashMap<>();
    Map<String, Operand<TFloat32>> metrics = new LinkedHashMap<>();
    List<ProbabilityCheck> checks = new ArrayList<>();
    List<Operand<TFloat32>> losses = new ArrayList<>();
    Refusals.all(
        objectives.stream()
            .<Runnable>map(
                objective ->
                    () -> LossInput.of(objective, signature.outputs().get(objective.output())))
            .toList());
    for (Objective objective : objectives) {
      Output<?> output = signature.outputs().get(objective.output());
      LossInput input = LossInput.of(objective, output);
      Loss loss = input.loss();
      Placeholder<? extends TNumber> label =
          tf.placeholder(
              labelType(loss, output), Placeholder.shape(loss.labelShape(output.shape())));
      labels.put(objective.labels(), label.asOutput());
      classes(loss, output).ifPresent(count -> classes.put(objective.labels(), count));
      Optional<Operand<? extends TNumber>> mean =
          weights.isEmpty()
              ? Optional.of(loss.value(tf, label, input.tensor()))
              : loss.weightedValue(tf, label, input.tensor(), weights.get());
      if (mean.isEmpty()) {
        return Optional.empty();
      }
      Operand<TFloat32> value = tf.dtypes.cast(mean.get(), TFloat32.class);
      losses.add(value);
      String prefix = objectives.size() == 1 ? "" : objective.output() + ":";
      if (objectives.size() > 1) {
        metrics.put(prefix + "loss", value);
      }
      loss.accuracy(tf, label, input.tensor())
          .ifPresent(accuracy -> metrics.put(prefix + "accuracy", accuracy));
      if (input.unproven()) {
        checks.add(
            ProbabilityCheck.of(
                tf, objective.output(), loss, tf.dtypes.cast(number(output), TFloat32.class)));
      }
    }
    for (String key : ownLosses) {
      losses.add(tf.dtypes.cast(number(signature.outputs().get(key)), TFloat32.class));
    }
    Operand<TFloat32> loss = losses.size() == 1 ? losses.get(0) : tf.math.addN(losses);
    return Optional.of(
        new ScoringGraph(
            signature.inputs(),
            labels,
            classes,
            signature.outputs(),
            loss,
            metrics,
            checks,
            signature.randomKey(),
            weights.map(Operand::asOutput)));
  }

  private static Optional<Long> classes(Loss loss, Output<?> output) {
    Shape shape = output.shape();
    if (loss.labelType(output.dataType()) != DataType.DT_INT64
        || shape.isUnknown()
        || shape.get(-1) == Shape.UNKNOWN_SIZE) {
      return Optional.empty();
    }
    return Optional.of(shape.get(-1));
  }

  private static Class<? extends TNumber> labelType(Loss loss, Output<?> output) {
    return switch (loss.labelType(output.dataType())) {
      case DT_INT64 -> TInt64.class;
      case DT_DOUBLE -> TFloat64.class;
      default -> TFloat32.class;
    };
  }

  @SuppressWarnings("unchecked") // a loss takes floating point outputs only
  private static Operand<TNumber> number(Output<?> output) {
    return (Operand<TNumber>) output;
  }
}
