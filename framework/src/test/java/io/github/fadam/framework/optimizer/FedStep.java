package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * A graph of variables and one optimizer's step with fed gradients: nothing that TensorFlow could
 * fold into constants, and nothing but the update.
 */
final class FedStep implements AutoCloseable {

  /** A variable to train: its shape and its first value, flat. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Start(Shape shape, double[] values) {
    static Start vector(double... values) {
      return new Start(Shape.of(values.length), values);
    }

    Fed as(TrainableVariable.Kind kind, Class<? extends TNumber> type) {
      return new Fed(this, kind, type);
    }
  }

  /** A variable of a kind and a type. */
  record Fed(Start start, TrainableVariable.Kind kind, Class<? extends TNumber> type) {}

  /**
   * TensorFlow runs the graph as it was built. Otherwise it rewrites the graph before its first
   * run, which takes several times as long as all the rest of a short test.
   */
  static final ConfigProto AS_BUILT =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
          .build();

  private final Graph graph = new Graph();
  private final Ops tf = Ops.create(graph);
  private final Map<String, TrainableVariable> variables = new LinkedHashMap<>();
  private final Map<String, Placeholder<? extends TNumber>> gradients = new LinkedHashMap<>();
  private final Map<String, Map<String, Operand<?>>> reads = new LinkedHashMap<>();
  private final Map<String, Operand<?>> stateReads = new LinkedHashMap<>();
  private final RuleOptimizer optimizer;
  private final Op step;
  private final Session session;

  FedStep(
      Function<Graph, RuleOptimizer> optimizer,
      TrainableVariable.Kind kind,
      Class<? extends TNumber> type,
      Map<String, Start> starts) {
    this(optimizer, kind, type, starts, ConfigProto.getDefaultInstance());
  }

  FedStep(
      Function<Graph, RuleOptimizer> optimizer,
      TrainableVariable.Kind kind,
      Class<? extends TNumber> type,
      Map<String, Start> starts,
      ConfigProto config) {
    this(optimizer, all(starts, kind, type), config);
  }

  private static Map<String, Fed> all(
      Map<String, Start> starts, TrainableVariable.Kind kind, Class<? extends TNumber> type) {
    Map<String, Fed> all = new LinkedHashMap<>();
    starts.forEach((name, start) -> all.put(name, start.as(kind, type)));
    return all;
  }

  /** Variables of several kinds and types side by side, in the graph {@link #AS_BUILT}. */
  FedStep(Function<Graph, RuleOptimizer> optimizer, Map<String, Fed> all) {
    this(optimizer, all, AS_BUILT);
  }

  private FedStep(
      Function<Graph, RuleOptimizer> optimizer, Map<String, Fed> all, ConfigProto config) {
    List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
    all.forEach(
        (name, fed) -> {
          Ops init = tf.withInitScope();
          Shape shape = fed.start().shape();
          Operand<? extends TNumber> initial =
              init.dtypes.cast(
                  init.reshape(init.constant(fed.start().values()), init.constant(shape.asArray())),
                  fed.type());
          TrainableVariable variable = TrainableVariable.create(tf, fed.kind(), name, initial);
          Placeholder<? extends TNumber> gradient =
              tf.placeholder(fed.type(), Placeholder.shape(shape));
          variables.put(name, variable);
          gradients.put(name, gradient);
          pairs.add(pair(gradient, variable));
        });
    this.optimizer = optimizer.apply(graph);
    step = this.optimizer.applyGradients(pairs, "step");
    this.optimizer.state().forEach((key, variable) -> stateReads.put(key, variable.read(tf)));
    variables.forEach(
        (name, variable) -> {
          Map<String, Operand<?>> read = new LinkedHashMap<>();
          read.put("theta", variable.read(tf));
          stateReads.forEach(
              (key, slot) -> {
                if (key.startsWith(name + "/")) {
                  read.put(key.substring(name.length() + 1), slot);
                }
              });
          reads.put(name, read);
        });
    session = new Session(graph, true, config);
  }

  Op step() {
    return step;
  }

  @SuppressWarnings("unchecked") // the wildcards stand for one type
  static GradAndVar<?> pair(Operand<?> gradient, TrainableVariable variable) {
    return new GradAndVar<>(
        (Output<TNumber>) gradient.asOutput(), (Output<TNumber>) variable.handle());
  }

  RuleOptimizer optimizer() {
    return optimizer;
  }

  Session session() {
    return session;
  }

  TrainableVariable variable(String name) {
    return variables.get(name);
  }

  Ops tf() {
    return tf;
  }

  /** Runs one step with one flat gradient for every variable. */
  void run(Map<String, double[]> values) {
    feed(session.runner().addTarget(step), values).close();
  }

  /** Makes the step and reads a vector in the same run. */
  List<Long> run(Map<String, double[]> values, Operand<TInt64> fetched) {
    List<Long> numbers = new ArrayList<>();
    try (Result result = feed(session.runner().addTarget(step).fetch(fetched), values)) {
      ((TInt64) result.get(0)).scalars().forEach(scalar -> numbers.add(scalar.getLong()));
    }
    return numbers;
  }

  private Result feed(Session.Runner runner, Map<String, double[]> values) {
    List<Tensor> fed = new ArrayList<>();
    try {
      gradients.forEach(
          (name, gradient) -> {
            Tensor tensor = tensor(gradient, variables.get(name).shape(), values.get(name));
            fed.add(tensor);
            runner.feed(gradient.asOutput(), tensor);
          });
      return runner.run();
    } finally {
      fed.forEach(Tensor::close);
    }
  }

  private static Tensor tensor(Operand<?> like, Shape shape, double[] values) {
    long[] i = {0};
    if (like.type() == TFloat64.class) {
      TFloat64 tensor = TFloat64.tensorOf(shape);
      tensor.scalars().forEach(scalar -> scalar.setDouble(values[(int) i[0]++]));
      return tensor;
    }
    FloatNdArray tensor =
        like.type() == TFloat16.class
            ? TFloat16.tensorOf(shape)
            : like.type() == TBfloat16.class ? TBfloat16.tensorOf(shape) : TFloat32.tensorOf(shape);
    tensor.scalars().forEach(scalar -> scalar.setFloat((float) values[(int) i[0]++]));
    return (Tensor) tensor;
  }

  /**
   * {@code theta} and all slots of every variable, flat; one run, for each new one is optimized.
   */
  Map<String, Map<String, double[]>> values() {
    Session.Runner runner = session.runner();
    reads.values().forEach(read -> read.values().forEach(runner::fetch));
    Map<String, Map<String, double[]>> values = new LinkedHashMap<>();
    try (Result result = runner.run()) {
      int i = 0;
      for (Map.Entry<String, Map<String, Operand<?>>> read : reads.entrySet()) {
        Map<String, double[]> ofVariable = new LinkedHashMap<>();
        for (String key : read.getValue().keySet()) {
          ofVariable.put(key, numbers(result.get(i++)));
        }
        values.put(read.getKey(), ofVariable);
      }
    }
    return values;
  }

  /** All state of the optimizer by name, flat. */
  Map<String, double[]> state() {
    return read(session, stateReads);
  }

  /** The values of all reads, flat, in one run. */
  static Map<String, double[]> read(Session session, Map<String, Operand<?>> reads) {
    Session.Runner runner = session.runner();
    reads.values().forEach(runner::fetch);
    Map<String, double[]> values = new LinkedHashMap<>();
    try (Result result = runner.run()) {
      int i = 0;
      for (String name : reads.keySet()) {
        values.put(name, numbers(result.get(i++)));
      }
    }
    return values;
  }

  /** Everything that a step can change: the variables by name, and all state. */
  Map<String, double[]> everything() {
    Map<String, double[]> everything = state();
    values().forEach((name, values) -> everything.put(name, values.get("theta")));
    return everything;
  }

  static double[] numbers(Tensor tensor) {
    if (tensor.shape().size() == 0) {
      return new double[0];
    }
    DoubleStream.Builder numbers = DoubleStream.builder();
    if (tensor instanceof TFloat64 doubles) {
      doubles.scalars().forEach(scalar -> numbers.add(scalar.getDouble()));
    } else if (tensor instanceof TInt64 longs) {
      longs.scalars().forEach(scalar -> numbers.add((double) scalar.getLong()));
    } else {
      ((FloatNdArray) tensor).scalars().forEach(scalar -> numbers.add(scalar.getFloat()));
    }
    return numbers.build().toArray();
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
