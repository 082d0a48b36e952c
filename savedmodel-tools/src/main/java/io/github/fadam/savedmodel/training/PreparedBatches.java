package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.Batches;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.tensorflow.Session;

/**
 * The batches of a run with all that a step needs for them, prepared by a thread of its own while
 * steps before them run. Right behind a step the processor's caches are full of it, and little work
 * takes long.
 *
 * <p>Order and contents are those of preparing one after the other; what the data throws for a
 * batch is thrown when that batch is asked for. Where a run ends before its last step, up to {@link
 * #LEAST} + {@link #CHUNK} batches were read in vain.
 */
final class PreparedBatches implements AutoCloseable {

  /** So many are left when others are begun. */
  private static final int LEAST = 1;

  /** To wake a thread takes longer than to prepare a small batch. */
  private static final int CHUNK = 4;

  private final Iterator<Batches.Batch> batches;
  private final FilledBatches filled;
  private final Function<Feeds, Session.Runner> fed;
  private final long seed;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          work -> {
            Thread named = new Thread(work, "fadam-batches");
            named.setDaemon(true);
            return named;
          });

  private final Deque<CompletableFuture<Prepared>> ahead = new ArrayDeque<>();

  /** How the last batch ahead gets prepared, if not by the thread. */
  private Runnable forCaller;

  private long draw;
  private long left;
  private volatile boolean ended;

  /**
   * A batch.
   *
   * @param batch its rows
   * @param draw its number among all of the run, those before it was resumed included
   * @param feeds what the step is fed, to be closed by who took it
   * @param step the step to run
   */
  record Prepared(Batches.Batch batch, long draw, Feeds feeds, Session.Runner step) {}

  /**
   * Begins with the first batches.
   *
   * @param fed makes the step to run of what it is fed
   * @param seed see {@link Feeds#of}
   * @param draw see {@link Feeds#of}; that of the first batch, the others' count on
   * @param count number of batches that will be asked for at most
   */
  PreparedBatches(
      Iterator<Batches.Batch> batches,
      FilledBatches filled,
      Function<Feeds, Session.Runner> fed,
      long seed,
      long draw,
      long count) {
    this.batches = batches;
    this.filled = filled;
    this.fed = fed;
    this.seed = seed;
    this.draw = draw;
    left = count;
    readAhead();
  }

  /** Gives out the next batch; there has to be one. */
  Prepared next() {
    if (forCaller != null && ahead.size() == 1) {
      forCaller.run();
      forCaller = null;
    }
    Prepared next = waitedFor(ahead.remove());
    readAhead();
    return next;
  }

  private void readAhead() {
    if (ahead.size() > LEAST) {
      return;
    }
    List<Runnable> chunk = new ArrayList<>();
    for (; left > 0 && forCaller == null && chunk.size() < CHUNK; left--) {
      Batches.Batch batch = batches.next();
      long number = draw++;
      CompletableFuture<Prepared> prepared = new CompletableFuture<>();
      ahead.add(prepared);
      // Who runs the model waits for the steps before, and the batches after wait for what it says.
      prepared.completeAsync(
          () -> prepare(batch, number),
          filled.runsModel(batch) ? work -> forCaller = work : chunk::add);
    }
    if (!chunk.isEmpty()) {
      thread.execute(() -> chunk.forEach(Runnable::run));
    }
  }

  private Prepared prepare(Batches.Batch batch, long number) {
    if (ended) {
      return null;
    }
    Feeds feeds = filled.feeds(batch.rows(), seed, number);
    return new Prepared(batch, number, feeds, fed.apply(feeds));
  }

  /** Unlike a future's own exceptions, these are the ones that the data threw. */
  private static Prepared waitedFor(CompletableFuture<Prepared> prepared) {
    try {
      return prepared.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      } else if (e.getCause() instanceof Error failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Waits for the batch that is being prepared, and frees what was in vain. */
  @Override
  public void close() {
    ended = true;
    if (forCaller != null) {
      forCaller.run();
    }
    thread.shutdown();
    for (CompletableFuture<Prepared> prepared : ahead) {
      prepared.handle(PreparedBatches::free).join();
    }
  }

  private static Void free(Prepared prepared, Throwable unheard) {
    if (prepared != null) {
      prepared.feeds().close();
    }
    return null;
  }
}
