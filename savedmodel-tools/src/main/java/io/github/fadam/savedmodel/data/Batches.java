package io.github.fadam.savedmodel.data;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.OptionalLong;

/**
 * Which rows make up which batch, for as many epochs as wanted.
 *
 * <p>An epoch visits every row once; its last batch has the rows that are left. Shuffled, the order
 * of an epoch depends on nothing but the seed, the number of rows and the epoch's number, so that
 * training can go on from any place with the batches it would have had.
 *
 * @param rows number of rows of the data
 * @param batchSize number of rows in a batch
 * @param seed what the order depends on, or empty for the data's own order
 */
public record Batches(long rows, int batchSize, OptionalLong seed) {

  /** Java's arrays end here. */
  private static final int MAX_ROWS = Integer.MAX_VALUE - 8;

  /** One batch. */
  public static final class Batch {
    private final long epoch;
    private final long position;
    private final long[] rows;

    private Batch(long epoch, long position, long[] rows) {
      this.epoch = epoch;
      this.position = position;
      this.rows = rows;
    }

    /**
     * The epoch.
     *
     * @return its number, from 0
     */
    public long epoch() {
      return epoch;
    }

    /**
     * The batch's place within the epoch.
     *
     * @return its number, from 0
     */
    public long position() {
      return position;
    }

    /**
     * The batch's rows.
     *
     * @return a copy of their numbers, in order
     */
    public long[] rows() {
      return rows.clone();
    }
  }

  /**
   * Checks the numbers.
   *
   * @param rows number of rows of the data
   * @param batchSize number of rows in a batch
   * @param seed what the order depends on, or empty
   * @throws IllegalArgumentException if there is no row, the batch size is not positive, or
   *     shuffling would take more than 2^31 rows
   */
  public Batches {
    if (rows < 1 || rows > MAX_ROWS) {
      throw new IllegalArgumentException(
          "Expected from 1 to " + MAX_ROWS + " rows, found " + rows + "; check the data.");
    }
    if (batchSize < 1) {
      throw new IllegalArgumentException(
          "Expected a batch size of at least 1, found " + batchSize + "; 32 is a usual one.");
    }
  }

  /**
   * Batches in the data's own order.
   *
   * @param rows number of rows
   * @param batchSize rows per batch
   * @return the batches
   */
  public static Batches inOrder(long rows, int batchSize) {
    return new Batches(rows, batchSize, OptionalLong.empty());
  }

  /**
   * Batches in an order that differs from epoch to epoch.
   *
   * @param rows number of rows
   * @param batchSize rows per batch
   * @param seed any number; the same one gives the same order on every machine
   * @return the batches
   */
  public static Batches shuffled(long rows, int batchSize, long seed) {
    return new Batches(rows, batchSize, OptionalLong.of(seed));
  }

  /**
   * Number of batches in an epoch.
   *
   * @return the number, the smaller last batch included
   */
  public long perEpoch() {
    return (rows + batchSize - 1) / batchSize;
  }

  /**
   * The batches of one epoch.
   *
   * @param epoch number of the epoch, from 0
   * @return an iterator that ends with the epoch
   */
  public Iterator<Batch> epoch(long epoch) {
    return new Cursor(epoch, 0, epoch + 1);
  }

  /**
   * The batches from some place on, without end.
   *
   * @param epoch number of the epoch, from 0
   * @param position number of the batch within the epoch, from 0 to {@link #perEpoch()}; the last
   *     means the beginning of the next epoch
   * @return an iterator that goes on with the next epoch for ever
   */
  public Iterator<Batch> from(long epoch, long position) {
    return new Cursor(epoch, position, Long.MAX_VALUE);
  }

  private final class Cursor implements Iterator<Batch> {
    private final long end;
    private long epoch;
    private long position;
    private long[] order;

    Cursor(long epoch, long position, long end) {
      if (epoch < 0 || position < 0 || position > perEpoch()) {
        throw new IllegalArgumentException(
            "Expected an epoch from 0 and a batch from 0 to "
                + perEpoch()
                + ", found epoch "
                + epoch
                + ", batch "
                + position
                + "; was the state saved with other data or another batch size?");
      }
      this.end = end;
      this.epoch = epoch;
      this.position = position;
      roll();
    }

    private void roll() {
      if (position == perEpoch()) {
        epoch++;
        position = 0;
        order = null;
      }
    }

    @Override
    public boolean hasNext() {
      return epoch < end;
    }

    @Override
    public Batch next() {
      if (!hasNext()) {
        throw new NoSuchElementException("The epoch has ended.");
      }
      if (order == null) {
        order = order(epoch);
      }
      int start = (int) (position * batchSize);
      int length = (int) Math.min(batchSize, rows - start);
      long[] selected = new long[length];
      System.arraycopy(order, start, selected, 0, length);
      Batch batch = new Batch(epoch, position, selected);
      position++;
      roll();
      return batch;
    }
  }

  /** Fisher-Yates over numbers from SplitMix64, which is defined bit by bit. */
  private long[] order(long epoch) {
    long[] order = new long[(int) rows];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    if (seed.isPresent()) {
      SplitMix64 random = new SplitMix64(seed.getAsLong(), epoch);
      for (int i = order.length - 1; i > 0; i--) {
        int j = random.below(i + 1);
        long swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
      }
    }
    return order;
  }

  private static final class SplitMix64 {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private long state;

    SplitMix64(long seed, long stream) {
      state = mix(seed + GOLDEN) ^ mix(mix(stream + 1));
    }

    /** From 0 to bound - 1; the bias is below bound / 2^32. */
    int below(int bound) {
      state += GOLDEN;
      return (int) (((mix(state) >>> 32) * bound) >>> 32);
    }

    private static long mix(long z) {
      long mixed = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
      return mixed ^ (mixed >>> 31);
    }
  }
}
