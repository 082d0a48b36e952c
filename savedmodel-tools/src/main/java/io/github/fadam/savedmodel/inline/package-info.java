/**
 * From calls of functions to plain nodes.
 *
 * <p>{@link io.github.fadam.savedmodel.inline.FunctionInliner} turns one signature into an {@link
 * io.github.fadam.savedmodel.inline.InlinePlan}, purely; {@link
 * io.github.fadam.savedmodel.inline.GraphEmitter} puts the plan into a graph.
 */
package io.github.fadam.savedmodel.inline;
