package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.runtime.Background;
import io.github.fadam.savedmodel.model.SavedModel;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ConfigProto;

/**
 * A model that TensorFlow loads in a thread of its own. Either {@link #await} or {@link #abandon}
 * is called, once.
 */
final class LoadingBundle {

  private final Background<SavedModelBundle> bundle;

  private LoadingBundle(Background<SavedModelBundle> bundle) {
    this.bundle = bundle;
  }

  static LoadingBundle begin(SavedModel model, ConfigProto config) {
    return new LoadingBundle(Background.begin("fadam-restore", () -> load(model, config)));
  }

  /** Loads, in the calling thread. */
  static SavedModelBundle load(SavedModel model, ConfigProto config) {
    return SavedModelBundle.loader(model.directory().toString())
        .withTags(model.tags().toArray(String[]::new))
        .withConfigProto(config)
        .load();
  }

  /**
   * The loaded model, which the caller closes.
   *
   * @throws TensorFlowException if TensorFlow cannot load it
   */
  SavedModelBundle await() {
    return bundle.await();
  }

  /**
   * Frees the model once it is loaded.
   *
   * @param reason why it is not wanted
   */
  void abandon(Throwable reason) {
    try {
      await().close();
    } catch (RuntimeException | Error e) {
      reason.addSuppressed(e);
    }
  }
}
