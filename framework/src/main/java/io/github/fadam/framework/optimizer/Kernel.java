package io.github.fadam.framework.optimizer;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What carries out an optimizer's update. */
public enum Kernel {

  /**
   * The library chooses, for every variable, and says so in the log: {@link #NATIVE} where that is
   * possible, {@link #GRAPH} elsewhere. It never chooses native operations beside a build of
   * TensorFlow for GPUs.
   */
  AUTO,

  /** Plain operations of the graph, run one by one. */
  GRAPH,

  /**
   * One native operation for all variables of a type, see {@link
   * io.github.fadam.ops.kernel.FisherApply}: FAdam and FAdafactor on the CPU, where the class path
   * holds the library for the system, for variables without lazy rows. Slots have the same names
   * and shapes, so that a run may go on with another kernel. A variable that it cannot update is an
   * error. It cannot be part of a cluster that XLA compiles.
   */
  NATIVE,

  /**
   * One function for the whole update, which XLA compiles in the first run. Where the whole
   * training step is compiled, the update is part of it and this choice means nothing.
   */
  XLA;

  /**
   * Reads what {@link #key} writes.
   *
   * @param key {@code auto}, {@code graph} and so on
   * @return the kernel
   * @throws IllegalArgumentException if there is none of that name, with those there are
   */
  public static Kernel of(String key) {
    return Arrays.stream(values())
        .filter(kernel -> kernel.key().equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected a kernel of "
                        + Arrays.stream(values()).map(Kernel::key).collect(Collectors.joining(", "))
                        + ", found "
                        + key));
  }

  /**
   * Its name as an option's value.
   *
   * @return the name in lower case
   */
  @JsonValue
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
