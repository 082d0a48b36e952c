package io.github.fadam.framework.group;

import java.util.HashSet;
import java.util.Set;

/** The text of one parameter group while it is read: {@code PATTERN, PATTERN: KEY=VALUE, ...}. */
final class GroupText {

  private GroupText() {}

  static ParameterGroup parse(String text) {
    int colon = text.lastIndexOf(':');
    String head = colon < 0 ? text : text.substring(0, colon);
    ParameterGroup group = ParameterGroup.named(head.strip());
    if (colon < 0) {
      if (group.schedules().isEmpty()) {
        throw refused(text, "no key");
      }
      return group;
    }
    Set<String> seen = new HashSet<>();
    for (String pair : text.substring(colon + 1).split(",", -1)) {
      int equals = pair.indexOf('=');
      String key = (equals < 0 ? pair : pair.substring(0, equals)).strip();
      if (!seen.add(key)) {
        throw refused(text, key + " twice");
      }
      if (equals < 0 != key.equals("frozen")) {
        throw refused(text, "\"" + pair.strip() + "\"");
      }
      group =
          equals < 0 ? group.frozen() : set(group, key, pair.substring(equals + 1).strip(), text);
    }
    return group;
  }

  private static ParameterGroup set(ParameterGroup group, String key, String value, String text) {
    try {
      return switch (key) {
        case "learning-rate" -> group.learningRate(Double.parseDouble(value));
        case "learning-rate-multiplier" -> group.learningRateMultiplier(Double.parseDouble(value));
        case "weight-decay" -> group.weightDecay(Double.parseDouble(value));
        case "clip" ->
            group.clip(value.equals("none") ? Double.POSITIVE_INFINITY : Double.parseDouble(value));
        default -> throw refused(text, "\"" + key + "\"");
      };
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "Expected a number for " + key + " of group \"" + text.strip() + "\", found " + value, e);
    }
  }

  private static IllegalArgumentException refused(String text, String found) {
    return new IllegalArgumentException(
        "Expected a group as PATTERN, PATTERN: KEY=VALUE, ... with keys learning-rate,"
            + " learning-rate-multiplier, weight-decay, clip, frozen, each once, found "
            + found
            + " in \""
            + text.strip()
            + "\"; for example \"bias, gamma: weight-decay=0\"");
  }
}
