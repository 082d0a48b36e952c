package io.github.fadam.savedmodel.training;

import java.util.ArrayList;
import java.util.List;

/** Says all that is wrong with what was asked for, not the first thing only. */
final class Refusals {

  private Refusals() {}

  /**
   * Makes all checks, and throws what they have thrown.
   *
   * @throws IllegalArgumentException the only one that a check has thrown, or one with the messages
   *     of all
   */
  static void all(List<Runnable> checks) {
    List<IllegalArgumentException> found = new ArrayList<>();
    for (Runnable check : checks) {
      try {
        check.run();
      } catch (IllegalArgumentException e) {
        found.add(e);
      }
    }
    if (found.size() == 1) {
      throw found.get(0);
    }
    if (!found.isEmpty()) {
      StringBuilder text = new StringBuilder("Found ").append(found.size()).append(" problems:");
      found.forEach(problem -> text.append("\n- ").append(problem.getMessage()));
      IllegalArgumentException all = new IllegalArgumentException(text.toString());
      found.forEach(all::addSuppressed);
      throw all;
    }
  }
}
