/**
 * Writing to disk so that what is there is whole or absent, whenever the process or the machine
 * stops.
 *
 * <p>{@link io.github.fadam.framework.file.WholeFile} writes one file, {@link
 * io.github.fadam.framework.file.WholeDirectory} a directory: beside the target, forced to the
 * disk, then renamed.
 */
package io.github.fadam.framework.file;
