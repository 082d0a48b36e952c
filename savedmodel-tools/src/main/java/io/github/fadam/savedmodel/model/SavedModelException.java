package io.github.fadam.savedmodel.model;

/** Says why a directory cannot be used as a SavedModel, and what to do about it. */
public final class SavedModelException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  /**
   * Creates the exception.
   *
   * @param message what was expected, what was found and what to do
   */
  public SavedModelException(String message) {
    super(message);
  }

  /**
   * Creates the exception with the error that led to it.
   *
   * @param message what was expected, what was found and what to do
   * @param cause the error below
   */
  public SavedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
