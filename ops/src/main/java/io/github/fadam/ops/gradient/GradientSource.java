package io.github.fadam.ops.gradient;

/** Where the gradient of a type of operation comes from. */
public enum GradientSource {
  /** TensorFlow's own C++ gradient, or one that other code registered with TensorFlow. */
  CPP,
  /** One that this library or a user of it registered with {@link GradientRegistry}. */
  OURS,
  /**
   * None is needed: by definition no gradient flows, as through {@code Shape} or {@code ArgMax}.
   */
  ZERO,
  /**
   * It is refused in a graph as it is; in a SavedModel the inliner puts something in its place that
   * has a gradient, where the model allows it.
   */
  REWRITTEN,
  /** There is none, or the one that is registered must not be used; the check refuses the op. */
  NONE
}
