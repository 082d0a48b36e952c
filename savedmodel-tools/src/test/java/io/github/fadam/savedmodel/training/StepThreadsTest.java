package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;

class StepThreadsTest {

  private static final int MEASURED = StepThreads.UNTIMED + 2 * StepThreads.TURNS;

  /** Who makes each of the steps, if they take this long. */
  private static List<Boolean> callers(StepThreads threads, long pool, long caller, int steps) {
    List<Boolean> callers = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      callers.add(threads.isCaller());
      // The first one takes long, whoever makes it.
      threads.observe((threads.isCaller() ? caller : pool) + (i < 2 ? 1_000 : i % 3));
    }
    return callers;
  }

  @ParameterizedTest
  @CsvSource({"100, 50, true", "50, 100, false"})
  void theFasterOneMakesTheSteps(long pool, long caller, boolean expected) {
    List<Boolean> callers = callers(new StepThreads(true), pool, caller, MEASURED + 20);
    assertFalse(callers.get(0));
    assertEquals(MEASURED / 2, callers.subList(0, MEASURED).stream().filter(c -> c).count());
    assertEquals(
        List.of(expected), callers.subList(MEASURED, MEASURED + 20).stream().distinct().toList());
  }

  @Test
  void withoutAChoiceItIsThePool() {
    assertFalse(callers(new StepThreads(false), 100, 50, MEASURED + 20).contains(true));
  }

  @ParameterizedTest
  @CsvSource({"keras3_cnn", "tf1_ref", "keras3_embedding"})
  void bothGiveTheSameBits(String name) {
    GoldenModel golden = GoldenModel.named(name);
    SavedModel model = SavedModel.read(golden.directory());
    Map<String, Tensor> inputs = golden.inputs(model.signature("serving_default"));
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(model, "serving_default"), bundle.graph());
      StepThreads threads = new StepThreads(true);
      byte[] pool = run(bundle.session(), threads, emitted, inputs);
      assertTrue(threads.isCaller());
      assertArrayEquals(pool, run(bundle.session(), threads, emitted, inputs));
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  private static byte[] run(
      Session session, StepThreads threads, EmittedGraph emitted, Map<String, Tensor> inputs) {
    Session.Runner runner = threads.of(session.runner());
    emitted.inputs().forEach((key, input) -> runner.feed(input, inputs.get(key)));
    Output<?> output = emitted.outputs().values().iterator().next();
    try (Tensor found = runner.fetch(output).run().get(0)) {
      threads.observe(1);
      return Models.bytes(found);
    }
  }
}
