package io.github.fadam.ops.xla;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A part of a graph cannot be compiled by XLA. Nothing has been changed; the message names every
 * operation that stands in the way.
 */
public final class NotCompilableException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 10;

  /** Parts of what TensorFlow's bridge to XLA says, which has no type of error of its own. */
  private static final List<String> FROM_COMPILING =
      List.of(
          "tf2xla conversion failed",
          "compile-time constant",
          "No registered 'XLA",
          "Detected unsupported operations when trying to compile graph",
          "XLA compilation");

  private static final List<Pattern> NODES =
      List.of(
          Pattern.compile("node `(?<name>[^`]+)` with op (?<op>\\w+)"),
          Pattern.compile("\\{\\{node (?<name>[^}]+)}} = (?<op>\\w+)"),
          Pattern.compile("\\{\\{node (?<name>[^}]+)}}(?<op>)"));

  /**
   * An operation that stands in the way.
   *
   * @param op its type, such as {@code Unique}; empty where TensorFlow does not tell
   * @param name its name in the graph, which is its path; empty where TensorFlow does not tell
   * @param problem what stands in the way and what to do
   */
  public record Reason(String op, String name, String problem) {
    @Override
    public String toString() {
      return (name + (op.isEmpty() ? "" : " (" + op + ")") + ": " + problem).replaceAll("^: ", "");
    }
  }

  private final transient List<Reason> reasons;

  NotCompilableException(List<Reason> reasons) {
    super(message(reasons));
    this.reasons = List.copyOf(reasons);
  }

  /**
   * What TensorFlow says when it finds out in the first run that XLA cannot compile a function. The
   * function has not run then.
   *
   * @param failure what a session has thrown
   * @return the same, naming the operation; empty if it does not come from compiling
   */
  public static Optional<NotCompilableException> of(RuntimeException failure) {
    String message = String.valueOf(failure.getMessage());
    if (FROM_COMPILING.stream().noneMatch(message::contains)) {
      return Optional.empty();
    }
    String said = "XLA has refused it: " + message.lines().findFirst().orElse(message);
    Reason reason =
        NODES.stream()
            .map(pattern -> pattern.matcher(message))
            .filter(Matcher::find)
            .map(found -> new Reason(found.group("op"), found.group("name"), said))
            .findFirst()
            .orElse(new Reason("", "", said));
    NotCompilableException named = new NotCompilableException(List.of(reason));
    named.initCause(failure);
    return Optional.of(named);
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
