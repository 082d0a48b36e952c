package io.github.fadam.savedmodel.inline;

/**
 * What to do with a Python custom gradient ({@code tf.custom_gradient}), which a SavedModel names
 * but in general does not hold.
 *
 * <p>Where the custom gradient is only another way to compute the ordinary one, as in {@code
 * tf.nn.silu}, the inliner recognises the pattern and neither choice matters.
 */
public enum CustomGradients {
  /**
   * Keep the {@code IdentityN} operation and its {@code _gradient_op_type}: the model computes its
   * outputs, and differentiating through the operation is refused. The default.
   */
  KEEP,
  /**
   * Take the gradient of what the operation computes instead of the author's. Where the author
   * meant another gradient (straight-through estimators, clipped gradients), training goes wrong
   * without a message.
   */
  IGNORE
}
