package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.FAdafactor;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Adam;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Updates of one set of variables by several contestants, which share the variables and their
 * gradients. Only the framework's Adam, which knows reference variables alone, has its own.
 */
final class UpdateContest implements AutoCloseable {

  private final Class<? extends TNumber> type;
  private final Graph graph = new Graph();
  private final Graph references = new Graph();
  private final Map<Contestant, Op> steps = new TreeMap<>();
  private final Session session;
  private final Session referencesSession;

  UpdateContest(VariableSet set, Class<? extends TNumber> type, List<Contestant> contestants) {
    this.type = type;
    Ops tf = Ops.create(graph);
    List<TrainableVariable> variables = new ArrayList<>();
    List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
    for (Shape shape : set.shapes()) {
      TrainableVariable variable = resource(tf, "variable", shape, 0.5);
      variables.add(variable);
      pairs.add(pair(resource(tf, "gradient", shape, 0.25).read(tf), variable.handle()));
    }
    for (Contestant contestant : contestants) {
      steps.put(
          contestant,
          switch (contestant) {
            case RESOURCE_APPLY_ADAM -> adam(tf, variables, pairs);
            case FRAMEWORK_ADAM -> frameworkAdam(set);
            default -> fisher(contestant, pairs);
          });
    }
    session = new Session(graph);
    referencesSession = new Session(references);
  }

  /** Milliseconds of one update. */
  double milliseconds(Contestant contestant) {
    Session owner = contestant == Contestant.FRAMEWORK_ADAM ? referencesSession : session;
    long start = System.nanoTime();
    owner.runner().addTarget(steps.get(contestant)).run().close();
    return (System.nanoTime() - start) / 1e6;
  }

  private Op fisher(Contestant contestant, List<GradAndVar<? extends TType>> pairs) {
    RuleOptimizer optimizer =
        contestant.isFactored()
            ? FAdafactor.builder(graph).kernel(contestant.kernel()).build()
            : FAdam.builder(graph).kernel(contestant.kernel()).build();
    return optimizer.applyGradients(pairs, contestant.name());
  }

  /** TensorFlow's fused Adam, one operation a variable. */
  @SuppressWarnings("unchecked") // the wildcards stand for one type
  private Op adam(
      Ops tf, List<TrainableVariable> variables, List<GradAndVar<? extends TType>> pairs) {
    List<Op> updates = new ArrayList<>();
    List<Operand<TNumber>> scalars = new ArrayList<>();
    for (double value : new double[] {0.9, 0.999, 1e-3, 0.9, 0.999, 1e-8}) {
      scalars.add((Operand<TNumber>) tf.dtypes.cast(tf.constant(value), type));
    }
    for (int i = 0; i < variables.size(); i++) {
      TrainableVariable variable = variables.get(i);
      updates.add(
          tf.train.resourceApplyAdam(
              (Operand<? extends TType>) variable.handle(),
              (Operand<? extends TType>) resource(tf, "adam-m", variable.shape(), 0).handle(),
              (Operand<? extends TType>) resource(tf, "adam-v", variable.shape(), 0).handle(),
              scalars.get(0),
              scalars.get(1),
              scalars.get(2),
              scalars.get(3),
              scalars.get(4),
              scalars.get(5),
              (Operand<TNumber>) pairs.get(i).getGradient()));
    }
    return tf.withControlDependencies(updates).noOp();
  }

  private Op frameworkAdam(VariableSet set) {
    Ops tf = Ops.create(references);
    List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
    for (Shape shape : set.shapes()) {
      Operand<?> variable = tf.variable(filled(tf, shape, 0.5));
      pairs.add(pair(resource(tf, "gradient", shape, 0.25).read(tf), variable.asOutput()));
    }
    return new Adam(references).applyGradients(pairs, "framework-adam");
  }

  private TrainableVariable resource(Ops tf, String name, Shape shape, double value) {
    return TrainableVariable.create(
        tf, TrainableVariable.Kind.RESOURCE, name, filled(tf.withInitScope(), shape, value));
  }

  /** Without a constant of the variable's size, which TensorFlow would keep. */
  private Operand<? extends TNumber> filled(Ops init, Shape shape, double value) {
    return init.fill(
        init.constant(shape.asArray()),
        init.dtypes.cast(init.placeholderWithDefault(init.constant(value), Shape.scalar()), type));
  }

  @SuppressWarnings("unchecked") // the framework types the pair by the variable's value
  private static GradAndVar<?> pair(Operand<?> gradient, Output<?> variable) {
    return new GradAndVar<>((Output<TNumber>) gradient.asOutput(), (Output<TNumber>) variable);
  }

  @Override
  public void close() {
    session.close();
    referencesSession.close();
    graph.close();
    references.close();
  }
}
