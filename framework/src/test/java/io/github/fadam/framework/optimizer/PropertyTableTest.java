package io.github.fadam.framework.optimizer;

import static io.github.fadam.framework.optimizer.PropertyTable.noise;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.PropertyTable.Cell;
import io.github.fadam.framework.optimizer.PropertyTable.Permutes;
import io.github.fadam.framework.optimizer.PropertyTable.Row;
import io.github.fadam.framework.optimizer.PropertyTable.Scale;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Result;
import org.tensorflow.ndarray.Shape;

/** Columns of the {@link PropertyTable}: what one update does to variables and slots. */
class PropertyTableTest {

  private static final double RATE = 0.01;
  private static final int FED_STEPS = 6;
  private static final int ROWS = 3;
  private static final int COLUMNS = 4;
  private static final Shape MATRIX = Shape.of(ROWS, COLUMNS);

  private static final Map<String, Shape> SHAPES = new LinkedHashMap<>();

  static {
    SHAPES.put("scalar", Shape.scalar());
    SHAPES.put("vector", Shape.of(3));
    SHAPES.put("matrix", MATRIX);
    SHAPES.put("rank4", Shape.of(2, 1, 3, 2));
    SHAPES.put("one-row", Shape.of(1, 4));
    SHAPES.put("one-column", Shape.of(4, 1));
    SHAPES.put("empty", Shape.of(0));
    SHAPES.put("empty-rows", Shape.of(0, 3));
    SHAPES.put("untouched", Shape.of(2, 3));
  }

  @ParameterizedTest
  @MethodSource("io.github.fadam.framework.optimizer.PropertyTable#cells")
  void keepsTypesShapesAndNamesStaysFiniteAndRepeatsItsBits(Cell cell) {
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    SHAPES.forEach(
        (name, shape) -> starts.put(name, new FedStep.Start(shape, noise(shape.size(), 1))));
    List<Map<String, double[]>> gradients = new ArrayList<>();
    for (int t = 0; t < FED_STEPS; t++) {
      Map<String, double[]> all = new LinkedHashMap<>();
      long seed = 2L + t;
      SHAPES.forEach((name, shape) -> all.put(name, noise(shape.size(), seed)));
      all.put("untouched", new double[6]);
      gradients.add(all);
    }
    try (FedStep step =
        new FedStep(g -> cell.row().builder(g).build(), cell.kind(), cell.type(), starts)) {
      assertEquals(stateNames(cell.row()), List.copyOf(step.optimizer().state().keySet()));
      Map<String, Map<String, double[]>> start = step.values();
      Map<String, Map<String, double[]>> trained = trained(step, gradients);
      assertValues(cell, step, start, trained);
      step.session().forceInitialize();
      Map<String, Map<String, double[]>> again = trained(step, gradients);
      trained.forEach(
          (name, values) ->
              values.forEach(
                  (key, value) ->
                      assertArrayEquals(value, again.get(name).get(key), name + "/" + key)));
    }
  }

  private static List<String> stateNames(Row row) {
    List<String> names = new ArrayList<>(List.of("step", "learning-rate-multiplier"));
    SHAPES.forEach(
        (name, shape) ->
            Row.words(
                    shape.numDimensions() < 2 || shape.size() == 0
                        ? row.vectorSlots
                        : row.matrixSlots)
                .forEach(slot -> names.add(name + "/" + slot)));
    return names;
  }

  private static Map<String, Map<String, double[]>> trained(
      FedStep step, List<Map<String, double[]>> gradients) {
    gradients.forEach(step::run);
    return step.values();
  }

  private static void assertValues(
      Cell cell,
      FedStep step,
      Map<String, Map<String, double[]>> start,
      Map<String, Map<String, double[]>> trained) {
    trained.forEach(
        (name, values) -> {
          assertEquals(SHAPES.get(name).size(), values.get("theta").length, name);
          values.forEach(
              (key, numbers) ->
                  assertTrue(
                      Arrays.stream(numbers).allMatch(Double::isFinite),
                      () -> name + "/" + key + ": " + Arrays.toString(numbers)));
          if (!name.equals("untouched")) {
            double[] before = start.get(name).get("theta");
            double[] theta = values.get("theta");
            assertTrue(
                IntStream.range(0, theta.length).noneMatch(i -> before[i] == theta[i]),
                () -> name + " did not move: " + Arrays.toString(theta));
          }
          try (Result read =
              step.session().runner().fetch(step.variable(name).read(step.tf())).run()) {
            assertEquals(SHAPES.get(name), read.get(0).shape());
            assertTrue(cell.type().isInstance(read.get(0)), name);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("io.github.fadam.framework.optimizer.PropertyTable#cells")
  void scalingAndPermutingGradientsDoesWhatTheRuleSays(Cell cell) {
    int[] swapped = permutation(i -> (i / COLUMNS + 1) % ROWS * COLUMNS + (i * 3 + 1) % COLUMNS);
    int[] shuffled = permutation(i -> (i * 5 + 3) % (ROWS * COLUMNS));
    Map<String, FedStep.Start> starts = new LinkedHashMap<>();
    for (String name : List.of("plain", "larger", "smaller", "swapped", "shuffled")) {
      starts.put(name, new FedStep.Start(MATRIX, new double[ROWS * COLUMNS]));
    }
    try (FedStep step =
        new FedStep(
            g -> cell.row().withoutDecay(g).learningRate(RATE).build(),
            cell.kind(),
            cell.type(),
            starts)) {
      for (int t = 0; t < FED_STEPS; t++) {
        double[] g = noise(ROWS * COLUMNS, 20 + t);
        step.run(
            Map.of(
                "plain", g,
                "larger", scaled(g, 64),
                "smaller", scaled(g, 1.0 / 64),
                "swapped", permuted(g, swapped),
                "shuffled", permuted(g, shuffled)));
      }
      Map<String, double[]> theta = new LinkedHashMap<>();
      step.values().forEach((name, values) -> theta.put(name, values.get("theta")));
      double[] plain = theta.get("plain");
      boolean linear = cell.row().scale == Scale.LINEAR;
      double rounding = cell.isFloat32() ? 1e-5 : 1e-9;
      assertNear(scaled(plain, linear ? 64 : 1), theta.get("larger"), rounding);
      assertNear(scaled(plain, linear ? 1.0 / 64 : 1), theta.get("smaller"), rounding);
      // Another order of a sum may round the other way in bfloat16.
      double order = cell.row().options.contains("bfloat16") ? 1.0 / 128 : rounding;
      assertNear(permuted(plain, swapped), theta.get("swapped"), order);
      double[] expected = permuted(plain, shuffled);
      if (cell.row().permutes == Permutes.ELEMENTS) {
        assertNear(expected, theta.get("shuffled"), order);
      } else {
        double[] found = theta.get("shuffled");
        assertTrue(
            IntStream.range(0, found.length)
                .anyMatch(i -> Math.abs(found[i] - expected[i]) > 0.1 * RATE),
            "rows and columns have no part in this update");
      }
    }
  }

  private static int[] permutation(IntUnaryOperator from) {
    int[] order = IntStream.range(0, ROWS * COLUMNS).map(from).toArray();
    assertEquals(order.length, Arrays.stream(order).distinct().count(), "a permutation");
    return order;
  }

  private static double[] permuted(double[] values, int[] from) {
    return Arrays.stream(from).mapToDouble(i -> values[i]).toArray();
  }

  private static double[] scaled(double[] values, double factor) {
    return Arrays.stream(values).map(value -> factor * value).toArray();
  }

  private static void assertNear(double[] expected, double[] found, double bound) {
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], bound * (Math.abs(expected[i]) + RATE));
    }
  }
}
