/**
 * State on disk that survives a kill at any moment and goes on bit for bit.
 *
 * <p>{@link io.github.fadam.framework.checkpoint.TrainingState} says what is saved: variables and
 * everything that {@code RuleOptimizer.state()} lists. {@link
 * io.github.fadam.framework.checkpoint.Checkpoints} is a directory of checkpoints: it saves, keeps
 * the last and the best, and restores the newest whole one. The files are TensorFlow's ({@code
 * SaveV2}) with a manifest beside them.
 */
package io.github.fadam.framework.checkpoint;
