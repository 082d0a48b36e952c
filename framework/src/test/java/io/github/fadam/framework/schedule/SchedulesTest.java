package io.github.fadam.framework.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.LongToDoubleFunction;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/** Every schedule against its closed form, in the graph, from the first step to step 10^9. */
class SchedulesTest {

  private static final double PEAK = 0.37;

  /** A schedule, its closed form, and steps at which something begins or ends. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Example(String name, Schedule schedule, LongToDoubleFunction closedForm, long... turns) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Example> examples() {
    return Stream.of(
        new Example("constant", Schedules.constant(PEAK), n -> PEAK),
        new Example(
            "linear", Schedules.linear(PEAK, 0.1, 700), n -> PEAK - 0.27 * part(n, 700), 700),
        new Example(
            "linear up to 10^9",
            Schedules.linear(0, PEAK, 1_000_000_000),
            n -> PEAK * part(n, 1_000_000_000)),
        new Example(
            "polynomial",
            Schedules.polynomial(PEAK, 0.1, 1.7, 700),
            n -> 0.1 + 0.27 * Math.pow(1 - part(n, 700), 1.7),
            700),
        new Example(
            "cosine", Schedules.cosine(PEAK, 0.1, 700), n -> 0.1 + 0.27 * wave(part(n, 700)), 700),
        new Example(
            "cosine with equal restarts",
            Schedules.cosineRestarts(PEAK, 0.1, 7, 1, 0.9999999),
            n -> 0.1 + 0.27 * Math.pow(0.9999999, Math.floor(n / 7.0)) * wave((n % 7) / 7.0),
            7,
            14,
            700_000_000),
        new Example(
            "cosine with growing restarts",
            Schedules.cosineRestarts(PEAK, 0.1, 700, 2, 0.8),
            n -> restarts(n, 700, 2, 0.8),
            700,
            2_100,
            4_900,
            700L * ((1 << 19) - 1)),
        new Example(
            "cosine with tripled restarts",
            Schedules.cosineRestarts(PEAK, 0.1, 1, 3, 1),
            n -> restarts(n, 1, 3, 1),
            1,
            4,
            13,
            193_710_244),
        new Example(
            "inverse square root",
            Schedules.inverseSquareRoot(PEAK, 700),
            n -> PEAK / Math.sqrt(1 + n / 700.0)),
        new Example(
            "exponential",
            Schedules.exponential(PEAK, 0.96, 5_000_000),
            n -> PEAK * Math.exp(n / 5e6 * Math.log(0.96))),
        new Example(
            "piecewise",
            Schedules.piecewise(new long[] {10, 700}, new double[] {PEAK, 0.2, 0.1}),
            n -> n < 10 ? PEAK : n < 700 ? 0.2 : 0.1,
            10,
            700),
        new Example(
            "warm-up and cosine",
            Schedules.warmupCosine(PEAK, 100, 700),
            n -> n < 100 ? PEAK * n / 100 : PEAK * wave(part(n - 100, 600)),
            100,
            700),
        new Example(
            "warm-up and inverse square root",
            Schedules.warmup(700, Schedules.inverseSquareRoot(PEAK, 700)),
            n -> n < 700 ? PEAK * n / 700 : PEAK * Math.sqrt(700.0 / n),
            700),
        new Example(
            "warm-up, plateau, decay",
            Schedules.warmupStableDecay(PEAK, 0.1, 100, 500, 200),
            n -> n < 100 ? PEAK * n / 100 : n < 600 ? PEAK : PEAK - 0.27 * part(n - 600, 200),
            100,
            600,
            800),
        new Example(
            "one cycle",
            Schedules.oneCycle(PEAK, 1_000),
            n ->
                n < 300
                    ? PEAK + (PEAK / 25 - PEAK) * wave(n / 300.0)
                    : PEAK / 250_000 + (PEAK - PEAK / 250_000) * wave(part(n - 300, 700)),
            300,
            1_000),
        new Example(
            "sequence",
            Schedules.sequence(
                Schedules.linear(PEAK, 0, 10), 4, Schedules.exponential(0.1, 0.5, 3)),
            n -> n < 4 ? PEAK * (1 - n / 10.0) : 0.1 * Math.pow(0.5, (n - 4) / 3.0),
            4));
  }

  @ParameterizedTest
  @MethodSource("examples")
  void theGraphComputesTheClosedForm(Example example) {
    long[] steps =
        LongStream.concat(
                LongStream.of(0, 1, 2, 3, 99, 12_345, 10_000_019, 999_999_999, 1_000_000_000),
                LongStream.of(example.turns())
                    .flatMap(turn -> LongStream.of(turn - 1, turn, turn + 1)))
            .toArray();
    double[] values = values(example.schedule(), steps);
    for (int i = 0; i < steps.length; i++) {
      double expected = example.closedForm().applyAsDouble(steps[i]);
      assertEquals(expected, values[i], 1e-12 * PEAK, example + " at n = " + steps[i]);
    }
  }

  @Test
  void onlyAConstantIsConstant() {
    examples()
        .forEach(
            example ->
                assertEquals(
                    example.name().equals("constant"),
                    example.schedule().constant().isPresent(),
                    example.name()));
  }

  static Stream<Example> texts() {
    return Stream.of(
        text("constant", n -> PEAK),
        text("constant:warmup=10", n -> PEAK * part(n, 10), 10),
        text("linear", n -> PEAK * (1 - part(n, 1_000)), 1_000),
        text(
            "linear:warmup=1%,steps=500,end=0.5",
            n -> n < 5 ? PEAK * n / 5 : PEAK * (1 - 0.5 * part(n - 5, 495)), 5, 500),
        text("polynomial:power=3", n -> PEAK * Math.pow(1 - part(n, 1_000), 3), 1_000),
        text("polynomial", n -> PEAK * Math.pow(1 - part(n, 1_000), 2), 1_000),
        text(
            "cosine:steps=10000,warmup=500,end=0",
            n -> n < 500 ? PEAK * n / 500 : PEAK * wave(part(n - 500, 9_500)),
            500,
            10_000),
        text("cosine: warmup = 0 , end = 0.1 ", n -> PEAK * (0.1 + 0.9 * wave(part(n, 1_000)))),
        text(
            "cosine-restarts:every=100,growth=1,decay=0.5",
            n -> PEAK * Math.pow(0.5, Math.floor(n / 100.0)) * wave(n % 100 / 100.0),
            100),
        text("exponential", n -> PEAK * Math.pow(0.1, n / 1_000.0)),
        text("exponential:rate=0.5,every=5%", n -> PEAK * Math.pow(0.5, n / 50.0)),
        text(
            "inverse-sqrt:warmup=40", n -> n < 40 ? PEAK * n / 40 : PEAK * Math.sqrt(40.0 / n), 40),
        text("inverse-sqrt:every=40", n -> PEAK * Math.sqrt(40.0 / (n + 40))),
        text(
            "one-cycle:rise=0.5,start=0.5,end=0.25",
            n ->
                n < 500
                    ? PEAK * (1 - 0.5 * wave(n / 500.0))
                    : PEAK * (0.25 + 0.75 * wave(part(n - 500, 500))),
            500,
            1_000),
        text(
            "warmup-stable-decay:warmup=100,decay=20%",
            n -> n < 100 ? PEAK * n / 100 : n < 800 ? PEAK : PEAK * (1 - part(n - 800, 200)),
            100,
            800,
            1_000),
        text(
            "warmup-stable-decay",
            n -> n < 10 ? PEAK * n / 10 : n < 900 ? PEAK : PEAK * (1 - part(n - 900, 100)),
            10,
            900),
        text(
            "piecewise:700=0.01,50=0.1",
            n -> n < 50 ? PEAK : PEAK * (n < 700 ? 0.1 : 0.01),
            50,
            700));
  }

  private static Example text(String text, LongToDoubleFunction closedForm, long... turns) {
    return new Example(text, Schedules.parse(text, PEAK, 1_000), closedForm, turns);
  }

  @ParameterizedTest
  @MethodSource("texts")
  void aTextIsTheScheduleItSays(Example example) {
    theGraphComputesTheClosedForm(example);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "cosin",
        "Cosine",
        "cosine:",
        "cosine:warmup",
        "cosine:warmup=",
        "cosine:warmup=1.5",
        "cosine:warmup=-1",
        "cosine:warmup=200%",
        "cosine:warmup=nan%",
        "cosine:warmup=1000",
        "cosine:warmup=1,warmup=2",
        "cosine:warmup=1,,end=0",
        "cosine:steps=0",
        "cosine:power=2",
        "cosine:end=NaN",
        "polynomial:power=0",
        "cosine-restarts:growth=0",
        "cosine-restarts:decay=1.5",
        "exponential:rate=0",
        "exponential:every=0",
        "inverse-sqrt",
        "one-cycle:warmup=5",
        "one-cycle:rise=1",
        "warmup-stable-decay:decay=100%",
        "warmup-stable-decay:warmup=0",
        "piecewise",
        "piecewise:0=0.1",
        "piecewise:a=0.1",
        "piecewise:5=b",
      })
  void aWrongTextIsRefused(String text) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> Schedules.parse(text, PEAK, 1_000), text)
            .getMessage();
    assertTrue(message.contains("Expected") && message.contains("found"), message);
  }

  @Test
  void theLengthIsAskedForWhereItIsNotKnown() {
    for (String text : new String[] {"linear", "cosine", "one-cycle", "cosine:warmup=5"}) {
      assertTrue(
          assertThrows(IllegalArgumentException.class, () -> Schedules.parse(text, PEAK, 0), text)
              .getMessage()
              .contains("steps=N"));
    }
    assertEquals(PEAK, values(Schedules.parse("cosine:steps=9", PEAK, 0), 0)[0]);
    assertEquals(PEAK, values(Schedules.parse("constant", PEAK, 0), 8)[0]);
    assertEquals(PEAK / 2, values(Schedules.parse("inverse-sqrt:warmup=4", PEAK, 0), 2)[0]);
  }

  @Test
  void aPeakOutOfBoundsIsRefused() {
    for (double peak : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(
          IllegalArgumentException.class, () -> Schedules.parse("constant", peak, 9), "" + peak);
    }
  }

  @Test
  void valuesOutOfBoundsAreRefused() {
    Schedule any = Schedules.constant(1);
    assertRefused(() -> Schedules.constant(Double.NaN));
    assertRefused(() -> Schedules.linear(1, 0, 0));
    assertRefused(() -> Schedules.linear(Double.NaN, 0, 1));
    assertRefused(() -> Schedules.polynomial(1, Double.NaN, 1, 1));
    assertRefused(() -> Schedules.polynomial(1, 0, 1, 0));
    assertRefused(() -> Schedules.cosineRestarts(1, 0, 0, 1, 1));
    assertRefused(() -> Schedules.cosineRestarts(1, 0, 1, 1, 0));
    assertRefused(() -> Schedules.inverseSquareRoot(1, 0));
    assertRefused(() -> Schedules.inverseSquareRoot(Double.POSITIVE_INFINITY, 1));
    assertRefused(() -> Schedules.exponential(1, Double.POSITIVE_INFINITY, 1));
    assertRefused(() -> Schedules.piecewise(new long[] {5, 5}, new double[] {1, 2, 3}));
    assertRefused(() -> Schedules.piecewise(new long[] {5}, new double[] {1}));
    assertRefused(() -> Schedules.warmup(0, any));
    assertRefused(() -> Schedules.warmupCosine(1, 5, 5));
    assertRefused(() -> Schedules.sequence(any, 0, any));
    assertRefused(() -> Schedules.warmupStableDecay(1, 0, 1, 0, 1));
    assertRefused(() -> Schedules.warmupStableDecay(1, 0, 1, 1, 0));
    assertRefused(() -> Schedules.oneCycle(1, 1));
    assertRefused(() -> Schedules.oneCycle(1, 0, 0, 0, 10));
  }

  private static void assertRefused(Runnable call) {
    assertThrows(IllegalArgumentException.class, call::run);
  }

  private static double part(long n, long steps) {
    return Math.max(0, Math.min(n / (double) steps, 1));
  }

  private static double wave(double part) {
    return (1 + Math.cos(Math.PI * part)) / 2;
  }

  /** Counts the cycles one by one. */
  private static double restarts(long n, long steps, long growth, double decay) {
    long length = steps;
    double height = 1;
    long rest = n;
    while (rest >= length) {
      rest -= length;
      length *= growth;
      height *= decay;
    }
    return 0.1 + 0.27 * height * wave(rest / (double) length);
  }

  private static double[] values(Schedule schedule, long... steps) {
    double[] values = new double[steps.length];
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TInt64> completed = tf.placeholder(TInt64.class);
      Operand<TFloat64> value = schedule.value(tf, completed);
      try (Session session = new Session(graph)) {
        for (int i = 0; i < steps.length; i++) {
          try (TInt64 fed = TInt64.scalarOf(steps[i]);
              var result = session.runner().feed(completed, fed).fetch(value).run()) {
            values[i] = ((TFloat64) result.get(0)).getDouble();
          }
        }
      }
    }
    return values;
  }
}
