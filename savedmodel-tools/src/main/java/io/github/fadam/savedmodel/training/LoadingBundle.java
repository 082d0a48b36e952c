package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.model.SavedModel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ConfigProto;

/**
 * A model that TensorFlow loads in a thread of its own. Either {@link #await} or {@link #abandon}
 * is called, once.
 */
final class LoadingBundle {

  private final CompletableFuture<SavedModelBundle> bundle = new CompletableFuture<>();

  private LoadingBundle() {}

  static LoadingBundle begin(SavedModel model, ConfigProto config) {
    LoadingBundle loading = new LoadingBundle();
    Thread thread = new Thread(() -> loading.load(model, config), "fadam-restore");
    thread.setDaemon(true);
    thread.start();
    return loading;
  }

  private void load(SavedModel model, ConfigProto config) {
    try {
      bundle.complete(
          SavedModelBundle.loader(model.directory().toString())
              .withTags(model.tags().toArray(String[]::new))
              .withConfigProto(config)
              .load());
    } catch (RuntimeException | Error e) {
      bundle.completeExceptionally(e);
    }
  }

  /**
   * The loaded model, which the caller closes.
   *
   * @throws TensorFlowException if TensorFlow cannot load it
   */
  SavedModelBundle await() {
    try {
      return bundle.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      if (e.getCause() instanceof RuntimeException exception) {
        throw exception;
      }
      throw e;
    }
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
