package io.github.fadam.framework.loss;

/** The last operation of a model that turns logits into probabilities. */
public enum Activation {
  /** None: the loss takes any number. */
  NONE,
  /** {@code exp(x) / sum(exp(x))} over the last dimension. */
  SOFTMAX,
  /** {@code 1 / (1 + exp(-x))} for each element. */
  SIGMOID
}
