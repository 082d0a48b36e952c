package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * What is added to a signature's plain nodes to train it: labels, loss, metrics, gradients, step.
 *
 * @param inputs signature input key to placeholder
 * @param labels label column to placeholder
 * @param outputs signature output key to tensor
 * @param loss the sum of the objectives' losses, a float32 scalar
 * @param metrics further means over the batch by name, float32 scalars
 * @param checks by output, the probabilities that a loss takes although no activation shows that
 *     they are; the first batch's values tell
 * @param step runs one update and what the signature's functions do besides
 */
record TrainingGraph(
    Map<String, Output<?>> inputs,
    Map<String, Output<?>> labels,
    Map<String, Output<?>> outputs,
    Operand<TFloat32> loss,
    Map<String, Operand<TFloat32>> metrics,
    List<ProbabilityCheck> checks,
    Op step) {

  /** Adds everything to the graph of the emitted nodes. */
  static TrainingGraph build(
      Graph graph,
      EmittedGraph signature,
      List<Objective> objectives,
      List<Output<?>> variables,
      RuleOptimizer optimizer) {
    Ops tf = Ops.create(graph).withSubScope("training");
    Map<String, Output<?>> labels = new LinkedHashMap<>();
    Map<String, Operand<TFloat32>> metrics = new LinkedHashMap<>();
    List<ProbabilityCheck> checks = new ArrayList<>();
    List<Operand<TFloat32>> losses = new ArrayList<>();
    for (Objective objective : objectives) {
      Output<?> output = signature.outputs().get(objective.output());
      LossInput input = LossInput.of(objective, output);
      Loss loss = input.loss();
      Placeholder<? extends TNumber> label =
          tf.placeholder(
              labelType(loss, output), Placeholder.shape(loss.labelShape(output.shape())));
      labels.put(objective.labels(), label.asOutput());
      Operand<TFloat32> value =
          tf.dtypes.cast(loss.value(tf, label, input.tensor()), TFloat32.class);
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
    Operand<TFloat32> loss = losses.size() == 1 ? losses.get(0) : tf.math.addN(losses);
    Op step = step(tf, optimizer, loss, variables, signature.sideEffects());
    return new TrainingGraph(
        signature.inputs(), labels, signature.outputs(), loss, metrics, checks, step);
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

  private static Op step(
      Ops tf,
      RuleOptimizer optimizer,
      Operand<TFloat32> loss,
      List<Output<?>> variables,
      List<Operation> sideEffects) {
    List<Operation> before = new ArrayList<>(sideEffects);
    before.add(loss.op());
    // The loss that is reported has to be computed before any variable moves.
    Ops after = tf.withControlDependencyOps(before);
    List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
    for (GradAndVar<?> pair : optimizer.computeGradients(loss, variables)) {
      pairs.add(behind(after, pair));
    }
    return optimizer.applyGradients(pairs, optimizer.getOptimizerName() + "-step");
  }

  @SuppressWarnings("unchecked") // the pair's two types are one
  private static GradAndVar<?> behind(Ops after, GradAndVar<?> pair) {
    return new GradAndVar<>(
        after.identity((Output<TNumber>) pair.getGradient()).asOutput(),
        (Output<TNumber>) pair.getVariable());
  }
}
