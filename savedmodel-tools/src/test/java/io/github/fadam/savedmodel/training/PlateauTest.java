package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.training.History.Ending;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlateauTest {

  private static final GoldenModel CNN = GoldenModel.named("keras3_cnn");

  @Test
  void stopsAfterSomeEpochsWithoutALowerLoss() {
    EarlyStopping stopping = EarlyStopping.onLoss(2);
    assertTrue(stopping.onEpoch(epoch(3, 0)));
    assertTrue(stopping.onEpoch(epoch(2, 0)));
    assertTrue(stopping.onEpoch(epoch(2, 0)));
    assertTrue(stopping.onEpoch(epoch(1, 0)));
    assertTrue(stopping.onEpoch(epoch(1.5, 0)));
    assertFalse(stopping.onEpoch(epoch(1.2, 0)));
  }

  @Test
  void whatIsNoNumberIsNoProgress() {
    EarlyStopping stopping = EarlyStopping.onLoss(2);
    assertTrue(stopping.onEpoch(epoch(Double.NaN, 0)));
    assertTrue(stopping.onEpoch(epoch(3, 0)));
    assertTrue(stopping.onEpoch(epoch(Double.NaN, 0)));
    assertFalse(stopping.onEpoch(epoch(Double.NaN, 0)));
  }

  @Test
  void aMetricHasToRiseByMoreThanTheLeastChange() {
    EarlyStopping stopping = EarlyStopping.onMetric("accuracy", 1, 0.05);
    assertTrue(stopping.onEpoch(epoch(1, 0.5)));
    assertTrue(stopping.onEpoch(epoch(1, 0.56)));
    assertFalse(stopping.onEpoch(epoch(1, 0.6)));
    EarlyStopping unknown = EarlyStopping.onMetric("precision", 1, 0);
    assertThrows(IllegalArgumentException.class, () -> unknown.onEpoch(epoch(1, 0.5)));
  }

  /** With a learning rate of 0 nothing gets better, so that the run ends after the patience. */
  @Test
  void endsARun() {
    try (FineTuner tuner =
        FineTuner.of(CNN.directory()).optimizer(graph -> new Sgd(graph, 0)).build()) {
      FitOptions options = FitOptions.epochs(50).listener(EarlyStopping.onLoss(3));
      assertThrows(IllegalArgumentException.class, () -> tuner.fit(CNN.data(), options));
      History history = tuner.fit(CNN.data(), options.validation(CNN.data()));
      assertEquals(4, history.epochs().size());
      assertEquals(Ending.LISTENER, history.ended());
    }
  }

  @Test
  void lowersTheMultiplierDownToTheLeast() {
    List<Double> multipliers = new ArrayList<>();
    ReduceOnPlateau plateau = new ReduceOnPlateau(multipliers::add, 0.1, 2, 0.05);
    for (double loss : new double[] {3, 2, 2, 2, 1, 1, 1, 1, 1}) {
      assertTrue(plateau.onEpoch(epoch(loss, 0)));
    }
    assertEquals(List.of(0.1, 0.05, 0.05), multipliers);
  }

  @Test
  void theMultiplierIsTheRunsLearningRate() {
    try (FineTuner tuner =
        FineTuner.of(CNN.directory()).optimizer(graph -> new Sgd(graph, 0.1)).build()) {
      tuner.setLearningRateMultiplier(0);
      List<Double> still = losses(tuner);
      assertEquals(still.get(0), still.get(2));
      tuner.setLearningRateMultiplier(0.5);
      List<Double> moving = losses(tuner);
      assertEquals(still.get(0), moving.get(0));
      assertTrue(moving.get(2) < moving.get(0));
      ReduceOnPlateau.of(tuner, 0.5, 1, 0);
      assertThrows(IllegalArgumentException.class, () -> ReduceOnPlateau.of(tuner, 1, 1, 0));
      assertThrows(IllegalArgumentException.class, () -> ReduceOnPlateau.of(tuner, 0.5, 1, 1));
      assertThrows(
          IllegalArgumentException.class, () -> tuner.setLearningRateMultiplier(Double.NaN));
    }
  }

  @Test
  void refusesNumbersOutOfBounds() {
    assertThrows(IllegalArgumentException.class, () -> EarlyStopping.onLoss(0));
    assertThrows(IllegalArgumentException.class, () -> EarlyStopping.onMetric("accuracy", 1, -1));
  }

  private static List<Double> losses(FineTuner tuner) {
    return tuner.fit(CNN.data(), FitOptions.steps(3).batchSize(CNN.rows()).shuffle(false)).losses();
  }

  private static History.Epoch epoch(double loss, double accuracy) {
    return new History.Epoch(
        1, 1, loss, Optional.of(new Evaluation(1, loss, Map.of("accuracy", accuracy))));
  }
}
