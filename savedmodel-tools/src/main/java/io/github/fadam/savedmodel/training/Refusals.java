package io.github.fadam.savedmodel.training;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Says all that is wrong with what was asked for, not the first thing only. */
final class Refusals {

  /** What several checks have thrown; checks may be made of checks. */
  private static final class Several extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final transient List<IllegalArgumentException> each;

    Several(List<IllegalArgumentException> each) {
      super(
          each.stream()
              .map(problem -> "\n- " + problem.getMessage())
              .collect(Collectors.joining("", "Found " + each.size() + " problems:", "")));
      this.each = each;
      each.forEach(this::addSuppressed);
    }
  }

  private final List<IllegalArgumentException> found = new ArrayList<>();

  /**
   * Makes a check, and keeps what it throws.
   *
   * @return whether it has passed
   */
  boolean pass(Runnable check) {
    try {
      check.run();
      return true;
    } catch (Several e) {
      found.addAll(e.each);
      return false;
    } catch (IllegalArgumentException e) {
      found.add(e);
      return false;
    }
  }

  /**
   * Throws what the checks have thrown, if anything.
   *
   * @throws IllegalArgumentException the only one that a check has thrown, or one with the messages
   *     of all
   */
  void raise() {
    if (found.size() == 1) {
      throw found.get(0);
    }
    if (!found.isEmpty()) {
      throw new Several(found);
    }
  }

  /** Makes all checks, and throws what they have thrown. */
  static void all(List<Runnable> checks) {
    Refusals refusals = new Refusals();
    checks.forEach(refusals::pass);
    refusals.raise();
  }
}
