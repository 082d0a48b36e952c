/**
 * What training makes small: the losses of Keras, built in the graph.
 *
 * <p>{@link io.github.fadam.framework.loss.Losses} has them all; {@link
 * io.github.fadam.framework.loss.Loss} says what a loss needs from labels and output.
 */
package io.github.fadam.framework.loss;
