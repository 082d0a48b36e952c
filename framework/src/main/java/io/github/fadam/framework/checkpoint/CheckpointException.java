package io.github.fadam.framework.checkpoint;

import java.util.List;

/**
 * Says why a checkpoint cannot be written or restored, and what to do. Nothing has changed then.
 */
public final class CheckpointException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What does not fit, a line each; empty where nothing was compared. */
  private final List<String> differences;

  CheckpointException(String message) {
    this(message, (Throwable) null);
  }

  CheckpointException(String message, Throwable cause) {
    super(message, cause);
    differences = List.of();
  }

  CheckpointException(String message, List<String> differences) {
    super(message);
    this.differences = List.copyOf(differences);
  }

  /**
   * In what a checkpoint differs from the training that it was to be restored into.
   *
   * @return each difference, for a reader; empty where the checkpoint could not be read or written
   */
  public List<String> differences() {
    return differences;
  }
}
