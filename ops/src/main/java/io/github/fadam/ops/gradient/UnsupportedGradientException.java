package io.github.fadam.ops.gradient;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Gradients of a loss cannot be taken. Nothing has been added to the graph; the message names every
 * operation that stands in the way, and what to do about it.
 */
public final class UnsupportedGradientException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;
  private static final int SHOWN_STEPS = 8;

  private final transient List<Reason> reasons;

  UnsupportedGradientException(String loss, List<Reason> reasons) {
    super(message(loss, reasons));
    this.reasons = List.copyOf(reasons);
  }

  /**
   * All that stands in the way, in the order of the walk from the variables to the loss.
   *
   * @return one or more reasons; empty after deserialization, where only the message is left
   */
  public List<Reason> reasons() {
    return reasons == null ? List.of() : reasons;
  }

  private static String message(String loss, List<Reason> reasons) {
    return reasons.stream()
        .map(Reason::toString)
        .collect(
            Collectors.joining(
                "\n- ",
                "Expected a loss whose gradient can be taken, found "
                    + reasons.size()
                    + (reasons.size() == 1 ? " operation" : " operations")
                    + " on the way from the variables to "
                    + loss
                    + " that cannot be differentiated as the graph is; nothing was changed:\n- ",
                ""));
  }

  /**
   * One operation that stands in the way.
   *
   * @param opType type of the operation, such as {@code "Square"}
   * @param opName its name in the graph
   * @param path names of the operations from the variable to the loss, both included
   * @param problem what would happen
   * @param remedy what to change in the graph
   */
  public record Reason(
      String opType, String opName, List<String> path, String problem, String remedy) {

    /**
     * Copies the path.
     *
     * @param opType type of the operation
     * @param opName its name
     * @param path names from variable to loss
     * @param problem what would happen
     * @param remedy what to change
     */
    public Reason {
      path = List.copyOf(path);
    }

    /**
     * The reason in one line, with a path of a few steps around the operation.
     *
     * @return text for a person
     */
    @Override
    public String toString() {
      return opType
          + " '"
          + opName
          + "' (path "
          + String.join(" > ", shortened())
          + "): "
          + problem
          + ". "
          + remedy
          + ".";
    }

    private List<String> shortened() {
      if (path.size() <= SHOWN_STEPS) {
        return path;
      }
      int at = Math.max(path.indexOf(opName), 0);
      int from = Math.max(1, Math.min(at - 2, path.size() - 6));
      int to = Math.min(path.size() - 1, from + 5);
      List<String> shown = new ArrayList<>();
      shown.add(path.get(0));
      if (from > 1) {
        shown.add("...");
      }
      shown.addAll(path.subList(from, to));
      if (to < path.size() - 1) {
        shown.add("...");
      }
      shown.add(path.get(path.size() - 1));
      return shown;
    }
  }
}
