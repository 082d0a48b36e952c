package io.github.fadam.framework.optimizer;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What carries out an optimizer's update. */
public enum Kernel {

  /** The library chooses; at present that is {@link #GRAPH}. */
  AUTO,

  /** Plain operations of the graph, run one by one. */
  GRAPH;

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
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
