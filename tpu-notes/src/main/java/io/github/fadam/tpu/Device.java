package io.github.fadam.tpu;

import java.util.Locale;

/** The kinds of devices that XLA compiles for. */
public enum Device {
  /** The processors of this machine: what is said of them has been compiled and run here. */
  CPU,
  /** A GPU, of which a table knows what differs from the CPU. */
  GPU,
  /** A TPU, of which a table knows what differs from the CPU. */
  TPU;

  /** The name in tables and on the command line. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
