package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.FAdafactor;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Kernel;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * Times updates of whole sets of variables beside TensorFlow's own fused Adam and beside what
 * memory allows.
 *
 * <p>All contestants of a set update the same variables in one process, one after the other, round
 * by round: a slow moment of the machine slows all of a round. What is printed are medians over the
 * rounds, of milliseconds and of the ratios within a round.
 */
public final class UpdateSpeed {

  private static final int WARM_UP = 3;

  /** The sets of variables. */
  enum VariableSet {
    /** 16.7 million elements in four matrices. */
    MATRICES,
    /** 158 variables, 3.5 million elements: kernels of convolutions, scales, offsets. */
    MOBILENET,
    /** 199 variables, 110 million elements. */
    BERT,
    /** One vector of 100 thousand elements. */
    SIZE_1E5,
    /** One vector of 1 million elements. */
    SIZE_1E6,
    /** One vector of 10 million elements. */
    SIZE_1E7,
    /** One vector of 100 million elements. */
    SIZE_1E8;

    List<Shape> shapes() {
      return switch (this) {
        case MATRICES -> List.of(square(2048), square(2048), square(2048), square(2048));
        case MOBILENET -> mobileNet();
        case BERT -> bert();
        case SIZE_1E5 -> List.of(Shape.of(100_000));
        case SIZE_1E6 -> List.of(Shape.of(1_000_000));
        case SIZE_1E7 -> List.of(Shape.of(10_000_000));
        case SIZE_1E8 -> List.of(Shape.of(100_000_000));
      };
    }

    private static Shape square(long size) {
      return Shape.of(size, size);
    }

    /** A kernel and the scale and offset of its normalization. */
    private static void addConvolution(List<Shape> shapes, long... kernel) {
      long channels = kernel[3] == 1 ? kernel[2] : kernel[3];
      shapes.addAll(List.of(Shape.of(kernel), Shape.of(channels), Shape.of(channels)));
    }

    private static List<Shape> mobileNet() {
      List<Shape> shapes = new ArrayList<>();
      addConvolution(shapes, 3, 3, 3, 32);
      long[][] blocks = {{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}};
      long in = 32;
      List<long[]> all = new ArrayList<>(List.of(blocks));
      all.add(new long[] {6, 320, 1});
      for (long[] block : all) {
        for (int i = 0; i < block[2]; i++) {
          long wide = in * block[0];
          if (wide != in) {
            addConvolution(shapes, 1, 1, in, wide);
          }
          addConvolution(shapes, 3, 3, wide, 1);
          addConvolution(shapes, 1, 1, wide, block[1]);
          in = block[1];
        }
      }
      addConvolution(shapes, 1, 1, in, 1280);
      shapes.add(Shape.of(1280, 1000));
      shapes.add(Shape.of(1000));
      return shapes;
    }

    private static List<Shape> bert() {
      List<Shape> shapes = new ArrayList<>();
      shapes.addAll(List.of(Shape.of(30_522, 768), Shape.of(512, 768), Shape.of(2, 768)));
      shapes.addAll(List.of(Shape.of(768), Shape.of(768)));
      for (int layer = 0; layer < 12; layer++) {
        for (int i = 0; i < 4; i++) {
          shapes.addAll(List.of(square(768), Shape.of(768)));
        }
        shapes.addAll(List.of(Shape.of(768, 3072), Shape.of(3072), Shape.of(3072, 768)));
        for (int i = 0; i < 5; i++) {
          shapes.add(Shape.of(768));
        }
      }
      shapes.addAll(List.of(square(768), Shape.of(768)));
      return shapes;
    }
  }

  private UpdateSpeed() {}

  /**
   * Measures.
   *
   * @param arguments names of sets, {@code 4 matrices} where there are none; {@code rounds=N}, 15
   *     by default; {@code type=float32}, {@code float64} or {@code bfloat16}; {@code graph=true}
   *     to measure FAdam as graph operations too
   * @throws ExecutionException if the measurement of memory fails
   * @throws InterruptedException if it is interrupted
   */
  public static void main(String[] arguments) throws ExecutionException, InterruptedException {
    int rounds = 15;
    boolean graph = false;
    Class<? extends TNumber> type = TFloat32.class;
    List<VariableSet> sets = new ArrayList<>();
    for (String argument : arguments) {
      if (argument.startsWith("rounds=")) {
        rounds = Integer.parseInt(argument.substring(7));
      } else if (argument.startsWith("type=")) {
        type =
            switch (argument.substring(5)) {
              case "float64" -> TFloat64.class;
              case "bfloat16" -> TBfloat16.class;
              default -> TFloat32.class;
            };
      } else if (argument.startsWith("graph=")) {
        graph = Boolean.parseBoolean(argument.substring(6));
      } else {
        sets.add(VariableSet.valueOf(argument));
      }
    }
    System.out.println(
        "| variables | contestant | ms | of 10 streams' time | of ResourceApplyAdam's |");
    System.out.println("| --- | --- | --- | --- | --- |");
    try (MemoryStreams memory = new MemoryStreams()) {
      for (VariableSet set : sets.isEmpty() ? List.of(VariableSet.MATRICES) : sets) {
        measure(set, type, rounds, graph, memory);
      }
    }
  }

  private static void measure(
      VariableSet set,
      Class<? extends TNumber> type,
      int rounds,
      boolean plain,
      MemoryStreams memory)
      throws ExecutionException, InterruptedException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<TrainableVariable> variables = new ArrayList<>();
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      long elements = 0;
      for (Shape shape : set.shapes()) {
        TrainableVariable variable = variable(tf, "variable", shape, 0.5, type);
        variables.add(variable);
        pairs.add(pair(variable(tf, "gradient", shape, 0.25, type).read(tf), variable));
        elements += shape.size();
      }
      Map<String, Op> contestants = new LinkedHashMap<>();
      contestants.put(
          "FAdam, native", step(FAdam.builder(graph).kernel(Kernel.NATIVE).build(), pairs));
      contestants.put(
          "FAdafactor, native",
          step(FAdafactor.builder(graph).kernel(Kernel.NATIVE).build(), pairs));
      contestants.put("ResourceApplyAdam", adam(tf, variables, pairs, type));
      if (plain) {
        contestants.put(
            "FAdam, graph", step(FAdam.builder(graph).kernel(Kernel.GRAPH).build(), pairs));
      }
      try (Session session = new Session(graph)) {
        report(set, type, elements, rounds, session, contestants, memory);
      }
    }
  }

  private static void report(
      VariableSet set,
      Class<? extends TNumber> type,
      long elements,
      int rounds,
      Session session,
      Map<String, Op> contestants,
      MemoryStreams memory)
      throws ExecutionException, InterruptedException {
    Map<String, double[]> times = new LinkedHashMap<>();
    contestants.keySet().forEach(name -> times.put(name, new double[rounds]));
    double[] streams = new double[rounds];
    for (int round = -WARM_UP; round < rounds; round++) {
      double moved = memory.milliseconds() * elements / MemoryStreams.ELEMENTS;
      for (Map.Entry<String, Op> contestant : contestants.entrySet()) {
        long start = System.nanoTime();
        session.runner().addTarget(contestant.getValue()).run().close();
        if (round >= 0) {
          times.get(contestant.getKey())[round] = (System.nanoTime() - start) / 1e6;
          streams[round] = moved;
        }
      }
    }
    String label = set + " " + type.getSimpleName().substring(1).toLowerCase(java.util.Locale.ROOT);
    System.out.printf("| %s | 10 streams of float32 | %.2f | 1 | |%n", label, median(streams));
    double[] adam = times.get("ResourceApplyAdam");
    times.forEach(
        (name, found) ->
            System.out.printf(
                "| %s | %s | %.2f | %.2f | %.2f |%n",
                label,
                name,
                median(found),
                median(ratios(found, streams)),
                median(ratios(found, adam))));
  }

  private static double[] ratios(double[] a, double[] b) {
    double[] ratios = new double[a.length];
    Arrays.setAll(ratios, i -> a[i] / b[i]);
    return ratios;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static Op step(RuleOptimizer optimizer, List<GradAndVar<? extends TType>> pairs) {
    return optimizer.applyGradients(pairs, optimizer.getOptimizerName() + "-step");
  }

  /** TensorFlow's fused Adam, one operation a variable, as the framework's Adam uses it. */
  @SuppressWarnings("unchecked") // the wildcards stand for one type
  private static Op adam(
      Ops tf,
      List<TrainableVariable> variables,
      List<GradAndVar<? extends TType>> pairs,
      Class<? extends TNumber> type) {
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
              (Operand<? extends TType>) variable(tf, "adam-m", variable.shape(), 0, type).handle(),
              (Operand<? extends TType>) variable(tf, "adam-v", variable.shape(), 0, type).handle(),
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

  /** Without a constant of the variable's size, which TensorFlow would keep. */
  private static TrainableVariable variable(
      Ops tf, String name, Shape shape, double value, Class<? extends TNumber> type) {
    Ops init = tf.withInitScope();
    return TrainableVariable.create(
        tf,
        TrainableVariable.Kind.RESOURCE,
        name,
        init.fill(
            init.constant(shape.asArray()),
            init.dtypes.cast(
                init.placeholderWithDefault(init.constant(value), Shape.scalar()), type)));
  }

  @SuppressWarnings("unchecked") // the framework types the pair by the variable's value
  private static GradAndVar<?> pair(Operand<?> gradient, TrainableVariable variable) {
    return new GradAndVar<>(
        (Output<TNumber>) gradient.asOutput(), (Output<TNumber>) variable.handle());
  }
}
