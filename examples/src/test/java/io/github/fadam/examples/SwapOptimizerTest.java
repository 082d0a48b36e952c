package io.github.fadam.examples;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.FAdam;
import org.junit.jupiter.api.Test;
import org.tensorflow.framework.optimizers.Adam;

class SwapOptimizerTest {

  @Test
  void theProgramLearnsWithBothOptimizers() {
    float[] adam = SwapOptimizer.train(graph -> new Adam(graph, 0.01f));
    float[] fadam = SwapOptimizer.train(graph -> new FAdam(graph, 0.01f));
    assertTrue(adam[adam.length - 1] < adam[0] / 20, () -> "Adam ended at " + adam[999]);
    assertTrue(fadam[fadam.length - 1] < fadam[0] / 20, () -> "FAdam ended at " + fadam[999]);
  }
}
