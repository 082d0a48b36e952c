package io.github.fadam.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What memory allows: the time to move as many arrays as an update does, with next to no
 * arithmetic. FAdam reads three of the variable's size for its clips, and then reads four and
 * writes three: ten streams.
 */
final class MemoryStreams implements AutoCloseable {

  /** Elements of a stream, far more than fit into a cache. */
  static final int ELEMENTS = 1 << 24;

  /** Streams of one {@link #milliseconds}. */
  static final int STREAMS = 10;

  /** Bytes of all streams, for one element. */
  static final int BYTES = STREAMS * Integer.BYTES;

  private static final int BLOCK = 1 << 16;

  private final int[][] arrays = new int[4][ELEMENTS];
  private final int threads = Runtime.getRuntime().availableProcessors();
  private final ExecutorService executor = Executors.newFixedThreadPool(threads);
  private volatile int sink;

  /** The time that ten streams of {@link #ELEMENTS} 32-bit numbers take once. */
  double milliseconds() throws ExecutionException, InterruptedException {
    long start = System.nanoTime();
    onAllThreads(this::readThree);
    onAllThreads(this::updateThree);
    return (System.nanoTime() - start) / 1e6;
  }

  private interface Part {
    void run(int from, int to);
  }

  private void onAllThreads(Part part) throws ExecutionException, InterruptedException {
    List<Future<?>> running = new ArrayList<>();
    int share = ELEMENTS / threads;
    for (int i = 0; i < threads; i++) {
      int from = i * share;
      int end = i == threads - 1 ? ELEMENTS : from + share;
      running.add(
          executor.submit(
              () -> {
                for (int at = from; at < end; at += BLOCK) {
                  part.run(at, Math.min(at + BLOCK, end));
                }
              }));
    }
    for (Future<?> one : running) {
      one.get();
    }
  }

  private void readThree(int from, int to) {
    int[] a = arrays[0];
    int[] b = arrays[1];
    int[] c = arrays[2];
    int sum = 0;
    for (int i = from; i < to; i++) {
      sum += a[i] + b[i] + c[i];
    }
    sink = sum;
  }

  private void updateThree(int from, int to) {
    int[] a = arrays[0];
    int[] b = arrays[1];
    int[] c = arrays[2];
    int[] d = arrays[3];
    for (int i = from; i < to; i++) {
      a[i] += d[i];
      b[i] += d[i];
      c[i] += d[i];
    }
  }

  int sink() {
    return sink;
  }

  @Override
  public void close() {
    executor.shutdown();
  }
}
