package io.github.fadam.ops.runtime;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * Work in a daemon thread of its own whose result, or failure, is taken over by who waits for it.
 *
 * @param <T> type of the result
 */
public final class Background<T> {

  private final CompletableFuture<T> result = new CompletableFuture<>();

  private Background() {}

  /**
   * Begins.
   *
   * @param <T> type of the result
   * @param thread name of the thread
   * @param work what to do
   * @return the work, begun
   */
  public static <T> Background<T> begin(String thread, Supplier<? extends T> work) {
    Background<T> background = new Background<>();
    Thread started = new Thread(() -> background.run(work), thread);
    started.setDaemon(true);
    started.start();
    return background;
  }

  private void run(Supplier<? extends T> work) {
    try {
      result.complete(work.get());
    } catch (RuntimeException | Error e) {
      result.completeExceptionally(e);
    }
  }

  /**
   * Waits for the end of the work.
   *
   * @return its result; what it has thrown is thrown here
   */
  public T await() {
    try {
      return result.join();
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

  /** Waits for the end of the work, whatever comes of it. */
  void settle() {
    result.handle((value, failure) -> true).join();
  }
}
