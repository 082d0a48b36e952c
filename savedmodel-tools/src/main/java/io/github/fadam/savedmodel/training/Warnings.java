package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.ArrayList;
import java.util.List;

/** What a user should know about how a model trains. */
final class Warnings {

  private Warnings() {}

  static List<String> of(InlinePlan plan) {
    List<String> warnings = new ArrayList<>();
    if (!plan.unseeded().isEmpty()) {
      warnings.add(
          "a resumed run repeats an uninterrupted one only on average: the random numbers of "
              + String.join(", ", plan.unseeded())
              + " cannot be tied to the seed");
    }
    return warnings;
  }
}
