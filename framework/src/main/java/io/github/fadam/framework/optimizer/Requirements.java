package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;

/** Bounds of options; the message names option, bound and value. */
final class Requirements {

  private Requirements() {}

  static double hyper(Hyper hyper, double value) {
    return switch (hyper) {
      case LEARNING_RATE, WEIGHT_DECAY -> notNegative(hyper.key(), value);
      case CLIP -> positive(hyper.key(), value);
    };
  }

  static double notNegative(String option, double value) {
    return require(value >= 0 && Double.isFinite(value), option, "at least 0 and finite", value);
  }

  static double positive(String option, double value) {
    return require(value > 0, option, "above 0", value);
  }

  static double positiveFinite(String option, double value) {
    return require(value > 0 && Double.isFinite(value), option, "above 0 and finite", value);
  }

  static double decay(String option, double value) {
    return require(value >= 0 && value < 1, option, "at least 0 and below 1", value);
  }

  static double exponent(String option, double value) {
    return require(value > 0 && value <= 1, option, "above 0 and at most 1", value);
  }

  private static double require(boolean holds, String option, String bound, double value) {
    if (!holds) {
      throw new IllegalArgumentException("Expected " + option + " " + bound + ", found " + value);
    }
    return value;
  }

  static boolean truth(String option, String value) {
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default ->
          throw new IllegalArgumentException(
              "Expected true or false for option " + option + ", found " + value);
    };
  }
}
