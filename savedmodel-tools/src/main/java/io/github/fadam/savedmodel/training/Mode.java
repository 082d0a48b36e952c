package io.github.fadam.savedmodel.training;

/** How a model runs in the steps of a training. Whatever else is done, it runs to infer. */
public enum Mode {
  /**
   * As the signature does: batch normalisation uses its stored averages and leaves them, dropout is
   * off. Every model can. The default.
   */
  INFERENCE,
  /**
   * As the author trained it: dropout is on, batch normalisation uses the batch's statistics and
   * updates its averages. For models that have a function for it: Keras 2 saves, archives of Keras
   * 3 with an endpoint for training, programs of TensorFlow 1 with a placeholder that says so.
   */
  TRAINING
}
