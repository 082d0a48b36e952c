package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.Form;
import io.github.fadam.ops.fisher.GlobalNorm;
import io.github.fadam.ops.variable.TrainableVariable;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * Prints digests for {@link ThreadsTest}: of theta and slots after two steps with fed gradients, of
 * norms, and of whole steps with a loss.
 */
final class UpdateDigest {

  /** TensorFlow's own sum over everything, which does depend on the number of threads. */
  static final String FULL_SUM = "full-sum";

  /** What only has to repeat itself with the same number of threads. */
  static final String WHOLE_STEP = "whole-step/";

  /** 16.7 million elements, split oddly; around the block size; small ones. */
  private static final List<Shape> LARGE =
      List.of(
          Shape.of(4097, 4095),
          Shape.of(4095),
          Shape.of(4097),
          Shape.of(257, 129),
          Shape.of(3),
          Shape.scalar());

  /** Several blocks along either axis and along both, for every row of the property table. */
  private static final List<Shape> SMALL =
      List.of(Shape.of(257, 129), Shape.of(3, 8_193), Shape.of(2, 4_097, 5), Shape.of(70_001));

  /** Large enough for XLA to spread its passes over threads. */
  private static final List<Shape> COMPILED = List.of(Shape.of(1_025, 517), Shape.of(300_001));

  /**
   * Every variable prints at least theta: sum, norms, FAdam with f and m, all rows, whole steps.
   */
  static final int AT_LEAST =
      3 + 3 * LARGE.size() + 3 * COMPILED.size() + Row.values().length * (SMALL.size() + 1);

  private final ConfigProto config;

  private UpdateDigest(int threads) {
    config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(threads)
            .setInterOpParallelismThreads(threads)
            .setUsePerSessionThreads(true)
            .build();
  }

  public static void main(String[] arguments) {
    UpdateDigest digest = new UpdateDigest(Integer.parseInt(arguments[0]));
    digest.sums();
    digest.update(
        "large",
        graph ->
            FAdam.builder(graph).epsilon(new Epsilon.ByGradient(1e-3)).weightDecay(0.1).build(),
        LARGE);
    digest.update(
        "compiled",
        graph ->
            FAdafactor.builder(graph)
                .kernel(Kernel.XLA)
                .epsilon(new Epsilon.ByGradient(1e-3))
                .clipByGlobalNorm(1)
                .build(),
        COMPILED);
    for (Row row : Row.values()) {
      digest.update(
          row.name(), graph -> row.builder(graph).set("weight-decay", "0.1").build(), SMALL);
      digest.wholeSteps(row);
    }
  }

  private void sums() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Map<String, Operand<?>> fetched = new LinkedHashMap<>();
      List<Placeholder<TFloat32>> fed = new ArrayList<>();
      LARGE.forEach(shape -> fed.add(tf.placeholder(TFloat32.class, Placeholder.shape(shape))));
      GlobalNorm norm = GlobalNorm.of(tf, Form.OPERATIONS, fed);
      fetched.put(FULL_SUM, tf.sum(fed.get(0), tf.constant(new int[] {0, 1})));
      fetched.put("norm", norm.value());
      fetched.put("norm/clipped", norm.clipped(tf, 0.5).get(0));
      try (Session session = new Session(graph, true, config)) {
        run(session, fed, List.of(), fetched, 0);
      }
    }
  }

  private void update(
      String name, Function<Graph, ? extends RuleOptimizer> maker, List<Shape> shapes) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      List<Placeholder<TFloat32>> fed = new ArrayList<>();
      for (Shape shape : shapes) {
        Ops init = tf.withInitScope();
        var variable =
            tf.withName("v")
                .variable(init.fill(init.constant(shape.asArray()), init.constant(0.7f)));
        Placeholder<TFloat32> gradient = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
        fed.add(gradient);
        pairs.add(new GradAndVar<>(gradient.asOutput(), variable.asOutput()));
      }
      RuleOptimizer optimizer = maker.apply(graph);
      Op step = optimizer.applyGradients(pairs, "step");
      Map<String, Operand<?>> reads = new LinkedHashMap<>();
      pairs.forEach(
          pair -> {
            TrainableVariable variable = TrainableVariable.of(pair.getVariable());
            reads.put(name + "/" + variable.name(), variable.read(tf));
          });
      optimizer
          .state()
          .forEach(
              (state, slot) -> {
                if (state.contains("/")) {
                  reads.put(name + "/" + state, slot.read(tf));
                }
              });
      try (Session session = new Session(graph, true, config)) {
        for (int t = 0; t < 2; t++) {
          run(session, fed, List.of(step), Map.of(), t);
        }
        run(session, List.of(), List.of(), reads, 0);
      }
    }
  }

  /** A convolution's and a matrix product's gradients, and means over everything. */
  private void wholeSteps(Row row) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Ops init = tf.withInitScope();
      Shape images = Shape.of(16, 24, 24, 3);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(images));
      var kernel =
          tf.withName("kernel")
              .variable(init.fill(init.constant(new long[] {3, 3, 3, 8}), init.constant(0.1f)));
      var weights =
          tf.withName("weights")
              .variable(
                  init.fill(init.constant(new long[] {24 * 24 * 8, 5}), init.constant(0.01f)));
      Operand<TFloat32> hidden =
          tf.math.tanh(tf.nn.conv2d(x, tf.identity(kernel), List.of(1L, 1L, 1L, 1L), "SAME"));
      Operand<TFloat32> output =
          tf.linalg.matMul(
              tf.reshape(hidden, tf.constant(new long[] {16, 24 * 24 * 8})), tf.identity(weights));
      Operand<TFloat32> loss =
          tf.math.mean(tf.math.mul(output, output), tf.constant(new int[] {0, 1}));
      Op step = row.builder(graph).build().minimize(loss);
      try (Session session = new Session(graph, true, config)) {
        for (int t = 0; t < 3; t++) {
          run(session, List.of(x), List.of(step), Map.of(), t);
        }
        Operand<?> all =
            tf.concat(
                List.of(
                    tf.reshape(kernel, tf.constant(new long[] {-1})),
                    tf.reshape(weights, tf.constant(new long[] {-1}))),
                tf.constant(0));
        run(session, List.of(), List.of(), Map.of(WHOLE_STEP + row.name(), all), 0);
      }
    }
  }

  private static void run(
      Session session,
      List<Placeholder<TFloat32>> fed,
      List<Op> targets,
      Map<String, Operand<?>> fetched,
      int t) {
    List<Tensor> tensors = new ArrayList<>();
    try {
      Session.Runner runner = session.runner();
      targets.forEach(runner::addTarget);
      for (int i = 0; i < fed.size(); i++) {
        TFloat32 tensor = noise(fed.get(i).shape(), 31 * t + i);
        tensors.add(tensor);
        runner.feed(fed.get(i), tensor);
      }
      List<String> names = List.copyOf(fetched.keySet());
      names.forEach(name -> runner.fetch(fetched.get(name)));
      try (Result result = runner.run()) {
        for (int i = 0; i < names.size(); i++) {
          System.out.println(names.get(i) + " " + digest(result.get(i)));
        }
      }
    } finally {
      tensors.forEach(Tensor::close);
    }
  }

  private static TFloat32 noise(Shape shape, long seed) {
    Random random = new Random(seed);
    float[] values = new float[(int) shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return TFloat32.tensorOf(shape, DataBuffers.of(values));
  }

  private static String digest(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.numBytes()];
    tensor.asRawTensor().data().read(bytes);
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
