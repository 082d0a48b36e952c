package io.github.fadam.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory that this process has taken of the machine. */
final class ResidentMemory {

  private static final Path STATUS = Path.of("/proc/self/status");

  private ResidentMemory() {}

  /** Prints the largest resident memory so far, where the system tells. */
  static void print() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("VmHWM:")) {
          System.out.println("largest resident memory: " + line.substring(6).strip());
        }
      }
    } catch (IOException absent) {
      System.out.println("largest resident memory: not known on this system");
    }
  }
}
