package io.github.fadam.savedmodel.training;

/** Training that cannot go on: the loss is no number any more. Nothing has been written. */
public final class TrainingException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  TrainingException(String message) {
    super(message);
  }
}
