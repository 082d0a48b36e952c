package io.github.fadam.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class XlaExamplesTest {

  @Test
  void aProgramOfOnesOwnGivesTheSameCompiled() {
    float[] losses = XlaAnyGraph.run();
    assertEquals(losses[0], losses[1], 1e-5);
    assertTrue(losses[1] < 1);
  }

  @Test
  void theCompiledStepTrains() {
    float[] losses = XlaTraining.train();
    assertTrue(
        losses[losses.length - 1] < losses[0] / 20, losses[0] + " -> " + losses[losses.length - 1]);
  }
}
