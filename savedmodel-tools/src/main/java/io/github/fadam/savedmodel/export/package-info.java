/**
 * Writing a model back: the whole directory as it was, with the variables' new values.
 *
 * <p>{@link io.github.fadam.savedmodel.export.SavedModelExporter} fills a new directory, {@link
 * io.github.fadam.framework.file.WholeDirectory} makes it appear whole or not at all.
 */
package io.github.fadam.savedmodel.export;
