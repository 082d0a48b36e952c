package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Slot;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TBfloat16;

/** How the memory-saving optimizers keep their momentum, the only state of a matrix's size. */
public enum MomentumState {
  /** No momentum: the clipped gradient is the step. */
  NONE,
  /**
   * Two bytes an element. Rounded to 8 binary digits after each step, the momentum no longer
   * follows changes of less than about 2 percent.
   */
  BFLOAT16,
  /** The type that the update is computed in, the default: four bytes, or eight for float64. */
  FULL;

  /** The option's value, for example {@code bfloat16}. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  static MomentumState of(String key) {
    return Arrays.stream(values())
        .filter(state -> state.key().equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected a momentum of "
                        + Arrays.stream(values())
                            .map(MomentumState::key)
                            .collect(Collectors.joining(", "))
                        + ", found "
                        + key));
  }

  /** The slot, if there is one. */
  Optional<Slot> slot(Shape shape) {
    return switch (this) {
      case NONE -> Optional.empty();
      case BFLOAT16 -> Optional.of(new Slot("m", shape, 0, Optional.of(TBfloat16.class)));
      case FULL -> Optional.of(new Slot("m", shape, 0));
    };
  }
}
