package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.runtime.NativeLibrary;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.nio.file.Path;

/**
 * Measures an existing SavedModel on data, also one that nothing can be trained in.
 *
 * <p>Not safe for use by several threads. {@link #close} frees the graph and the session.
 */
public final class ModelEvaluator implements AutoCloseable {

  private final LoadedSignature loaded;

  private ModelEvaluator(Builder builder) {
    builder.check();
    loaded = LoadedSignature.of(builder);
  }

  /**
   * Reads a SavedModel's description and starts with everything at its default.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @return a builder
   * @throws io.github.fadam.savedmodel.model.SavedModelException if it is not a SavedModel
   * @throws LinkageError if TensorFlow's native library, which is loaded meanwhile, cannot be
   */
  public static Builder of(Path directory) {
    return new Builder(NativeLibrary.loadedWhile(() -> SavedModel.read(directory)));
  }

  /** What to measure. */
  public static final class Builder extends ObjectiveBuilder<Builder> {

    private Builder(SavedModel model) {
      super(model);
    }

    /**
     * Loads the model.
     *
     * @return the evaluator, to be closed
     * @throws IllegalArgumentException if names are not the signature's, or shapes or {@link #data}
     *     do not fit, with all of these; or the loss does not fit its output
     * @throws io.github.fadam.savedmodel.model.SavedModelException if there is no such signature
     *     and nothing else is wrong
     * @throws org.tensorflow.exceptions.TensorFlowException if TensorFlow cannot load the model
     */
    public ModelEvaluator build() {
      return new ModelEvaluator(this);
    }

    @Override
    Builder self() {
      return this;
    }
  }

  /**
   * The signature that is measured.
   *
   * @return the signature
   */
  public SavedSignature signature() {
    return loaded.signature();
  }

  /**
   * Measures the model on data.
   *
   * @param data a column for each input of the signature, and the labels
   * @param batchSize rows in a batch, at least 1; the result does not depend on it but for rounding
   * @return loss and metrics
   * @throws IllegalArgumentException if the data does not fit the signature or the loss
   */
  public Evaluation evaluate(DataSource data, int batchSize) {
    return loaded.evaluate(data, batchSize);
  }

  /**
   * Runs the signature on data.
   *
   * @param data a column for each input of the signature; labels may be there and are not read
   * @param batchSize rows in a batch, at least 1
   * @return the outputs, to be closed
   * @throws IllegalArgumentException if the data does not fit the signature
   */
  public Predictions predict(DataSource data, int batchSize) {
    return loaded.predict(data, batchSize);
  }

  /** Frees the graph and the session. */
  @Override
  public void close() {
    loaded.close();
  }
}
