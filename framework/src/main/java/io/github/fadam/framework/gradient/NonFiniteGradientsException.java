package io.github.fadam.framework.gradient;

/** Gradients have not been finite for so many steps in a row that a {@link Guard} gives up. */
public final class NonFiniteGradientsException extends RuntimeException {

  private static final long serialVersionUID = 1;

  /**
   * Makes the exception.
   *
   * @param message which optimizer, how many steps, and what to do
   */
  public NonFiniteGradientsException(String message) {
    super(message);
  }
}
