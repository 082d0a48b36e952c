/**
 * Where batches come from: arrays in memory, {@code .npz} and {@code .csv} files.
 *
 * <p>A {@link io.github.fadam.savedmodel.data.DataSource} knows its columns by name and hands out
 * any selection of its rows. {@link io.github.fadam.savedmodel.data.DataBinding} checks it against
 * what is to be fed, {@link io.github.fadam.savedmodel.data.Batches} says which rows come when.
 * {@link io.github.fadam.savedmodel.data.ArrayData}, {@link
 * io.github.fadam.savedmodel.data.NpzData} and {@link io.github.fadam.savedmodel.data.CsvData} make
 * sources; {@link io.github.fadam.savedmodel.data.NpzWriter} writes results.
 */
package io.github.fadam.savedmodel.data;
