package io.github.fadam.framework.loss;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The losses of Keras with its semantics: probabilities are clipped to between 1e-7 and 1 - 1e-7,
 * 16-bit outputs are computed in float32.
 */
public final class Losses {

  private static final Map<String, Supplier<Loss>> BY_NAME = new LinkedHashMap<>();
  private static final Map<String, String> ALIASES =
      Map.of("mean_squared_error", "mse", "mean_absolute_error", "mae");

  static {
    BY_NAME.put(SparseCategoricalCrossentropy.NAME, Losses::sparseCategoricalCrossentropy);
    BY_NAME.put(CategoricalCrossentropy.NAME, Losses::categoricalCrossentropy);
    BY_NAME.put(BinaryCrossentropy.NAME, Losses::binaryCrossentropy);
    BY_NAME.put(MeanSquaredError.NAME, Losses::meanSquaredError);
    BY_NAME.put(MeanAbsoluteError.NAME, Losses::meanAbsoluteError);
    BY_NAME.put(Huber.NAME, Losses::huber);
  }

  private Losses() {}

  /**
   * {@code -log p[label]} with class numbers as labels and probabilities as output.
   *
   * <p>A label outside of 0 to classes - 1 fails the step on a CPU or GPU; where XLA, which has no
   * assertions, compiles it, it makes the loss NaN.
   *
   * @return the loss; labels [batch] or [batch, time], output [batch, classes] or [batch, time,
   *     classes]
   */
  public static Loss sparseCategoricalCrossentropy() {
    return sparseCategoricalCrossentropy(false);
  }

  /**
   * {@code -log p[label]} with class numbers as labels.
   *
   * @param fromLogits true if the output has not gone through a softmax
   * @return the loss, as {@link #sparseCategoricalCrossentropy()}
   */
  public static Loss sparseCategoricalCrossentropy(boolean fromLogits) {
    return new SparseCategoricalCrossentropy(fromLogits);
  }

  /**
   * {@code -sum(labels log p)} over the last dimension, with one-hot or soft labels of the output's
   * shape and probabilities as output, which are divided by their sum first.
   *
   * @return the loss
   */
  public static Loss categoricalCrossentropy() {
    return categoricalCrossentropy(false);
  }

  /**
   * {@code -sum(labels log p)} over the last dimension.
   *
   * @param fromLogits true if the output has not gone through a softmax
   * @return the loss, as {@link #categoricalCrossentropy()}
   */
  public static Loss categoricalCrossentropy(boolean fromLogits) {
    return new CategoricalCrossentropy(fromLogits);
  }

  /**
   * {@code -(y log p + (1 - y) log(1 - p))} for each element, with labels y between 0 and 1 and
   * probabilities as output.
   *
   * @return the loss
   */
  public static Loss binaryCrossentropy() {
    return binaryCrossentropy(false);
  }

  /**
   * {@code -(y log p + (1 - y) log(1 - p))} for each element.
   *
   * @param fromLogits true if the output has not gone through a sigmoid
   * @return the loss, as {@link #binaryCrossentropy()}
   */
  public static Loss binaryCrossentropy(boolean fromLogits) {
    return new BinaryCrossentropy(fromLogits);
  }

  /**
   * {@code (y - x)^2} for each element.
   *
   * @return the loss
   */
  public static Loss meanSquaredError() {
    return new MeanSquaredError();
  }

  /**
   * {@code |y - x|} for each element.
   *
   * @return the loss
   */
  public static Loss meanAbsoluteError() {
    return new MeanAbsoluteError();
  }

  /**
   * {@code (y - x)^2 / 2} for differences up to 1 and {@code |y - x| - 1/2} beyond, for each
   * element.
   *
   * @return the loss
   */
  public static Loss huber() {
    return new Huber();
  }

  /**
   * A loss by the name that Keras gives it.
   *
   * @param kerasName {@code sparse_categorical_crossentropy}, {@code categorical_crossentropy},
   *     {@code binary_crossentropy}, {@code mse}, {@code mae} or {@code huber}; also {@code
   *     mean_squared_error} and {@code mean_absolute_error}
   * @param fromLogits true if the output is logits
   * @return the loss
   * @throws IllegalArgumentException if there is no such loss, with those there are, or it knows no
   *     logits
   */
  public static Loss named(String kerasName, boolean fromLogits) {
    Supplier<Loss> found = BY_NAME.get(ALIASES.getOrDefault(kerasName, kerasName));
    if (found == null) {
      throw new IllegalArgumentException(
          "Expected a loss of "
              + String.join(", ", BY_NAME.keySet())
              + ", found "
              + kerasName
              + ".");
    }
    Loss loss = found.get();
    if (!fromLogits) {
      return loss;
    }
    if (loss.activation() == Activation.NONE) {
      throw new IllegalArgumentException(
          "Expected a crossentropy where the output is logits, found "
              + kerasName
              + ", which takes the output as it is; leave out the option that says logits.");
    }
    return loss.ofLogits();
  }
}
