package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** Every optimizer times every property: a row of {@link Row} earns all the tests. */
class PropertyTableTest {

  /** What scaling all gradients by one number does to the updates, without weight decay. */
  enum Scale {
    INVARIANT,
    LINEAR
  }

  /** What may be permuted before an update instead of after it. */
  enum Permutes {
    ELEMENTS,
    ROWS_AND_COLUMNS
  }

  /**
   * The optimizers. Rates are those of the quadratic and of Rosenbrock; slots those of a matrix and
   * of a vector or anything empty.
   */
  enum Row {
    FADAM("fadam", "", 0.1, 0.05, "f m", "f m", Scale.INVARIANT, Permutes.ELEMENTS),
    FADAFACTOR("fadafactor", "", 0.1, 0.05, "R C m", "f m", Scale.INVARIANT, FACTORED),
    FADAFACTOR_BFLOAT16(
        "fadafactor", "momentum=bfloat16", 0.1, 0.05, "R C m", "f m", Scale.INVARIANT, FACTORED),
    FADAFACTOR_WITHOUT_MOMENTUM(
        "fadafactor", "momentum=none", 0.1, 0.05, "R C", "f", Scale.INVARIANT, FACTORED),
    ADAM("adam", "epsilon=1e-15", 0.1, 0.05, "f m", "f m", Scale.INVARIANT, Permutes.ELEMENTS),
    ADAMW("adamw", "epsilon=1e-15", 0.1, 0.05, "f m", "f m", Scale.INVARIANT, Permutes.ELEMENTS),
    ADAFACTOR("adafactor", "", 0.1, 0.05, "R C m", "f m", Scale.INVARIANT, FACTORED),
    SGD("sgd", "", 0.05, 1.9e-3, "", "", Scale.LINEAR, Permutes.ELEMENTS),
    MOMENTUM("sgd", "momentum=0.9", 0.02, 3e-4, "m", "m", Scale.LINEAR, Permutes.ELEMENTS),
    NESTEROV(
        "sgd", "momentum=0.9 nesterov=true", 0.02, 3e-4, "m", "m", Scale.LINEAR, Permutes.ELEMENTS);

    private final String optimizer;
    private final String options;
    private final double quadraticRate;
    private final double rosenbrockRate;
    private final String matrixSlots;
    private final String vectorSlots;
    private final Scale scale;
    private final Permutes permutes;

    Row(
        String optimizer,
        String options,
        double quadraticRate,
        double rosenbrockRate,
        String matrixSlots,
        String vectorSlots,
        Scale scale,
        Permutes permutes) {
      this.optimizer = optimizer;
      this.options = options;
      this.quadraticRate = quadraticRate;
      this.rosenbrockRate = rosenbrockRate;
      this.matrixSlots = matrixSlots;
      this.vectorSlots = vectorSlots;
      this.scale = scale;
      this.permutes = permutes;
    }

    private static List<String> words(String text) {
      return text.isEmpty() ? List.of() : List.of(text.split(" "));
    }

    /** A builder with this row's options. */
    RuleOptimizerBuilder<?> builder(Graph graph) {
      RuleOptimizerBuilder<?> builder = Optimizers.named(optimizer).apply(graph);
      for (String option : words(options)) {
        int equals = option.indexOf('=');
        builder.set(option.substring(0, equals), option.substring(equals + 1));
      }
      return builder;
    }

    RuleOptimizerBuilder<?> withoutDecay(Graph graph) {
      return builder(graph).set("weight-decay", "0");
    }

    /** Whether an update stays finite for every finite gradient: a linear one may overflow. */
    boolean isBounded() {
      return scale == Scale.INVARIANT;
    }
  }

  private static final Permutes FACTORED = Permutes.ROWS_AND_COLUMNS;
  private static final double RATE = 0.01;
  private static final int FED_STEPS = 6;
  private static final int SEARCH_STEPS = 1000;
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

  /** A row with a type and a kind of variables. */
  record Cell(Row row, Class<? extends TNumber> type, Kind kind) {
    boolean isFloat32() {
      return type == TFloat32.class;
    }

    @Override
    public String toString() {
      return row + " " + type.getSimpleName() + " " + kind;
    }
  }

  static Stream<Cell> cells() {
    return Arrays.stream(Row.values())
        .flatMap(
            row ->
                Stream.of(TFloat32.class, TFloat64.class)
                    .flatMap(
                        type ->
                            Arrays.stream(Kind.values()).map(kind -> new Cell(row, type, kind))));
  }

  private static double[] noise(long size, long seed) {
    return new Random(seed).doubles(size, -1, 1).toArray();
  }

  /** Two optimizers of a kind in one graph, each with a valley of its own. */
  @ParameterizedTest
  @MethodSource("cells")
  void convergesOnAQuadraticAndOnRosenbrockSideBySide(Cell cell) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable w = variable(tf, cell, "w", -2, 1, 3, -1, 2, -3);
      TrainableVariable x = variable(tf, cell, "x", -0.5, 0, 0.5, 0, 0.3, 0.2);
      TrainableVariable y = variable(tf, cell, "y", 1, 0, -0.5, 0.5, 1, -0.5);
      Operand<TNumber> quadratic = quadratic(tf, cell, w);
      Operand<TNumber> rosenbrock = rosenbrock(tf, cell, x, y);
      RuleOptimizer first = optimizer(cell, graph, cell.row().quadraticRate);
      RuleOptimizer second = optimizer(cell, graph, cell.row().rosenbrockRate);
      Op descend = first.minimize(quadratic, List.of(w.handle()));
      Op search = second.minimize(rosenbrock, List.of(x.handle(), y.handle()));
      Set<TrainableVariable> states = new HashSet<>(first.state().values());
      assertTrue(Collections.disjoint(states, second.state().values()));
      assertEquals(
          2 + 2 * Row.words(cell.row().matrixSlots).size(),
          second.state().size(),
          "no slots of the first");
      try (Session session = new Session(graph)) {
        double[] before = losses(session, quadratic, rosenbrock);
        for (int t = 0; t < SEARCH_STEPS; t++) {
          session.runner().addTarget(descend).addTarget(search).run().close();
        }
        double[] after = losses(session, quadratic, rosenbrock);
        assertTrue(after[0] < 1e-4 * before[0], () -> "quadratic " + after[0] + " of " + before[0]);
        assertTrue(
            after[1] < 0.02 * before[1], () -> "Rosenbrock " + after[1] + " of " + before[1]);
      }
    }
  }

  private static RuleOptimizer optimizer(Cell cell, Graph graph, double rate) {
    return cell.row()
        .withoutDecay(graph)
        .learningRate(Schedules.linear(rate, 0, SEARCH_STEPS))
        .build();
  }

  private static TrainableVariable variable(Ops tf, Cell cell, String name, double... values) {
    Ops init = tf.withInitScope();
    return TrainableVariable.create(
        tf,
        cell.kind(),
        name,
        init.dtypes.cast(
            init.reshape(init.constant(values), init.constant(new int[] {2, 3})), cell.type()));
  }

  @SuppressWarnings("unchecked") // the wildcard stands for one type
  private static Operand<TNumber> number(Ops tf, Cell cell, double... values) {
    Operand<TFloat64> wide =
        values.length == 1
            ? tf.constant(values[0])
            : tf.reshape(tf.constant(values), tf.constant(new int[] {2, 3}));
    return tf.dtypes.cast(wide, (Class<TNumber>) cell.type());
  }

  private static Operand<TNumber> quadratic(Ops tf, Cell cell, TrainableVariable w) {
    Operand<TNumber> apart =
        tf.math.sub(VariableUpdate.typed(w.read(tf)), number(tf, cell, 1, -1, 0.5, 2, -0.5, 0));
    Operand<TNumber> curved = tf.math.mul(number(tf, cell, 1, 2, 5, 3, 1, 4), apart);
    return tf.sum(tf.math.mul(curved, apart), tf.constant(new int[] {0, 1}));
  }

  private static Operand<TNumber> rosenbrock(
      Ops tf, Cell cell, TrainableVariable x, TrainableVariable y) {
    Operand<TNumber> a = tf.identity(VariableUpdate.<TNumber>typed(x.read(tf)));
    Operand<TNumber> b = tf.identity(VariableUpdate.<TNumber>typed(y.read(tf)));
    Operand<TNumber> along = tf.math.sub(number(tf, cell, 1), a);
    Operand<TNumber> across = tf.math.sub(b, tf.math.mul(a, a));
    return tf.sum(
        tf.math.add(
            tf.math.mul(along, along),
            tf.math.mul(number(tf, cell, 100), tf.math.mul(across, across))),
        tf.constant(new int[] {0, 1}));
  }

  private static double[] losses(Session session, Operand<?> quadratic, Operand<?> rosenbrock) {
    try (Result result = session.runner().fetch(quadratic).fetch(rosenbrock).run()) {
      return new double[] {FedStep.numbers(result.get(0))[0], FedStep.numbers(result.get(1))[0]};
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
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
  @MethodSource("cells")
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
