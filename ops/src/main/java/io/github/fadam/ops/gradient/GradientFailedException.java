package io.github.fadam.ops.gradient;

/**
 * A registered gradient threw, or returned something that is not a gradient. The graph then holds
 * parts of the gradients: close it and build it anew.
 */
public final class GradientFailedException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  GradientFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
