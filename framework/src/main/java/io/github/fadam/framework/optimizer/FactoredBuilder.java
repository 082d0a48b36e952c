package io.github.fadam.framework.optimizer;

/**
 * The options of optimizers that keep the Fisher information of a matrix as two factors.
 *
 * @param <B> the concrete builder, which every setter returns
 */
public sealed interface FactoredBuilder<B> permits FAdafactor.Builder, Adafactor.Builder {

  /**
   * Sets how large both of the last two dimensions have to be for a variable to be factored.
   * Smaller variables keep the whole diagonal. Default: 1, everything of rank 2 and more is
   * factored, as the algorithms are written.
   *
   * @param minimum at least 1
   * @return this builder
   * @throws IllegalArgumentException if it is out of bounds
   */
  B minDimensionToFactor(long minimum);

  /**
   * Sets how the momentum is kept. Default: {@link MomentumState#FULL}.
   *
   * @param momentum {@link MomentumState#NONE} leaves it out, whatever beta1 is
   * @return this builder
   */
  B momentum(MomentumState momentum);
}
