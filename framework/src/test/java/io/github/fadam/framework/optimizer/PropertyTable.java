package io.github.fadam.framework.optimizer;

import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.tensorflow.Graph;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/**
 * The rows of the property table: every optimizer earns all its tests by one {@link Row}. The
 * columns are {@link PropertyTableTest}, {@link ConvergenceTest}, {@link AroundEveryRuleTest},
 * {@link AccumulatedBatchTest}, {@link ResumeTest}, {@link ThreadsTest}, {@link CompiledUpdateTest}
 * and, for bounded rows, {@link ExtremesTest}.
 */
final class PropertyTable {

  private PropertyTable() {}

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

  /** Where the search for the bottom of Rosenbrock's valley begins. */
  enum From {
    /** About (-1.2, 1), on the far side. */
    CLASSIC,
    /** Where the valley is less steep, for steps as long as the gradient. */
    EASED;

    double[] x() {
      return this == CLASSIC
          ? new double[] {-1.2, -1, -1.2, -1.1, -0.9, -1.2}
          : new double[] {-0.5, 0, 0.5, 0, 0.3, 0.2};
    }

    double[] y() {
      return this == CLASSIC
          ? new double[] {1, 1, 1.2, 0.9, 1, 0.8}
          : new double[] {1, 0, -0.5, 0.5, 1, -0.5};
    }
  }

  /**
   * The optimizers. Rates are those of the quadratic and of Rosenbrock; slots those of a matrix and
   * of a vector or anything empty.
   */
  enum Row {
    /** With native operations where they are there; so are all rows of FAdafactor but one. */
    FADAM("fadam", "", 0.1, From.CLASSIC, 0.05, "f m", "f m", Scale.INVARIANT, Permutes.ELEMENTS),
    FADAM_GRAPH(
        "fadam",
        "kernel=graph",
        0.1,
        From.CLASSIC,
        0.05,
        "f m",
        "f m",
        Scale.INVARIANT,
        Permutes.ELEMENTS),
    FADAFACTOR_GRAPH(
        "fadafactor",
        "kernel=graph",
        0.1,
        From.CLASSIC,
        0.05,
        "R C m",
        "f m",
        Scale.INVARIANT,
        FACTORED),
    FADAFACTOR(
        "fadafactor", "", 0.1, From.CLASSIC, 0.05, "R C m", "f m", Scale.INVARIANT, FACTORED),
    FADAFACTOR_BFLOAT16(
        "fadafactor",
        "momentum=bfloat16",
        0.1,
        From.CLASSIC,
        0.05,
        "R C m",
        "f m",
        Scale.INVARIANT,
        FACTORED),
    FADAFACTOR_WITHOUT_MOMENTUM(
        "fadafactor",
        "momentum=none",
        0.1,
        From.CLASSIC,
        0.05,
        "R C",
        "f",
        Scale.INVARIANT,
        FACTORED),
    ADAM(
        "adam",
        "epsilon=1e-15",
        0.1,
        From.CLASSIC,
        0.05,
        "f m",
        "f m",
        Scale.INVARIANT,
        Permutes.ELEMENTS),
    ADAMW(
        "adamw",
        "epsilon=1e-15",
        0.1,
        From.CLASSIC,
        0.05,
        "f m",
        "f m",
        Scale.INVARIANT,
        Permutes.ELEMENTS),
    ADAFACTOR("adafactor", "", 0.1, From.CLASSIC, 0.05, "R C m", "f m", Scale.INVARIANT, FACTORED),
    SGD("sgd", "", 0.05, From.EASED, 1.9e-3, "", "", Scale.LINEAR, Permutes.ELEMENTS),
    MOMENTUM(
        "sgd", "momentum=0.9", 0.02, From.EASED, 3e-4, "m", "m", Scale.LINEAR, Permutes.ELEMENTS),
    NESTEROV(
        "sgd",
        "momentum=0.9 nesterov=true",
        0.02,
        From.EASED,
        3e-4,
        "m",
        "m",
        Scale.LINEAR,
        Permutes.ELEMENTS);

    final String optimizer;
    final String options;
    final double quadraticRate;
    final From from;
    final double rosenbrockRate;
    final String matrixSlots;
    final String vectorSlots;
    final Scale scale;
    final Permutes permutes;

    Row(
        String optimizer,
        String options,
        double quadraticRate,
        From from,
        double rosenbrockRate,
        String matrixSlots,
        String vectorSlots,
        Scale scale,
        Permutes permutes) {
      this.optimizer = optimizer;
      this.options = options;
      this.quadraticRate = quadraticRate;
      this.from = from;
      this.rosenbrockRate = rosenbrockRate;
      this.matrixSlots = matrixSlots;
      this.vectorSlots = vectorSlots;
      this.scale = scale;
      this.permutes = permutes;
    }

    static List<String> words(String text) {
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

  /** All cells of a row side by side in one graph: each variable in two types and two kinds. */
  static Map<String, FedStep.Fed> sideBySide(Map<String, FedStep.Start> starts) {
    Map<String, FedStep.Fed> all = new LinkedHashMap<>();
    starts.forEach(
        (name, start) -> {
          for (Kind kind : Kind.values()) {
            all.put(name + ".float32." + kind, start.as(kind, TFloat32.class));
            all.put(name + ".float64." + kind, start.as(kind, TFloat64.class));
          }
        });
    return all;
  }

  /** A random gradient for each variable. */
  static Map<String, double[]> gradients(Map<String, FedStep.Fed> variables, long seed) {
    Map<String, double[]> gradients = new LinkedHashMap<>();
    variables.forEach(
        (name, fed) ->
            gradients.put(name, noise(fed.start().shape().size(), seed * 31 + name.indexOf('.'))));
    return gradients;
  }

  static double[] noise(long size, long seed) {
    return new Random(seed).doubles(size, -1, 1).toArray();
  }
}
