package io.github.fadam.framework.checkpoint;

import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

/** A graph that trains variables of three dtypes on batches that depend on the step alone. */
final class SmallTraining implements AutoCloseable {

  private static final int ROWS = 4;

  private final Graph graph = new Graph();
  private final RuleOptimizer optimizer;
  private final Placeholder<TFloat32> batch;
  private final List<Op> step = new ArrayList<>();
  private final Map<String, Operand<?>> reads = new LinkedHashMap<>();
  private final TrainingState state;
  private final Session session;
  private long steps;

  SmallTraining(TrainableVariable.Kind kind, Function<Graph, ? extends RuleOptimizer> optimizer) {
    this(kind, 3, optimizer);
  }

  SmallTraining(
      TrainableVariable.Kind kind, int inputs, Function<Graph, ? extends RuleOptimizer> optimizer) {
    Ops tf = Ops.create(graph);
    Ops init = tf.withInitScope();
    TrainableVariable kernel =
        TrainableVariable.create(
            tf.withSubScope("head"),
            kind,
            "kernel",
            init.fill(init.constant(new int[] {inputs, 2}), init.constant(0.5f)));
    TrainableVariable bias =
        TrainableVariable.create(tf, kind, "bias", init.constant(new double[] {0.1, -0.2}));
    TrainableVariable half =
        TrainableVariable.create(
            tf, kind, "half", init.dtypes.cast(init.constant(new float[] {1, 2}), TBfloat16.class));
    TrainableVariable counter = TrainableVariable.create(tf, kind, "counter", init.constant(40L));
    TrainableVariable.create(tf, kind, "text", init.constant("a word"));
    batch = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(ROWS, inputs)));
    Operand<TFloat32> y =
        tf.math.add(
            tf.linalg.matMul(batch, SmallTraining.<TFloat32>typed(kernel.read(tf))),
            tf.math.mul(
                tf.dtypes.cast(SmallTraining.<TFloat64>typed(bias.read(tf)), TFloat32.class),
                tf.dtypes.cast(SmallTraining.<TBfloat16>typed(half.read(tf)), TFloat32.class)));
    Operand<TFloat32> loss = tf.math.mean(tf.math.mul(y, y), tf.constant(new int[] {0, 1}));
    this.optimizer = optimizer.apply(graph);
    step.add(this.optimizer.minimize(loss, List.of(kernel.handle(), bias.handle(), half.handle())));
    step.add(
        counter.assign(
            tf, tf.math.add(SmallTraining.<TInt64>typed(counter.read(tf)), tf.constant(1L))));
    state = TrainingState.of(this.optimizer);
    state.tensors().forEach((name, variable) -> reads.put(name, variable.read(tf)));
    session = new Session(graph);
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // the caller knows the dtype
  private static <T extends org.tensorflow.types.family.TType> Operand<T> typed(Operand<?> value) {
    return (Operand<T>) value;
  }

  TrainingState state() {
    return state;
  }

  Session session() {
    return session;
  }

  RuleOptimizer optimizer() {
    return optimizer;
  }

  Graph graph() {
    return graph;
  }

  long steps() {
    return steps;
  }

  /** Where a checkpoint says that the run is. */
  void continueAt(Progress progress) {
    steps = progress.step();
  }

  Progress progress() {
    return Progress.at(steps, steps / 10, steps % 10);
  }

  void run(int more) {
    for (int i = 0; i < more; i++) {
      Random random = new Random(steps);
      Output<TFloat32> fed = batch.asOutput();
      try (TFloat32 rows =
          TFloat32.tensorOf(
              fed.shape(), data -> data.scalars().forEach(x -> x.setFloat(random.nextFloat())))) {
        Session.Runner runner = session.runner().feed(fed, rows);
        step.forEach(runner::addTarget);
        runner.run().close();
      }
      steps++;
    }
  }

  /** The bits of everything by its name in a checkpoint. */
  Map<String, String> bits() {
    Session.Runner runner = session.runner();
    reads.values().forEach(runner::fetch);
    Map<String, String> bits = new LinkedHashMap<>();
    try (Result result = runner.run()) {
      int i = 0;
      for (String name : reads.keySet()) {
        bits.put(name, bits(result.get(i++)));
      }
    }
    return bits;
  }

  private static String bits(Tensor tensor) {
    if (tensor instanceof TString text) {
      return text.getObject();
    }
    ByteDataBuffer data = tensor.asRawTensor().data();
    byte[] bytes = new byte[Math.toIntExact(data.size())];
    data.read(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
