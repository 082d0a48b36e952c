package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.variable.TrainableVariable;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
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
 * Prints digests of theta and slots after two steps with fed gradients; for {@link ThreadsTest}.
 */
final class UpdateDigest {

  static final String FULL_SUM = "full-sum";

  /** 16.7 million elements, split oddly; around the block size; small ones. */
  static final List<Shape> SHAPES =
      List.of(
          Shape.of(4097, 4095),
          Shape.of(4095),
          Shape.of(4097),
          Shape.of(257, 129),
          Shape.of(3),
          Shape.scalar());

  private UpdateDigest() {}

  public static void main(String[] arguments) throws Exception {
    int threads = Integer.parseInt(arguments[0]);
    ConfigProto config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(threads)
            .setInterOpParallelismThreads(threads)
            .setUsePerSessionThreads(true)
            .build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      List<Placeholder<TFloat32>> fed = new ArrayList<>();
      for (Shape shape : SHAPES) {
        Ops init = tf.withInitScope();
        var variable =
            tf.withName("v")
                .variable(init.fill(init.constant(shape.asArray()), init.constant(0.7f)));
        Placeholder<TFloat32> gradient = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
        fed.add(gradient);
        pairs.add(new GradAndVar<>(gradient.asOutput(), variable.asOutput()));
      }
      FAdam optimizer =
          FAdam.builder(graph).epsilon(new Epsilon.ByGradient(1e-3)).weightDecay(0.1).build();
      Op step = optimizer.applyGradients(pairs, "step");
      Output<?> sum = tf.sum(fed.get(0), tf.constant(new int[] {0, 1})).asOutput();
      Map<String, Operand<?>> reads = new LinkedHashMap<>();
      pairs.forEach(
          pair -> {
            TrainableVariable variable = TrainableVariable.of(pair.getVariable());
            reads.put(variable.name(), variable.read(tf));
          });
      optimizer
          .state()
          .forEach(
              (name, slot) -> {
                if (name.contains("/")) {
                  reads.put(name, slot.read(tf));
                }
              });
      try (Session session = new Session(graph, true, config)) {
        for (int t = 0; t < 2; t++) {
          run(session, step, fed, sum, t);
        }
        for (Map.Entry<String, Operand<?>> read : reads.entrySet()) {
          try (Result result = session.runner().fetch(read.getValue()).run()) {
            System.out.println(read.getKey() + " " + digest(result.get(0)));
          }
        }
      }
    }
  }

  private static void run(
      Session session, Op step, List<Placeholder<TFloat32>> fed, Output<?> sum, int t)
      throws Exception {
    List<Tensor> tensors = new ArrayList<>();
    try {
      Session.Runner runner = session.runner().addTarget(step);
      for (int i = 0; i < fed.size(); i++) {
        TFloat32 tensor = noise(SHAPES.get(i), 31 * t + i);
        tensors.add(tensor);
        runner.feed(fed.get(i), tensor);
      }
      if (t == 0) {
        runner.fetch(sum);
      }
      try (Result result = runner.run()) {
        if (t == 0) {
          System.out.println(FULL_SUM + " " + digest(result.get(0)));
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

  private static String digest(Tensor tensor) throws Exception {
    byte[] bytes = new byte[(int) tensor.numBytes()];
    tensor.asRawTensor().data().read(bytes);
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
  }
}
