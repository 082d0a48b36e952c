package io.github.fadam.ops.xla;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A part of a graph cannot be compiled by XLA. Nothing has been changed; the message names every
 * operation that stands in the way.
 */
public final class NotCompilableException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 10;

  /**
   * An operation that stands in the way.
   *
   * @param op its type, such as {@code Unique}
   * @param name its name in the graph, which is its path
   * @param problem what stands in the way and what to do
   */
  public record Reason(String op, String name, String problem) {
    @Override
    public String toString() {
      return name + " (" + op + "): " + problem;
    }
  }

  private final transient List<Reason> reasons;

  NotCompilableException(List<Reason> reasons) {
    super(message(reasons));
    this.reasons = List.copyOf(reasons);
  }

  /**
   * All that stands in the way.
   *
   * @return one or more reasons; empty after deserialization, where only the message is left
   */
  public List<Reason> reasons() {
    return reasons == null ? List.of() : reasons;
  }

  private static String message(List<Reason> reasons) {
    String shown =
        reasons.stream().limit(SHOWN).map(Reason::toString).collect(Collectors.joining("\n- "));
    return "Expected operations that XLA compiles, or that no trained variable has a part in, found "
        + reasons.size()
        + (reasons.size() == 1 ? " operation" : " operations")
        + " that cannot be compiled; nothing was changed:\n- "
        + shown
        + (reasons.size() > SHOWN ? "\n- and " + (reasons.size() - SHOWN) + " more" : "");
  }
}
