/**
 * The mathematics of Fisher Adam as graph operations: pure functions from tensors to tensors.
 *
 * <p>Each class is one step of Algorithm 1 of "FAdam: Adam is a natural gradient optimizer using
 * diagonal empirical Fisher information" (arXiv 2405.12807): the bias-corrected decay, the FIM EMA,
 * the preconditioner with its epsilon rules, the RMS clip. None of them reads or assigns a
 * variable. Reductions run over fixed blocks, so that their bits do not depend on the number of
 * threads. What runs fast as an operation of its own is slow in a function that XLA compiles, and
 * the other way round: {@link io.github.fadam.ops.fisher.Form} has both.
 */
package io.github.fadam.ops.fisher;
