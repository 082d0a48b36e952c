package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** Nothing that a finite gradient can do makes theta or a slot anything but finite. */
class ExtremesTest {

  private static final int SIZE = 4;
  private static final Shape MATRIX = Shape.of(2, 2);
  private static final Map<String, Trial> TRIALS = new HashMap<>();

  /** Every bounded row of the property table, and options at the edge. */
  private static final Map<String, Function<Graph, RuleOptimizer>> OPTIMIZERS =
      new TreeMap<>(
          Map.of(
              "fixed 1e-20", graph -> fadam(graph, new Epsilon.Fixed(1e-20)),
              "fixed 1e-45", graph -> fadam(graph, new Epsilon.Fixed(1e-45)),
              "by size", graph -> fadam(graph, new Epsilon.BySize(1e-15)),
              "by gradient", graph -> fadam(graph, new Epsilon.ByGradient(1e-15)),
              "exponent 1", graph -> FAdam.builder(graph).exponent(1).weightDecay(0.1).build(),
              "no clip",
                  graph ->
                      FAdam.builder(graph)
                          .clip(Double.POSITIVE_INFINITY)
                          .weightDecay(0.001)
                          .build(),
              "adam epsilon 1e-60", graph -> Adam.builder(graph).epsilon(1e-60).build(),
              "adam without memory of f", graph -> Adam.builder(graph).beta2(0).build()));

  static {
    OPTIMIZERS.put("compiled, fixed 1e-20", graph -> compiled(FAdam.builder(graph).epsilon(1e-20)));
    OPTIMIZERS.put(
        "compiled, by gradient",
        graph -> compiled(FAdam.builder(graph).epsilon(new Epsilon.ByGradient(1e-15)).exponent(1)));
    OPTIMIZERS.put("compiled FAdafactor", graph -> compiled(FAdafactor.builder(graph)));
    Arrays.stream(PropertyTable.Row.values())
        .filter(PropertyTable.Row::isBounded)
        .forEach(
            row ->
                OPTIMIZERS.put(
                    row.name(), graph -> row.builder(graph).set("weight-decay", "0.1").build()));
  }

  private static RuleOptimizer fadam(Graph graph, Epsilon epsilon) {
    return FAdam.builder(graph).epsilon(epsilon).weightDecay(0.1).build();
  }

  private static RuleOptimizer compiled(FisherBuilder<?> builder) {
    return builder.kernel(Kernel.XLA).weightDecay(0.1).build();
  }

  /** One graph for all tries of an optimizer. */
  private record Trial(FedStep step, Placeholder<TFloat32> start, Op assign) {
    static Trial of(String optimizer) {
      FedStep step =
          new FedStep(
              OPTIMIZERS.get(optimizer),
              Kind.RESOURCE,
              TFloat32.class,
              Map.of(
                  "v", new FedStep.Start(Shape.of(SIZE), new double[SIZE]),
                  "w", new FedStep.Start(MATRIX, new double[SIZE])));
      Placeholder<TFloat32> start = step.tf().placeholder(TFloat32.class);
      Ops tf = step.tf();
      Op vector = step.variable("v").assign(tf, start);
      Op matrix = step.variable("w").assign(tf, tf.reshape(start, tf.constant(MATRIX.asArray())));
      return new Trial(step, start, tf.withControlDependencies(List.of(vector, matrix)).noOp());
    }

    void run(float[] theta, List<float[]> gradients, String what) {
      step.session().forceInitialize();
      try (TFloat32 fed = TFloat32.vectorOf(theta);
          Result assigned = step.session().runner().feed(start, fed).addTarget(assign).run()) {
        assertTrue(assigned.size() == 0);
      }
      for (float[] gradient : gradients) {
        double[] wide = new double[SIZE];
        for (int i = 0; i < SIZE; i++) {
          wide[i] = gradient[i];
        }
        step.run(Map.of("v", wide, "w", wide));
        step.values()
            .forEach(
                (variable, values) ->
                    values.forEach(
                        (name, numbers) ->
                            assertTrue(
                                Arrays.stream(numbers).allMatch(Double::isFinite),
                                () ->
                                    what
                                        + ": "
                                        + variable
                                        + "/"
                                        + name
                                        + " is "
                                        + Arrays.toString(numbers))));
      }
    }
  }

  @Provide
  Arbitrary<float[]> tensors() {
    Arbitrary<Float> edges =
        Arbitraries.of(
            0f,
            -0f,
            1f,
            -1f,
            Float.MIN_VALUE,
            -Float.MIN_VALUE,
            1e-42f,
            Float.MIN_NORMAL,
            -Float.MIN_NORMAL,
            1e-25f,
            1e-20f,
            1e-19f,
            1e19f,
            -1e20f,
            1e25f,
            1e38f,
            Float.MAX_VALUE,
            -Float.MAX_VALUE);
    Arbitrary<Float> any =
        Arbitraries.floats().between(-Float.MAX_VALUE, Float.MAX_VALUE).ofScale(10);
    Arbitrary<Float> anyExponent =
        Arbitraries.integers().map(Float::intBitsToFloat).filter(Float::isFinite);
    return Arbitraries.oneOf(edges, anyExponent, any).array(float[].class).ofSize(SIZE);
  }

  @Provide
  Arbitrary<String> optimizers() {
    return Arbitraries.of(List.copyOf(OPTIMIZERS.keySet()));
  }

  @Provide
  Arbitrary<List<float[]>> gradients() {
    return tensors().list().ofMinSize(1).ofMaxSize(8);
  }

  @Property(tries = 400, seed = "20240512")
  void thetaAndSlotsStayFinite(
      @ForAll("optimizers") String optimizer,
      @ForAll("tensors") float[] theta,
      @ForAll("gradients") List<float[]> gradients) {
    TRIALS.computeIfAbsent(optimizer, Trial::of).run(theta, gradients, optimizer);
  }

  @AfterContainer
  static void close() {
    TRIALS.values().forEach(trial -> trial.step().close());
    TRIALS.clear();
  }
}
