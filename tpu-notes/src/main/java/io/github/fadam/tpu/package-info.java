/**
 * What XLA asks of a graph on CPU, GPU and TPU, as a check of a SavedModel that runs.
 *
 * <p>{@link io.github.fadam.tpu.ModelCheck} examines one signature and compiles it here, in a
 * process of its own; {@link io.github.fadam.tpu.CheckReport} is what came out. The subcommand
 * {@code check} is added to the command line by {@link io.github.fadam.tpu.CheckProvider}.
 */
package io.github.fadam.tpu;
