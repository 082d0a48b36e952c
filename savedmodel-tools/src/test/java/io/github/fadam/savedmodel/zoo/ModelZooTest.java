package io.github.fadam.savedmodel.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Sgd;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.GoldenModel.Values;
import io.github.fadam.savedmodel.data.NpzWriter;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.Predictions;
import io.github.fadam.savedmodel.training.Xla;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.proto.DataType;

/**
 * Every model that Python made trains in Java as it does there.
 *
 * <p>The committed models always, those in the directory {@code -Dfadam.models} besides. What was
 * found is left in {@code target/zoo/MODEL}: {@code result.json}, the trained {@code export} and
 * Java's {@code answers.npz}, which check_zoo.py compares with what Python's loaders answer.
 */
class ModelZooTest {

  private static final Path RESULTS = Path.of("target/zoo");
  private static final boolean FULL = Boolean.getBoolean("fadam.full");

  /** Compiled in every run, besides the committed ones: of each kind one that compiles quickly. */
  private static final Set<String> COMPILED =
      Set.of("keras3_lstm", "keras3_lenet", "keras3_text", "keras3_conv3d", "tf_cond", "tf_jit");

  private static final int STEPS = 5;
  private static final int FADAM_STEPS = 12;
  private static final double LOSS_TOLERANCE = 1e-5;
  private static final double WEIGHT_TOLERANCE = 1e-4;
  private static final double MOVE_TOLERANCE = 1e-2;
  private static final double WEIGHT_ROUNDING = 1.2e-7;
  private static final double XLA_TOLERANCE = 1e-6;

  @TempDir private Path directory;

  static Stream<GoldenModel> models() {
    return GoldenModel.all(Optional.ofNullable(System.getProperty("fadam.models")).map(Path::of));
  }

  @ParameterizedTest
  @MethodSource("models")
  void trainsAsInPython(GoldenModel golden) throws IOException {
    Path folder = emptied(RESULTS.resolve(golden.toString()));
    ZooResult result = new ZooResult(golden.toString());
    try {
      check(golden, folder, result);
    } finally {
      result.write(folder.resolve("result.json"));
    }
  }

  /** The comparison sees a training that is not Python's, whatever its tolerance. */
  @ParameterizedTest
  @MethodSource("models")
  void anotherLearningRateIsNoticed(GoldenModel golden) throws IOException {
    double rate = 1.5 * golden.learningRate();
    try (FineTuner tuner = builder(golden).optimizer(graph -> new Sgd(graph, rate)).build()) {
      History history = fiveSteps(golden, tuner);
      Map<String, Values> after = variables(tuner, directory);
      assertThrows(
          AssertionError.class,
          () -> {
            assertLosses(golden, history);
            assertWeights(golden, tuner, after);
          });
    }
  }

  private static History fiveSteps(GoldenModel golden, FineTuner tuner) {
    return tuner.fit(
        golden.data(), FitOptions.steps(STEPS).batchSize(golden.rows()).shuffle(false));
  }

  private static void check(GoldenModel golden, Path folder, ZooResult result) throws IOException {
    result.put("directory", golden.directory().toAbsolutePath().toString());
    result.put("inlineSeconds", assertInlinedInTime(golden));
    result.put("inlinedDiffers", assertInlinedAnswersAsTheSignature(golden));
    try (FineTuner tuner =
        builder(golden).optimizer(graph -> new Sgd(graph, golden.learningRate())).build()) {
      assertOutputs(golden, tuner);
      assertEquals(sorted(golden.trainable()), sorted(names(tuner.trained())));
      Map<String, Values> before = variables(tuner, folder);
      History history = fiveSteps(golden, tuner);
      result.put("lossDiffers", assertLosses(golden, history));
      Map<String, Values> after = variables(tuner, folder);
      result.put("weightsDiffer", assertWeights(golden, tuner, after));
      if (FULL || golden.isCommitted() || COMPILED.contains(golden.toString())) {
        compareCompiled(golden, folder, history, before, after, result);
      }
      assertOnlyTrainedMoved(names(tuner.trained()), before, after);
      tuner.export(folder.resolve("export"));
      try (Predictions predictions = tuner.predict(golden.data(), golden.rows())) {
        NpzWriter.writeBatches(folder.resolve("answers.npz"), predictions.batches());
      }
    }
    result.put("fadamLossFactor", assertFAdamLowersTheLoss(golden));
    result.put("trained", true);
  }

  /**
   * The same steps compiled: losses and weights are as they were without. What XLA cannot compile
   * it says beforehand.
   */
  private static void compareCompiled(
      GoldenModel golden,
      Path folder,
      History plain,
      Map<String, Values> before,
      Map<String, Values> after,
      ZooResult result)
      throws IOException {
    long start = System.nanoTime();
    try (FineTuner tuner =
        builder(golden)
            .optimizer(graph -> new Sgd(graph, golden.learningRate()))
            .xla(Xla.STEP)
            .build()) {
      FitOptions options = FitOptions.steps(STEPS).batchSize(golden.rows()).shuffle(false);
      List<Double> losses = tuner.fit(golden.data(), options).losses();
      double allowed = allowed(golden, LOSS_TOLERANCE);
      for (int i = 0; i < STEPS; i++) {
        double differs = Math.abs(losses.get(i) / plain.losses().get(i) - 1);
        assertTrue(
            differs <= allowed, () -> "compiled " + losses + ", not compiled " + plain.losses());
      }
      Map<String, Values> compiled = variables(tuner, folder);
      result.put("xlaWeightsDiffer", assertNear(golden, before, after, compiled));
      result.put("xlaSeconds", (System.nanoTime() - start) / 1e9);
      result.put("xla", true);
    } catch (NotCompilableException e) {
      result.put("xla", false);
      result.put(
          "xlaReason",
          e.reasons().stream().map(NotCompilableException.Reason::op).distinct().sorted().toList());
      result.put("xlaMessage", e.getMessage());
    }
  }

  private static double assertNear(
      GoldenModel golden,
      Map<String, Values> before,
      Map<String, Values> after,
      Map<String, Values> compiled) {
    double worst = 0;
    double moved = 0;
    for (String name : after.keySet()) {
      if (after.get(name).type().equals("<f4")) {
        double[] expected = after.get(name).numbers();
        double distance = distance(expected, compiled.get(name).numbers());
        assertTrue(
            distance <= allowed(golden, WEIGHT_TOLERANCE),
            () -> name + " is not what it is without compiling: " + distance);
        worst = Math.max(worst, distance);
        moved = Math.max(moved, distance(expected, before.get(name).numbers()));
      }
    }
    // In half precision each of both may be that far from Python.
    double most =
        Math.max(
            moved * golden.tolerance().stream().map(t -> 2 * t).findFirst().orElse(MOVE_TOLERANCE),
            WEIGHT_ROUNDING);
    assertTrue(worst <= most, "compiled, off by " + worst + " where weights move by " + moved);
    return worst;
  }

  /** In time of this thread's own: other processes may have the machine. */
  private static double assertInlinedInTime(GoldenModel golden) {
    SavedModel model = SavedModel.read(golden.directory());
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long start = threads.getCurrentThreadCpuTime();
    int nodes = FunctionInliner.inline(model, golden.signature()).nodes().size();
    double seconds = (threads.getCurrentThreadCpuTime() - start) / 1e9;
    assertTrue(seconds < 5, () -> nodes + " nodes took " + seconds + " s to inline");
    return seconds;
  }

  /** The same bits; to XLA's rounding where it compiles parts of the original. */
  private static double assertInlinedAnswersAsTheSignature(GoldenModel golden) {
    SavedModel model = SavedModel.read(golden.directory());
    SavedSignature signature = model.signature(golden.signature());
    Map<String, Tensor> inputs = golden.inputs(signature);
    try (SavedModelBundle bundle =
        SavedModelBundle.load(model.directory().toString(), model.tags().toArray(new String[0]))) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(model, signature.key()), bundle.graph());
      Map<String, byte[]> expected = Models.runOriginal(bundle.session(), signature, inputs);
      Map<String, byte[]> found =
          Models.run(bundle.session(), emitted.inputs(), inputs, emitted.outputs());
      assertEquals(expected.keySet(), found.keySet());
      double worst = 0;
      for (String key : expected.keySet()) {
        if (!Arrays.equals(expected.get(key), found.get(key))) {
          assertTrue(golden.compiled(), () -> "inlined, " + key + " has other bits");
          assertEquals(DataType.DT_FLOAT, signature.outputs().get(key).dataType());
          worst = Math.max(worst, distance(floats(expected.get(key)), floats(found.get(key))));
        }
      }
      assertTrue(worst <= XLA_TOLERANCE, "inlined, the outputs differ by " + worst);
      return worst;
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  private static void assertOutputs(GoldenModel golden, FineTuner tuner) {
    try (Predictions predictions = tuner.predict(golden.data(), golden.rows())) {
      predictions
          .batches()
          .forEach(
              (key, tensors) -> {
                double[] expected = golden.numbers("output:" + key);
                double found = distance(expected, Numbers.of(tensors.get(0)));
                double allowed = allowed(golden, LOSS_TOLERANCE);
                assertTrue(found <= allowed, () -> key + " is not Python's: " + found);
              });
    }
  }

  /** No nearer to Python than Python is to itself when nothing but rounding differs. */
  private static double allowed(GoldenModel golden, double usual) {
    return golden.tolerance().orElse(Math.max(usual, 2 * golden.spread()));
  }

  private static double assertLosses(GoldenModel golden, History history) {
    double[] expected = golden.numbers("losses");
    assertEquals(STEPS, expected.length);
    double worst = 0;
    for (int i = 0; i < STEPS; i++) {
      worst = Math.max(worst, Math.abs(history.losses().get(i) / expected[i] - 1));
    }
    assertTrue(
        worst <= allowed(golden, LOSS_TOLERANCE),
        () -> history.losses() + " are not Python's " + Arrays.toString(expected));
    return worst;
  }

  private static double assertWeights(
      GoldenModel golden, FineTuner tuner, Map<String, Values> after) {
    List<String> trained = names(tuner.trained());
    List<String> compared = golden.names("weight:");
    assertEquals(sorted(compared), sorted(names(tuner.model().variablesOf(golden.signature()))));
    double worst = 0;
    double moved = 0;
    for (String name : compared) {
      double[] expected = golden.numbers("weight:" + name);
      double distance = distance(expected, golden.stored(after.get(name).numbers()));
      double allowed = trained.contains(name) ? allowed(golden, WEIGHT_TOLERANCE) : 0;
      assertTrue(
          distance <= allowed || !after.get(name).type().equals("<f4"),
          () -> name + " is not Python's: " + distance);
      worst = Math.max(worst, distance);
      moved = Math.max(moved, distance(expected, golden.numbers("initial:" + name)));
    }
    // At a small learning rate weights that had never moved would be near enough to Python's.
    double most = Math.max(moved * golden.tolerance().orElse(MOVE_TOLERANCE), WEIGHT_ROUNDING);
    assertTrue(
        worst <= most && moved > 3 * WEIGHT_ROUNDING,
        "off by " + worst + " where weights move by " + moved);
    return worst;
  }

  private static Map<String, Values> variables(FineTuner tuner, Path folder) throws IOException {
    Path file = folder.resolve("variables.npz");
    tuner.exportVariables(file);
    return GoldenModel.read(file);
  }

  /** Bit for bit, but for integers: a counter of calls moves without a gradient. */
  private static void assertOnlyTrainedMoved(
      List<String> trained, Map<String, Values> before, Map<String, Values> after) {
    boolean moved = false;
    for (String name : before.keySet()) {
      boolean same = before.get(name).bytes().equals(after.get(name).bytes());
      boolean free = trained.contains(name) || before.get(name).type().contains("i");
      assertTrue(same || free, name + " has moved");
      moved |= !same;
    }
    assertTrue(moved, "nothing has moved");
  }

  private static double assertFAdamLowersTheLoss(GoldenModel golden) {
    // Where rounding grows a thousandfold a step does so too.
    double rate = golden.spread() > 0 ? 2e-4 : 2e-3;
    try (FineTuner tuner = builder(golden).optimizer(graph -> new FAdam(graph, rate)).build()) {
      List<Double> losses =
          tuner.fit(golden.data(), FitOptions.steps(FADAM_STEPS).batchSize(golden.rows())).losses();
      double factor = losses.get(FADAM_STEPS - 1) / losses.get(0);
      assertTrue(factor < 0.995, () -> "FAdam took the loss from " + losses);
      return factor;
    }
  }

  private static FineTuner.Builder builder(GoldenModel golden) {
    FineTuner.Builder builder = FineTuner.of(golden.directory()).signature(golden.signature());
    golden.openSizes().forEach(builder::inputShape);
    golden.giveLosses(builder);
    return builder;
  }

  private static double distance(double[] expected, double[] found) {
    assertEquals(expected.length, found.length);
    double scale = 1;
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      assertFalse(Double.isNaN(found[i]), "NaN");
      scale = Math.max(scale, Math.abs(expected[i]));
      worst = Math.max(worst, Math.abs(expected[i] - found[i]));
    }
    return worst / scale;
  }

  private static double[] floats(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    double[] values = new double[bytes.length / Float.BYTES];
    Arrays.setAll(values, i -> buffer.getFloat());
    return values;
  }

  private static List<String> names(List<ModelVariable> variables) {
    return variables.stream().map(ModelVariable::name).toList();
  }

  private static List<String> sorted(List<String> names) {
    return names.stream().sorted().toList();
  }

  private static Path emptied(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> old = Files.walk(folder)) {
        for (Path path : old.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
    return Files.createDirectories(folder);
  }
}
