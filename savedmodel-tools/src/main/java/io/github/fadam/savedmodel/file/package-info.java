/**
 * Writing to disk so that a file is whole or absent.
 *
 * <p>{@link io.github.fadam.savedmodel.file.WholeFile} writes beside the target, forces the bytes
 * to the disk and renames.
 */
package io.github.fadam.savedmodel.file;
