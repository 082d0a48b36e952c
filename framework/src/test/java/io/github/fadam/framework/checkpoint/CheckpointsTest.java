package io.github.fadam.framework.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Optimizers;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.framework.rule.Gradient;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.framework.rule.Slot;
import io.github.fadam.framework.schedule.Schedules;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

class CheckpointsTest {

  private static final Map<String, String> RUN = Map.of("seed", "7");

  @TempDir private Path directory;

  /** Further settings by name and value. */
  static Function<Graph, RuleOptimizer> optimizer(String name, String... settings) {
    return graph -> {
      var builder = Optimizers.named(name).apply(graph);
      if (builder instanceof Sgd.Builder sgd) {
        sgd.momentum(0.9);
      }
      for (int i = 0; i < settings.length; i += 2) {
        builder.set(settings[i], settings[i + 1]);
      }
      return builder.learningRate(Schedules.linear(0.1, 0.01, 20)).build();
    };
  }

  private static SmallTraining fadam(Kind kind) {
    return new SmallTraining(kind, optimizer("fadam"));
  }

  private Checkpoints open(SmallTraining training) {
    return open(training, Retention.keepLast(3));
  }

  private Checkpoints open(SmallTraining training, Retention retention) {
    return Checkpoints.open(directory, training.state(), retention, RUN);
  }

  static Stream<Arguments> everyOptimizer() {
    return Stream.of("fadam", "fadafactor", "adam", "adamw", "adafactor", "sgd")
        .flatMap(name -> Stream.of(Kind.values()).map(kind -> Arguments.of(name, kind)));
  }

  @ParameterizedTest
  @MethodSource("everyOptimizer")
  void aResumedRunEqualsTheUninterruptedOneBitForBit(String name, Kind kind) {
    Map<String, String> expected;
    try (SmallTraining training = new SmallTraining(kind, optimizer(name));
        Checkpoints checkpoints = open(training)) {
      assertEquals(Optional.empty(), checkpoints.restore(training.session()));
      training.run(4);
      training.optimizer().setLearningRateMultiplier(training.session(), 0.5);
      checkpoints.save(training.session(), training.progress());
      training.run(5);
      expected = training.bits();
    }
    try (SmallTraining training = new SmallTraining(kind, optimizer(name));
        Checkpoints checkpoints = open(training)) {
      training.continueAt(checkpoints.restore(training.session()).orElseThrow());
      assertEquals(4, training.steps());
      training.run(4);
      assertNotEquals(expected, training.bits());
      training.run(1);
      assertEquals(expected, training.bits());
    }
  }

  @Test
  void aCheckpointOfReferencesGoesIntoResources() {
    Map<String, String> expected;
    try (SmallTraining training = fadam(Kind.REFERENCE);
        Checkpoints checkpoints = open(training)) {
      training.run(3);
      checkpoints.save(training.session(), training.progress());
      expected = training.bits();
    }
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      checkpoints.restore(training.session());
      assertEquals(expected, training.bits());
    }
  }

  @Test
  void progressComesBackAsItWas() {
    Progress progress =
        new Progress(
            12,
            3,
            4,
            Map.of("loss", 0.1 + 0.2, "nan", Double.NaN),
            Map.of("key", "value \u00e9\n\""));
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      assertEquals(
          directory.resolve("step-0000000012"), checkpoints.save(training.session(), progress));
      assertEquals(Optional.of(progress), checkpoints.restore(training.session()));
    }
  }

  @Test
  void slotsThatCameAfterTheFirstSaveAreSaved() throws IOException {
    Map<String, String> expected;
    try (SmallTraining training = new SmallTraining(Kind.REFERENCE, LateOptimizer::new);
        Checkpoints checkpoints = open(training)) {
      training.session().save(directory.resolve("framework").toString());
      training.run(1);
      checkpoints.save(training.session(), training.progress());
      LateOptimizer optimizer = (LateOptimizer) training.optimizer();
      optimizer.addLate(7);
      training.run(1);
      checkpoints.save(training.session(), training.progress());
      expected = training.bits();
    }
    assertTrue(manifest(2).contains("optimizer/late"));
    assertFalse(manifest(1).contains("optimizer/late"));
    try (SmallTraining training = new SmallTraining(Kind.REFERENCE, LateOptimizer::new);
        Checkpoints checkpoints = open(training)) {
      LateOptimizer optimizer = (LateOptimizer) training.optimizer();
      optimizer.addLate(0);
      checkpoints.restore(training.session());
      assertEquals(expected, training.bits());
      assertEquals(7, optimizer.late(training.session()));
    }
  }

  private String manifest(long step) throws IOException {
    return Files.readString(
        StoredCheckpoint.of(directory, step).directory().resolve("manifest.json"));
  }

  @Test
  void theLastAndTheBestStay() {
    double[] losses = {5, 1, 3, Double.NaN, 4, 2};
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints =
            open(training, Retention.keepLast(2).keepBest("loss", Retention.Order.LOWEST))) {
      assertEquals(OptionalLong.empty(), checkpoints.best());
      List<Map<String, String>> bits = new ArrayList<>();
      for (double loss : losses) {
        training.run(1);
        bits.add(training.bits());
        checkpoints.save(training.session(), training.progress().metric("loss", loss));
      }
      assertEquals(List.of(2L, 5L, 6L), checkpoints.steps());
      assertEquals(OptionalLong.of(2), checkpoints.best());
      assertEquals(2, checkpoints.restore(training.session(), 2).step());
      assertEquals(bits.get(1), training.bits());
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session(), 4));
      assertTrue(e.getMessage().contains("[2, 5, 6]"), e.getMessage());
    }
  }

  @Test
  void aStepThatWasSavedIsNotSavedAgain() {
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      checkpoints.save(training.session(), training.progress());
      CheckpointException e =
          assertThrows(
              CheckpointException.class,
              () -> checkpoints.save(training.session(), training.progress()));
      assertTrue(e.getMessage().contains("step 0"), e.getMessage());
    }
  }

  @Test
  void leftoversAreIgnoredAndRemoved() throws IOException {
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      Path leftover = Files.createDirectory(directory.resolve(".step-0000000009.id.partial"));
      Files.writeString(leftover.resolve("state.index"), "half");
      assertEquals(Optional.empty(), checkpoints.restore(training.session()));
      checkpoints.save(training.session(), training.progress());
      assertFalse(Files.exists(leftover));
      assertEquals(List.of(0L), checkpoints.steps());
    }
  }

  @Test
  void anInterruptedThreadSavesAndStaysInterrupted() {
    try (SmallTraining training = fadam(Kind.RESOURCE)) {
      Thread.currentThread().interrupt();
      try (Checkpoints checkpoints = open(training)) {
        checkpoints.save(training.session(), training.progress());
        assertEquals(Optional.of(training.progress()), checkpoints.restore(training.session()));
      } finally {
        assertTrue(Thread.interrupted());
      }
    }
  }

  @Test
  void oneDirectoryHasOneWriter() {
    try (SmallTraining training = fadam(Kind.RESOURCE)) {
      try (Checkpoints held = open(training)) {
        CheckpointException e =
            assertThrows(CheckpointException.class, () -> open(training).close());
        assertTrue(
            e.getMessage().contains("in use by process " + ProcessHandle.current().pid()),
            e.getMessage());
        held.save(training.session(), training.progress());
      }
      open(training).close();
    }
  }

  @Test
  void aPlaceThatIsNoDirectoryIsRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "x");
    try (SmallTraining training = fadam(Kind.RESOURCE)) {
      CheckpointException e =
          assertThrows(
              CheckpointException.class,
              () -> Checkpoints.open(file, training.state(), Retention.keepLast(1), RUN).close());
      assertTrue(e.getMessage().contains("choose another place"), e.getMessage());
    }
  }

  @Test
  void aFailedSaveLeavesWhatWasThere() throws IOException {
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      checkpoints.save(training.session(), training.progress());
      training.run(1);
      training.session().close();
      RuntimeException e =
          assertThrows(
              RuntimeException.class,
              () -> checkpoints.save(training.session(), training.progress()));
      assertFalse(e.getMessage().isBlank());
      assertEquals(List.of(0L), checkpoints.steps());
      try (Stream<Path> children = Files.list(directory)) {
        assertEquals(2, children.count(), "the checkpoint and the lock");
      }
    }
  }

  @Test
  void allDifferencesAreListedAndNothingChanges() {
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      training.run(1);
      checkpoints.save(training.session(), training.progress());
    }
    Function<Graph, FAdam> other =
        graph -> FAdam.builder(graph).learningRate(0.5).weightDecay(0.25).build();
    try (SmallTraining training = new SmallTraining(Kind.RESOURCE, 5, other);
        Checkpoints checkpoints =
            Checkpoints.open(
                directory,
                training.state(),
                Retention.keepLast(1),
                Map.of("seed", "8", "batch-size", "4"))) {
      training.run(2);
      Map<String, String> before = training.bits();
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session()));
      String differences = String.join("\n", e.differences());
      assertTrue(
          differences.contains("option learning-rate: saved linear")
              || differences.contains("option learning-rate: saved Linear"),
          differences);
      for (String expected :
          List.of(
              "option weight-decay: saved 0.001, here 0.25",
              "seed: saved 7, here 8",
              "batch-size: saved none, here 4",
              "variables/head/kernel: saved DT_FLOAT [3, 2], here DT_FLOAT [5, 2]",
              "optimizer/head/kernel/f: saved DT_FLOAT [3, 2], here DT_FLOAT [5, 2]",
              "optimizer/head/kernel/m: saved DT_FLOAT [3, 2], here DT_FLOAT [5, 2]")) {
        assertTrue(e.differences().contains(expected), expected + " in " + differences);
        assertTrue(e.getMessage().contains(expected), e.getMessage());
      }
      assertEquals(7, e.differences().size(), differences);
      assertEquals(before, training.bits());
    }
  }

  @Test
  void anotherOptimizerIsRefusedWithMissingAndExtraState() {
    try (SmallTraining training = new SmallTraining(Kind.RESOURCE, optimizer("sgd"));
        Checkpoints checkpoints = open(training)) {
      checkpoints.save(training.session(), training.progress());
    }
    try (SmallTraining training = fadam(Kind.RESOURCE);
        Checkpoints checkpoints = open(training)) {
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session()));
      assertTrue(e.differences().contains("optimizer: saved Sgd, here FAdam"), e.getMessage());
      assertTrue(
          e.differences().contains("optimizer/bias/f: missing in the checkpoint"), e.getMessage());
    }
    try (SmallTraining training = new SmallTraining(Kind.RESOURCE, graph -> new Sgd(graph, 0.1));
        Checkpoints checkpoints = open(training)) {
      CheckpointException e =
          assertThrows(CheckpointException.class, () -> checkpoints.restore(training.session()));
      assertTrue(
          e.differences().contains("optimizer/bias/m: in the checkpoint and not here"),
          e.getMessage());
    }
  }

  @Test
  void variablesOfAnotherGraphAreRefused() {
    try (SmallTraining one = fadam(Kind.RESOURCE);
        SmallTraining other = fadam(Kind.RESOURCE)) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> TrainingState.of(Map.of("theirs", other.optimizer().step()), one.optimizer()));
      assertTrue(e.getMessage().contains("theirs"), e.getMessage());
    }
  }

  /** Leaves a checkpoint for check_checkpoint.py, with the bits that Python has to find. */
  @Test
  void leavesACheckpointForPython() throws IOException {
    Path place = Path.of("target/checkpoint-for-python");
    if (Files.isDirectory(place)) {
      try (Stream<Path> old = Files.walk(place)) {
        for (Path path : old.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
    Map<String, Object> expected = new HashMap<>();
    for (Kind kind : Kind.values()) {
      try (SmallTraining training = fadam(kind);
          Checkpoints checkpoints =
              Checkpoints.open(
                  place.resolve(kind.name()), training.state(), Retention.keepLast(1), RUN)) {
        training.run(3);
        checkpoints.save(training.session(), training.progress());
        expected.put(kind.name(), training.bits());
      }
    }
    Files.write(place.resolve("expected.json"), new JsonMapper().writeValueAsBytes(expected));
  }

  /** Gets one more piece of state than it began with. */
  private static final class LateOptimizer extends RuleOptimizer {
    private TrainableVariable late;

    LateOptimizer(Graph graph) {
      super(FAdam.builder(graph), new PlainRule());
    }

    void addLate(long value) {
      Ops tf = Ops.create(step().graph());
      late =
          TrainableVariable.create(tf, Kind.REFERENCE, "late", tf.withInitScope().constant(value));
    }

    long late(Session session) {
      try (Result result = session.runner().fetch(late.handle()).run()) {
        return ((TInt64) result.get(0)).getLong();
      }
    }

    @Override
    public Map<String, TrainableVariable> state() {
      Map<String, TrainableVariable> state = new LinkedHashMap<>(super.state());
      if (late != null) {
        state.put("late", late);
      }
      return state;
    }
  }

  private record PlainRule() implements Rule {
    @Override
    public List<Slot> slots(Shape shape) {
      return List.of(new Slot("last", shape, 0));
    }

    @Override
    public <T extends TNumber> Update<T> update(Ops tf, Gradient<T> gradient) {
      return new Update<>(
          tf.math.sub(gradient.theta(), gradient.value()), Map.of("last", gradient.value()));
    }
  }
}
