package io.github.fadam.savedmodel.training;

import java.util.Arrays;
import org.tensorflow.Session;
import org.tensorflow.proto.RunOptions;

/**
 * Which threads start a step's operations: TensorFlow's pool, or the one that runs the step.
 *
 * <p>In a pool, operations that do not need each other run side by side, and one thread hands over
 * to another again and again, which takes longer than most operations of a small step. Which way is
 * faster depends on model and machine, so the first steps are made both ways in turns, and the
 * others in the faster one. Results are the same bits: an operation's own threads, which split
 * large ones, are the same.
 */
final class StepThreads {

  /** {@code RunOptions.inter_op_thread_pool}: the caller's thread. */
  private static final RunOptions CALLER = RunOptions.newBuilder().setInterOpThreadPool(-1).build();

  /** The first runs optimise the graph and build kernels. */
  static final int UNTIMED = 4;

  /** Timed runs each way. */
  static final int TURNS = 7;

  private final boolean open;
  private final long[][] nanos = new long[2][TURNS];
  private int runs;
  private boolean caller;

  /**
   * Begins with the pool.
   *
   * @param open whether there is a choice; without, it stays the pool
   */
  StepThreads(boolean open) {
    this.open = open;
  }

  /** Says who runs the next step. */
  Session.Runner of(Session.Runner runner) {
    return isCaller() ? runner.setOptions(CALLER) : runner;
  }

  /** Whether the thread that asks for the next step makes it. */
  boolean isCaller() {
    return open && (runs < UNTIMED + 2 * TURNS ? runs % 2 == 1 : caller);
  }

  /** Takes note of how long the step took. */
  void observe(long taken) {
    int turn = (runs - UNTIMED) / 2;
    if (runs >= UNTIMED && turn < TURNS) {
      nanos[runs % 2][turn] = taken;
    }
    runs = Math.min(runs + 1, UNTIMED + 2 * TURNS);
    if (runs == UNTIMED + 2 * TURNS) {
      caller = median(nanos[1]) < median(nanos[0]);
    }
  }

  private static long median(long[] values) {
    long[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
