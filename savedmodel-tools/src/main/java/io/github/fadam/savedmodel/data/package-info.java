/**
 * Where batches come from: arrays in memory, {@code .npz} and {@code .csv} files.
 *
 * <p>A {@link io.github.fadam.savedmodel.data.DataSource} knows its columns by name and hands out
 * any selection of its rows; shuffling and batching are the training loop's.
 */
package io.github.fadam.savedmodel.data;
