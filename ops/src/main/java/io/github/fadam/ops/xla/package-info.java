/**
 * Parts of a graph as functions that XLA compiles.
 *
 * <p>{@link io.github.fadam.ops.xla.XlaGraph} compiles a graph of one's own; {@link
 * io.github.fadam.ops.xla.XlaFunction} adds what was built in one graph to another as one compiled
 * call; {@link io.github.fadam.ops.xla.XlaOps} knows what XLA can compile, and {@link
 * io.github.fadam.ops.xla.HloDump} shows what it made of it.
 */
package io.github.fadam.ops.xla;
