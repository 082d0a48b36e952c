/**
 * Gradients of a loss by variables of both kinds, checked before TensorFlow is asked for them.
 *
 * <p>{@link io.github.fadam.ops.gradient.Gradients} is the way in. TensorFlow's C++ side, which
 * TensorFlow-Java calls, has gradients for fewer operations than Python, ends the process on some
 * graphs and is silently wrong on others. {@code GradientCheck} walks from the loss to the
 * variables first and refuses such graphs, all reasons at once; what it knows about single
 * operations is written down as data in {@code OpKnowledge}. {@link
 * io.github.fadam.ops.gradient.GradientRegistry} fills in gradients that the C++ side lacks: ours,
 * one small class per family of operations, and those of users of the library.
 */
package io.github.fadam.ops.gradient;
