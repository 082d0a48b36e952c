package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.fadam.ops.kernel.NativeOps;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * A column of the {@link PropertyTable}: given the same gradients, native operations and graph
 * operations make the same step, with every option that changes the update.
 */
class NativeKernelTest {

  private static final int STEPS = 20;
  private static final double BOUND = 2e-6;
  private static final double LEARNING_RATE = 0.01;

  private static final List<Class<? extends TNumber>> TYPES =
      List.of(TFloat32.class, TFloat64.class, TFloat16.class, TBfloat16.class);

  /** Odd sizes: less than a lane, several chunks, several tasks, several matrices. */
  private static final Map<String, Shape> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("scalar", Shape.scalar());
    SHAPES.put("vector", Shape.of(19_001));
    SHAPES.put("matrix", Shape.of(137, 129));
    SHAPES.put("wide", Shape.of(3, 2_100));
    SHAPES.put("rank4", Shape.of(2, 3, 33, 17));
    SHAPES.put("one-column", Shape.of(41, 1));
    SHAPES.put("empty", Shape.of(0, 3));
  }

  private static final List<String> FADAM =
      List.of(
          "",
          "weight-decay=0.1",
          "weight-decay=0",
          "clip=none",
          "clip=0.2 weight-decay=0.3",
          "clip=1e-20",
          "beta1=0 beta2=0",
          "beta2=0.9 exponent=1",
          "exponent=0.3",
          "epsilon=1e-20 weight-decay=0.1",
          "epsilon=1e-3 epsilon-rule=by-size exponent=0.7",
          "epsilon=1e-2 epsilon-rule=by-gradient",
          "master-weights=false weight-decay=0.1",
          "ema=0.9",
          "accumulate=3",
          "accumulate=2 squares=per-micro-step",
          "guard=skip",
          "clip-by-global-norm=3 centralize=true",
          "groups=matrix,wide:learning-rate-multiplier=0.1,weight-decay=0");

  private static final List<String> FADAFACTOR =
      List.of("momentum=none", "momentum=bfloat16", "min-dimension-to-factor=20 weight-decay=0.1");

  record Cell(String optimizer, String options, Class<? extends TNumber> type, Kind kind) {
    RuleOptimizer build(Graph graph, Kernel kernel) {
      RuleOptimizerBuilder<?> builder = Optimizers.named(optimizer).apply(graph).kernel(kernel);
      builder.learningRate(LEARNING_RATE);
      for (String option : PropertyTable.Row.words(options)) {
        int equals = option.indexOf('=');
        builder.set(option.substring(0, equals), option.substring(equals + 1));
      }
      return builder.build();
    }
  }

  static Stream<Cell> cells() {
    Stream.Builder<Cell> cells = Stream.builder();
    int i = 0;
    for (String optimizer : List.of("fadam", "fadafactor")) {
      for (String options :
          Stream.concat(
                  FADAM.stream(), optimizer.equals("fadam") ? Stream.of() : FADAFACTOR.stream())
              .toList()) {
        // Types and kinds take turns: what they differ in has nothing to do with most options.
        for (int type = 0; type < TYPES.size(); type++) {
          if (Boolean.getBoolean("fadam.full") || type == i % TYPES.size()) {
            cells.add(
                new Cell(
                    optimizer,
                    options,
                    TYPES.get(type),
                    (i / 4 + type) % 2 == 0 ? Kind.REFERENCE : Kind.RESOURCE));
          }
        }
        i++;
      }
    }
    return cells.build();
  }

  @BeforeAll
  static void needsTheLibrary() {
    assumeTrue(NativeOps.missing().isEmpty(), () -> NativeOps.missing().orElseThrow());
  }

  @ParameterizedTest
  @MethodSource("cells")
  void equalsGraphOperations(Cell cell) {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    SHAPES.forEach(
        (name, shape) -> starts.put(name, new FedStep.Start(shape, noise(shape.size(), 1))));
    Map<String, FedStep.Fed> all = new LinkedHashMap<>();
    starts.forEach((name, start) -> all.put(name, start.as(cell.kind(), cell.type())));
    try (FedStep graph = new FedStep(g -> cell.build(g, Kernel.GRAPH), all);
        FedStep fused = new FedStep(g -> cell.build(g, Kernel.NATIVE), all)) {
      assertEquals(graph.optimizer().state().keySet(), fused.optimizer().state().keySet());
      for (int t = 0; t < STEPS; t++) {
        Map<String, double[]> gradients = new LinkedHashMap<>();
        long seed = 2L + t;
        SHAPES.forEach((name, shape) -> gradients.put(name, noise(shape.size(), seed)));
        if (cell.options().startsWith("guard") && t == 4) {
          gradients.get("matrix")[5] = Double.NaN;
        }
        graph.run(gradients);
        fused.run(gradients);
      }
      Map<String, double[]> expected = graph.everything();
      Map<String, double[]> found = fused.everything();
      boolean half = cell.type() == TFloat16.class || cell.type() == TBfloat16.class;
      expected.forEach(
          (name, values) -> {
            // The last bit of 16 may be rounded the other way, which later steps see again.
            boolean halfMomentum = cell.options().contains("bfloat16");
            boolean moved = !name.contains("/") || name.endsWith("/master");
            boolean rounded = (half && moved) || (halfMomentum && name.endsWith("/m"));
            // A difference in the momentum's last bit decays with beta1, and in all moves theta by
            // learning rate / (1 - beta1) of it.
            double bound =
                rounded
                    ? 1.0 / 128
                    : halfMomentum && moved ? LEARNING_RATE / (1 - 0.9) / 128 : half ? 2e-5 : BOUND;
            assertNear(name, values, found.get(name), bound);
          });
    }
  }

  static Stream<Cell> strangeCells() {
    return Stream.of("fadam", "fadafactor")
        .flatMap(
            optimizer ->
                Stream.of(
                        "",
                        "weight-decay=0.1 exponent=0.3",
                        "clip=none",
                        "epsilon=1e-2 epsilon-rule=by-gradient",
                        "exponent=1 accumulate=2 squares=per-micro-step")
                    .map(o -> new Cell(optimizer, o, TFloat32.class, Kind.RESOURCE)));
  }

  /** A gradient that is no number or infinite spoils the same elements. */
  @ParameterizedTest
  @MethodSource("strangeCells")
  void spoilsWhatGraphOperationsSpoil(Cell cell) {
    double[] strange = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    assertSameSteps(
        cell,
        (name, values) -> {
          if (values.length > 3) {
            values[values.length / 3] = any(strange, cell, name);
          }
        });
  }

  /** Squares that saturate, and sums of squares that leave the range of float32. */
  @ParameterizedTest
  @MethodSource("strangeCells")
  void boundsLargeGradientsAsGraphOperationsDo(Cell cell) {
    double[] large = {1e17, 3e18, 1e19, 1e25, 1e38};
    assertSameSteps(
        cell,
        (name, values) -> {
          double scale = any(large, cell, name);
          for (int i = 0; i < values.length; i++) {
            values[i] = scale * (1.5 + values[i] / 10);
          }
        });
  }

  /** Every variable another, and in every cell. */
  private static double any(double[] of, Cell cell, String name) {
    int variable = List.copyOf(SHAPES.keySet()).indexOf(name);
    return of[(variable + strangeCells().toList().indexOf(cell)) % of.length];
  }

  private static void assertSameSteps(Cell cell, BiConsumer<String, double[]> change) {
    Map<String, FedStep.Fed> all = new LinkedHashMap<>();
    SHAPES.forEach(
        (name, shape) ->
            all.put(
                name,
                new FedStep.Start(shape, noise(shape.size(), 1)).as(cell.kind(), cell.type())));
    try (FedStep graph = new FedStep(g -> cell.build(g, Kernel.GRAPH), all);
        FedStep fused = new FedStep(g -> cell.build(g, Kernel.NATIVE), all)) {
      for (int t = 0; t < 4; t++) {
        Map<String, double[]> gradients = new LinkedHashMap<>();
        long seed = 2L + t;
        SHAPES.forEach((name, shape) -> gradients.put(name, noise(shape.size(), seed)));
        if (t < 2) {
          gradients.forEach(change);
        }
        graph.run(gradients);
        fused.run(gradients);
      }
      Map<String, double[]> found = fused.everything();
      graph
          .everything()
          .forEach((name, values) -> assertAlike(cell + " " + name, values, found.get(name)));
    }
  }

  private static void assertAlike(String name, double[] expected, double[] found) {
    double largest =
        Arrays.stream(expected).map(Math::abs).filter(Double::isFinite).max().orElse(0);
    for (int i = 0; i < expected.length; i++) {
      int at = i;
      boolean same =
          Double.compare(expected[i], found[i]) == 0
              || Math.abs(expected[i] - found[i]) <= 1e-5 * (Math.abs(expected[i]) + largest / 10);
      assertTrue(
          same, () -> name + "[" + at + "]: graph " + expected[at] + ", native " + found[at]);
    }
  }

  private static void assertNear(String name, double[] expected, double[] found, double bound) {
    assertEquals(expected.length, found.length, name);
    double rms = Math.sqrt(Arrays.stream(expected).map(x -> x * x).average().orElse(0));
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(expected[i] - found[i]);
      int at = i;
      assertTrue(
          difference <= bound * (Math.abs(expected[i]) + rms),
          () -> name + "[" + at + "]: graph " + expected[at] + ", native " + found[at]);
    }
  }
}
