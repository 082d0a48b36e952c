/**
 * Operations that TensorFlow does not have: one fused kernel an update.
 *
 * <p>They come in a native library for the system at hand, in a jar of its own on the class path,
 * and {@link io.github.fadam.ops.kernel.NativeOps} says whether they are there. Where they are not,
 * the same update is made of TensorFlow's own operations.
 */
package io.github.fadam.ops.kernel;
