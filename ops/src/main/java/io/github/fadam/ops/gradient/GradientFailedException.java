package io.github.fadam.ops.gradient;

/**
 * A registered gradient threw, or returned something that is not a gradient. The graph still works,
 * but holds operations of the gradients that were under way; better build it anew.
 */
public final class GradientFailedException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  GradientFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
