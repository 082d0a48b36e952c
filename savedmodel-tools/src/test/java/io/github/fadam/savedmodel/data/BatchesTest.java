package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BatchesTest {

  private static final long[] GOLDEN = {4, 0, 1, 5, 2, 3, 7, 9, 8, 6};

  private static List<long[]> epoch(Batches batches, long epoch) {
    List<long[]> rows = new ArrayList<>();
    batches.epoch(epoch).forEachRemaining(batch -> rows.add(batch.rows()));
    return rows;
  }

  private static long[] order(Batches batches, long epoch) {
    return epoch(batches, epoch).stream().flatMapToLong(Arrays::stream).toArray();
  }

  @Test
  void keepsTheOrderAndTheSmallerLastBatch() {
    Batches batches = Batches.inOrder(7, 3);
    assertEquals(3, batches.perEpoch());
    List<long[]> epoch = epoch(batches, 5);
    assertArrayEquals(new long[] {0, 1, 2}, epoch.get(0));
    assertArrayEquals(new long[] {6}, epoch.get(2));
    assertEquals(3, epoch.size());
  }

  @Test
  void visitsEveryRowOncePerEpoch() {
    Batches batches = Batches.shuffled(1000, 32, 42);
    for (long epoch = 0; epoch < 3; epoch++) {
      long[] order = order(batches, epoch);
      assertFalse(Arrays.equals(LongStream.range(0, 1000).toArray(), order));
      Arrays.sort(order);
      assertArrayEquals(LongStream.range(0, 1000).toArray(), order);
    }
  }

  @Test
  void dependsOnSeedAndEpochOnly() {
    long[] first = order(Batches.shuffled(100, 7, 1), 0);
    assertArrayEquals(first, order(Batches.shuffled(100, 7, 1), 0));
    assertArrayEquals(first, order(Batches.shuffled(100, 10, 1), 0));
    assertFalse(Arrays.equals(first, order(Batches.shuffled(100, 7, 2), 0)));
    assertFalse(Arrays.equals(first, order(Batches.shuffled(100, 7, 1), 1)));
  }

  /** The orders are a promise: a run that goes on after an upgrade must see the same batches. */
  @Test
  void neverChangesBetweenReleases() {
    assertArrayEquals(GOLDEN, order(Batches.shuffled(10, 10, 0), 0));
  }

  @Test
  void isSpreadEvenly() {
    int[] firsts = new int[5];
    for (int epoch = 0; epoch < 5000; epoch++) {
      firsts[(int) order(Batches.shuffled(5, 5, 3), epoch)[0]]++;
    }
    for (int count : firsts) {
      assertEquals(1000, count, 120);
    }
  }

  @Test
  void goesOnFromAnyPlace() {
    Batches batches = Batches.shuffled(10, 4, 9);
    Iterator<Batches.Batch> all = batches.from(0, 0);
    List<Batches.Batch> straight = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      straight.add(all.next());
    }
    for (int i = 0; i < 9; i++) {
      Iterator<Batches.Batch> resumed =
          batches.from(straight.get(i).epoch(), straight.get(i).position());
      for (int j = i; j < 9; j++) {
        assertArrayEquals(straight.get(j).rows(), resumed.next().rows());
      }
    }
    assertEquals(1, batches.from(0, 3).next().epoch());
    assertEquals(2, straight.get(8).epoch());
  }

  @Test
  void refusesWhatCannotBe() {
    assertThrows(IllegalArgumentException.class, () -> Batches.inOrder(0, 1));
    assertThrows(IllegalArgumentException.class, () -> Batches.inOrder(1, 0));
    assertThrows(IllegalArgumentException.class, () -> Batches.inOrder(1L << 32, 1));
    assertThrows(IllegalArgumentException.class, () -> Batches.inOrder(10, 5).from(0, 3));
    assertThrows(IllegalArgumentException.class, () -> Batches.inOrder(10, 5).from(-1, 0));
    Iterator<Batches.Batch> epoch = Batches.inOrder(1, 1).epoch(0);
    epoch.next();
    assertThrows(NoSuchElementException.class, epoch::next);
  }
}
