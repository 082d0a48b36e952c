package io.github.fadam.ops.runtime;

import java.util.function.Supplier;
import org.tensorflow.TensorFlow;

/**
 * TensorFlow's native library, which takes some tenths of a second to load: it can be loaded while
 * files are read.
 */
public final class NativeLibrary {

  private NativeLibrary() {}

  private static final class Loading {
    static final Background<String> VERSION =
        Background.begin("fadam-tensorflow", TensorFlow::version);
  }

  /**
   * Does something that does not need TensorFlow while the library is loaded, in a thread of its
   * own. When this returns or throws, nothing goes on in that thread: neither does a program end
   * during the loading, nor do two threads use TensorFlow's classes for the first time, which can
   * make them wait for each other.
   *
   * @param <T> type of the result
   * @param work must not use TensorFlow; what it throws is thrown here
   * @return the result of the work
   * @throws LinkageError if the library cannot be loaded, as TensorFlow-Java reports it
   */
  public static <T> T loadedWhile(Supplier<T> work) {
    Background<String> version = Loading.VERSION;
    T result;
    try {
      result = work.get();
    } catch (RuntimeException | Error e) {
      version.settle();
      throw e;
    }
    version.await();
    return result;
  }
}
