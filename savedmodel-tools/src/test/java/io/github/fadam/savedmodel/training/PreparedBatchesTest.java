package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.training.History.Ending;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/** Six rows in batches of two: what a run asks of its data, when, and what becomes of it. */
class PreparedBatchesTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");
  private static final String THREAD = "fadam-batches";

  @Test
  void aBatchIsReadWhileTheStepBeforeItIsMade() {
    Recorded data = new Recorded(Integer.MAX_VALUE);
    History history = train(data, 2, step -> step > 1 || data.waitsForTwo());
    assertEquals(Ending.COMPLETE, history.ended());
  }

  @Test
  void noBatchIsReadThatNoStepNeeds() {
    Recorded data = new Recorded(Integer.MAX_VALUE);
    train(data, 4, step -> true);
    assertEquals(List.of("[0, 1]", "[2, 3]", "[4, 5]", "[0, 1]"), data.read);
  }

  @Test
  void batchesReadInVainAreFewAndFreed() {
    Recorded data = new Recorded(Integer.MAX_VALUE);
    assertEquals(Ending.LISTENER, train(data, 99, step -> !data.waitsForTwo()).ended());
    assertTrue(data.read.size() <= 6, () -> data.read.size() + " batches for one step");
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Placeholder<TFloat32> any = Ops.create(graph).placeholder(TFloat32.class);
      for (Tensor tensor : data.given) {
        Session.Runner runner = session.runner().fetch(any);
        assertThrows(IllegalStateException.class, () -> runner.feed(any, tensor).run());
      }
    }
  }

  @Test
  void whatTheDataThrowsComesWhenItsStepIsDueAndEndsTheThread() throws InterruptedException {
    Recorded data = new Recorded(2);
    List<Long> made = new ArrayList<>();
    RuntimeException thrown =
        assertThrows(
            RuntimeException.class,
            () -> train(data, 9, step -> data.waitsForTwo() && made.add(step)));
    assertSame(data.failure, thrown);
    assertEquals(List.of(1L, 2L), made);
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals(THREAD)) {
        thread.join(10_000);
        assertFalse(thread.isAlive(), "a thread stays behind");
      }
    }
  }

  private static History train(DataSource data, int steps, LongPredicate goesOn) {
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public boolean onStep(Step step) {
            return goesOn.test(step.step());
          }
        };
    try (FineTuner tuner = FineTuner.of(CNN.directory()).build()) {
      return tuner.fit(
          data, FitOptions.steps(steps).batchSize(2).shuffle(false).listener(listener));
    }
  }

  /** The model's data; takes note of what the thread reads, and fails after some batches. */
  private static final class Recorded implements DataSource {

    private final DataSource data = CNN.data();
    private final List<String> read = Collections.synchronizedList(new ArrayList<>());
    private final List<Tensor> given = Collections.synchronizedList(new ArrayList<>());
    private final RuntimeException failure = new IllegalStateException("The disk is gone.");
    private final CountDownLatch second = new CountDownLatch(2);
    private final int batches;

    Recorded(int batches) {
      this.batches = batches;
    }

    boolean waitsForTwo() {
      try {
        return second.await(60, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public Map<String, Column> columns() {
      return data.columns();
    }

    @Override
    public long rows() {
      return data.rows();
    }

    @Override
    public Tensor tensor(String column, long[] rows, DataType dataType) {
      if (!Thread.currentThread().getName().equals(THREAD)) {
        return data.tensor(column, rows, dataType);
      }
      if (column.equals("labels")) {
        if (read.size() == batches) {
          throw failure;
        }
        read.add(Arrays.toString(rows));
        second.countDown();
      }
      Tensor tensor = data.tensor(column, rows, dataType);
      given.add(tensor);
      return tensor;
    }
  }
}
