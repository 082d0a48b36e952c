package io.github.fadam.ops.kernel;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.OpDef;

/**
 * The native library with the ops {@code FisherApplyFAdam} and {@code FisherApplyFAdafactor}, and
 * their forms for reference variables, whose names end in {@code Ref}.
 *
 * <p>It is looked for on the class path, in {@code
 * io/github/fadam/ops/kernel/PLATFORM/libfadam_ops.so}: the jar {@code fadam-ops} with the
 * platform's name as classifier holds it, {@code linux-x86_64} or {@code linux-arm64}. It is loaded
 * once a process, when it is first asked for, and stays.
 */
public final class NativeOps {

  /** Version of TensorFlow whose C API the library was written for. */
  private static final String TENSORFLOW = "2.18.";

  private static final String FILE = "libfadam_ops.so";

  private static final List<String> PLATFORMS = List.of("linux-x86_64", "linux-arm64");

  private static final Set<String> OPS =
      Set.of(
          "FisherApplyFAdam",
          "FisherApplyFAdamRef",
          "FisherApplyFAdafactor",
          "FisherApplyFAdafactorRef");

  /** Set by the first class loader that loads the library: a second registration is an error. */
  private static final String LOADED = "io.github.fadam.ops.kernel.loaded";

  private NativeOps() {}

  /**
   * Loads the library, unless that has been tried before.
   *
   * @return why the ops cannot be used, in one sentence; empty where they can
   */
  public static Optional<String> missing() {
    return Outcome.REASON;
  }

  /**
   * Whether the class path holds a build of TensorFlow for GPUs. The ops run on the CPU and would
   * draw the variables there.
   *
   * @return true beside such a build
   */
  public static boolean besideGpu() {
    return NativeOps.class.getResource(
            "/org/tensorflow/internal/c_api/" + Loader.getPlatform() + "-gpu/")
        != null;
  }

  /** Loaded with the class: once, whichever thread asks first. */
  private static final class Outcome {
    static final Optional<String> REASON = load();
  }

  private static Optional<String> load() {
    String platform = Loader.getPlatform();
    URL found = NativeOps.class.getResource(platform + "/" + FILE);
    if (found == null && !PLATFORMS.contains(platform)) {
      return Optional.of(
          "there is no native library for "
              + platform
              + ", only for "
              + String.join(" and ", PLATFORMS));
    }
    if (found == null) {
      return Optional.of(
          "the class path holds no native library for "
              + platform
              + "; add fadam-ops with the classifier "
              + platform);
    }
    if (!TensorFlow.version().startsWith(TENSORFLOW)) {
      return Optional.of(
          "the native library was written for TensorFlow "
              + TENSORFLOW
              + "x, found "
              + TensorFlow.version());
    }
    synchronized (System.getProperties()) {
      if (System.getProperty(LOADED) != null) {
        return Optional.empty();
      }
      try {
        Set<String> registered =
            TensorFlow.loadLibrary(file(found).toString()).getOpList().stream()
                .map(OpDef::getName)
                .collect(Collectors.toSet());
        if (!registered.containsAll(OPS)) {
          return Optional.of(
              "the native library " + found + " registered " + registered + " in place of " + OPS);
        }
      } catch (IOException | UnsatisfiedLinkError e) {
        return Optional.of("the native library " + found + " cannot be loaded: " + e.getMessage());
      }
      System.setProperty(LOADED, found.toString());
      return Optional.empty();
    }
  }

  /** The library as a file: itself, or unpacked from its jar into JavaCPP's cache. */
  private static Path file(URL found) throws IOException {
    if (!found.getProtocol().equals("file")) {
      return Loader.cacheResource(found).toPath();
    }
    try {
      return Path.of(found.toURI());
    } catch (URISyntaxException e) {
      throw new IOException("The class path is no path: " + found, e);
    }
  }
}
