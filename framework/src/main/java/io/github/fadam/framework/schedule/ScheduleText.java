package io.github.fadam.framework.schedule;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The text of a schedule while it is read: {@code NAME:KEY=VALUE,...}. */
final class ScheduleText {

  private static final Map<String, Set<String>> KEYS =
      new TreeMap<>(
          Map.of(
              "constant", Set.of("steps", "warmup"),
              "linear", Set.of("steps", "warmup", "end"),
              "polynomial", Set.of("steps", "warmup", "end", "power"),
              "cosine", Set.of("steps", "warmup", "end"),
              "cosine-restarts", Set.of("steps", "warmup", "end", "every", "growth", "decay"),
              "exponential", Set.of("steps", "warmup", "rate", "every"),
              "inverse-sqrt", Set.of("steps", "warmup", "every"),
              "one-cycle", Set.of("steps", "start", "end", "rise"),
              "warmup-stable-decay", Set.of("steps", "warmup", "decay", "end"),
              "piecewise", Set.of()));

  private final String text;
  private final Map<String, String> values;
  private final long totalSteps;

  private ScheduleText(String text, Map<String, String> values, long totalSteps) {
    this.text = text;
    this.values = values;
    this.totalSteps = totalSteps;
  }

  static Schedule parse(String text, double peak, long totalSteps) {
    int colon = text.indexOf(':');
    String name = colon < 0 ? text : text.substring(0, colon);
    if (!KEYS.containsKey(name)) {
      throw new IllegalArgumentException(
          "Expected a schedule of "
              + String.join(", ", KEYS.keySet())
              + ", found \""
              + text
              + "\"; for example cosine:warmup=500,end=0.1");
    }
    Map<String, String> values = new LinkedHashMap<>();
    if (colon >= 0) {
      for (String pair : text.substring(colon + 1).split(",", -1)) {
        int equals = pair.indexOf('=');
        String key = equals < 0 ? pair : pair.substring(0, equals).strip();
        if (equals < 0 || values.put(key, pair.substring(equals + 1).strip()) != null) {
          throw new IllegalArgumentException(
              "Expected KEY=VALUE pairs with a comma between them and each key once, found \""
                  + pair
                  + "\" in "
                  + text);
        }
      }
    }
    ScheduleText schedule = new ScheduleText(text, values, totalSteps);
    if (name.equals("piecewise")) {
      return schedule.piecewise(peak);
    }
    schedule.requireKeys(KEYS.get(name));
    return schedule.build(name, peak);
  }

  private Schedule build(String name, double peak) {
    double end = peak * number("end", 0);
    return switch (name) {
      case "constant" -> warmed(Schedules.constant(peak));
      case "linear" -> warmed(Schedules.linear(peak, end, rest()));
      case "polynomial" -> warmed(Schedules.polynomial(peak, end, number("power", 2), rest()));
      case "cosine" -> warmed(Schedules.cosine(peak, end, rest()));
      case "cosine-restarts" ->
          warmed(
              Schedules.cosineRestarts(peak, end, every(), count("growth", 2), number("decay", 1)));
      case "exponential" -> warmed(Schedules.exponential(peak, number("rate", 0.1), every()));
      case "inverse-sqrt" -> warmed(Schedules.inverseSquareRoot(peak, slowness()));
      case "one-cycle" ->
          Schedules.oneCycle(
              peak,
              peak * number("start", 0.04),
              peak * number("end", 4e-6),
              number("rise", 0.3),
              steps());
      default -> warmupStableDecay(peak, end);
    };
  }

  private Schedule warmupStableDecay(double peak, double end) {
    long warmup = length("warmup", Math.max(1, steps() / 100));
    long decay = length("decay", Math.max(1, steps() / 10));
    long stable = steps() - warmup - decay;
    if (stable < 1) {
      throw new IllegalArgumentException(
          "Expected more steps than warm-up and decay of "
              + (warmup + decay)
              + " together, found "
              + steps()
              + " in "
              + text);
    }
    return Schedules.warmupStableDecay(peak, end, warmup, stable, decay);
  }

  private Schedule piecewise(double peak) {
    TreeMap<Long, Double> pieces = new TreeMap<>();
    values
        .keySet()
        .forEach(key -> pieces.put(wholeNumber(key, "a step"), peak * number(key, Double.NaN)));
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected STEP=VALUE pairs, as in piecewise:1000=0.1,5000=0.01, found " + text);
    }
    long[] boundaries = pieces.keySet().stream().mapToLong(Long::longValue).toArray();
    double[] heights = new double[boundaries.length + 1];
    heights[0] = peak;
    for (int i = 0; i < boundaries.length; i++) {
      heights[i + 1] = pieces.get(boundaries[i]);
    }
    return Schedules.piecewise(boundaries, heights);
  }

  private void requireKeys(Set<String> known) {
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        throw new IllegalArgumentException(
            "Expected a key of "
                + String.join(", ", new TreeSet<>(known))
                + ", found "
                + key
                + " in "
                + text);
      }
    }
  }

  private Schedule warmed(Schedule schedule) {
    long warmup = length("warmup", 0);
    return warmup == 0 ? schedule : Schedules.warmup(warmup, schedule);
  }

  /** Steps after the warm-up. */
  private long rest() {
    long rest = steps() - length("warmup", 0);
    if (rest < 1) {
      throw new IllegalArgumentException(
          "Expected more steps than the warm-up's, found " + steps() + " steps for " + text);
    }
    return rest;
  }

  private long every() {
    return values.containsKey("every") ? length("every", 0) : rest();
  }

  private long slowness() {
    long slowness = length("every", length("warmup", 0));
    if (slowness == 0) {
      throw new IllegalArgumentException(
          "Expected warmup or every, which say how slow the value falls, found " + text);
    }
    return slowness;
  }

  private long steps() {
    if (values.containsKey("steps")) {
      return wholeNumber(values.get("steps"), "steps");
    }
    if (totalSteps < 1) {
      throw new IllegalArgumentException(
          "Expected steps=N in " + text + ", because the length of the run is not known");
    }
    return totalSteps;
  }

  /** A number of steps, or a percentage of all. */
  private long length(String key, long unless) {
    String value = values.get(key);
    if (value == null) {
      return unless;
    }
    if (!value.endsWith("%")) {
      return wholeNumber(value, key);
    }
    double percent = decimal(value.substring(0, value.length() - 1), key);
    if (!(percent >= 0 && percent <= 100)) {
      throw new IllegalArgumentException(
          "Expected " + key + " of 0 to 100 %, found " + value + " in " + text);
    }
    return Math.round(steps() * percent / 100);
  }

  private long count(String key, long unless) {
    return values.containsKey(key) ? wholeNumber(values.get(key), key) : unless;
  }

  private double number(String key, double unless) {
    return values.containsKey(key) ? decimal(values.get(key), key) : unless;
  }

  private long wholeNumber(String value, String key) {
    long number;
    try {
      number = Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw notANumber("a whole number", key, value, e);
    }
    if (number < 0) {
      throw new IllegalArgumentException(
          "Expected " + key + " of at least 0, found " + value + " in " + text);
    }
    return number;
  }

  private double decimal(String value, String key) {
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw notANumber("a number", key, value, e);
    }
  }

  private IllegalArgumentException notANumber(
      String what, String key, String value, NumberFormatException cause) {
    return new IllegalArgumentException(
        "Expected " + what + " for " + key + ", found \"" + value + "\" in " + text, cause);
  }
}
