package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.FAdafactor;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Kernel;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TNumber;

/** What carries out an update; {@link UpdateContest} holds their steps. */
enum Contestant {
  FADAM_NATIVE("FAdam, native", Kernel.NATIVE, 2),
  FADAFACTOR_NATIVE("FAdafactor, native", Kernel.NATIVE, 1),
  RESOURCE_APPLY_ADAM("ResourceApplyAdam", null, 2),
  FADAM_XLA("FAdam, XLA", Kernel.XLA, 6),
  FADAFACTOR_XLA("FAdafactor, XLA", Kernel.XLA, 5),
  FADAM_GRAPH("FAdam, graph operations", Kernel.GRAPH, 10),
  FRAMEWORK_ADAM("the framework's Adam", null, 4);

  private final String label;
  private final Kernel kernel;
  private final int copies;

  Contestant(String label, Kernel kernel, int copies) {
    this.label = label;
    this.kernel = kernel;
    this.copies = copies;
  }

  String label() {
    return label;
  }

  Kernel kernel() {
    return kernel;
  }

  /** Memory for state and intermediate values, in sizes of the variables. */
  int copies() {
    return copies;
  }

  boolean isFactored() {
    return this == FADAFACTOR_NATIVE || this == FADAFACTOR_XLA;
  }

  boolean isAdam() {
    return this == RESOURCE_APPLY_ADAM || this == FRAMEWORK_ADAM;
  }

  /**
   * Bytes a parameter that an update cannot do without: those of {@link FAdam} are three reads for
   * the clips, then four reads and three writes; {@link FAdafactor} reads gradients for its factors
   * and has no second slot; Adam reads four and writes three.
   */
  int bytes(Class<? extends TNumber> type) {
    if (type == TBfloat16.class) {
      /* State is float32, and there is a master copy; TensorFlow's Adam keeps bfloat16. */
      return isAdam() ? 7 * 2 : isFactored() ? 2 + 8 + 12 + 10 : 12 + 16 + 14;
    }
    int streams = isAdam() ? 7 : isFactored() ? 8 : 10;
    return streams * (type == TFloat64.class ? 8 : 4);
  }
}
