/**
 * What a SavedModel directory says, read without executing anything.
 *
 * <p>{@link io.github.fadam.savedmodel.model.SavedModel} is the description: signatures, variables,
 * functions, assets. No class here opens a graph or a session.
 */
package io.github.fadam.savedmodel.model;
