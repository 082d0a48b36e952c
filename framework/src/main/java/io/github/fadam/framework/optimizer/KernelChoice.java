package io.github.fadam.framework.optimizer;

/**
 * Which kernel updates some of a step's variables, and why.
 *
 * @param kernel the kernel, never {@link Kernel#AUTO}
 * @param variables number of variables that it updates
 * @param reason why it does, for people to read
 */
public record KernelChoice(Kernel kernel, int variables, String reason) {

  /** {@inheritDoc} */
  @Override
  public String toString() {
    return variables + " variables by " + kernel.key() + ": " + reason;
  }
}
