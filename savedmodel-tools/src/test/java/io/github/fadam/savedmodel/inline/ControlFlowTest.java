package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class ControlFlowTest {

  /** Shapes that the signatures leave open and that the number of rounds depends on. */
  private static final Map<String, Shape> GIVEN =
      Map.of("open_time", Shape.of(-1, 5, 4), "mapped", Shape.of(3, 4));

  private static SavedModel graph(String name) {
    return SavedModel.read(Models.directory("../graphs/" + name));
  }

  private static InlinePlan inline(SavedModel model, String key) {
    Map<String, Shape> shapes = GIVEN.containsKey(key) ? Map.of("x", GIVEN.get(key)) : Map.of();
    return FunctionInliner.inline(model, key, InlineOptions.defaults().inputShapes(shapes));
  }

  private static long controlFlow(InlinePlan plan) {
    return plan.nodes().stream()
        .filter(node -> ControlFlow.isLoop(node.getOp()) || ControlFlow.isConditional(node.getOp()))
        .count();
  }

  private static TFloat32 x(GoldenModel golden, String key, Shape shape) {
    double[] numbers = golden.numbers(key + "/x");
    float[] x = new float[numbers.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) numbers[i];
    }
    return TFloat32.tensorOf(shape, DataBuffers.of(x));
  }

  @ParameterizedTest
  @CsvSource({
    "branches, plain",
    "branches, nested",
    "branches, switch",
    "branches, beyond",
    "loops, fixed_time",
    "loops, open_time",
    "loops, downwards",
    "loops, at_most",
    "loops, never",
    "loops, nested",
    "loops, mapped",
    "loops, branching"
  })
  void valuesAreTheSignaturesAndGradientsArePythons(String name, String key) {
    SavedModel model = graph(name);
    InlinePlan plan = inline(model, key);
    assertEquals(Map.of(), plan.kept());
    assertEquals(0, controlFlow(plan));
    assertEquals(0, plan.functions().getFunctionCount());
    assertValues(model, key, plan);
    assertGradients(model, name, key, plan);
  }

  private static Shape shape(String name, String key) {
    return name.equals("branches")
        ? Shape.of(4, 4)
        : Set.of("fixed_time", "open_time", "nested").contains(key)
            ? Shape.of(3, 5, 4)
            : Shape.of(3, 4);
  }

  private static void assertValues(SavedModel model, String key, InlinePlan plan) {
    String name = model.directory().getFileName().toString();
    GoldenModel golden = GoldenModel.named("../graphs/" + name);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
        TFloat32 x = x(golden, key, shape(name, key))) {
      Map<String, Tensor> inputs = Map.of("x", x);
      byte[] expected = Models.runOriginal(bundle.session(), model.signature(key), inputs).get("y");
      EmittedGraph emitted = GraphEmitter.emit(plan, bundle.graph());
      assertArrayEquals(
          expected,
          Models.run(bundle.session(), emitted.inputs(), inputs, emitted.outputs()).get("y"));
    }
  }

  private static void assertGradients(SavedModel model, String name, String key, InlinePlan plan) {
    GoldenModel golden = GoldenModel.named("../graphs/" + name);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
        TFloat32 x = x(golden, key, shape(name, key))) {
      EmittedGraph emitted = GraphEmitter.emit(plan, bundle.graph());
      Ops tf = Ops.create(bundle.graph());
      @SuppressWarnings("unchecked") // the model's dtype
      Operand<TFloat32> y = (Operand<TFloat32>) emitted.outputs().get("y");
      Operand<TFloat32> loss = tf.reduceSum(tf.math.square(y), tf.constant(new int[] {0, 1}));
      Map<String, TrainableVariable> variables = new LinkedHashMap<>();
      for (ModelVariable variable : model.variablesOf(key)) {
        if (golden.names(key + "/").contains(variable.name())) {
          variables.put(
              variable.name(), TrainableVariable.of(bundle.graph().output(variable.handle())));
        }
      }
      assertEquals(
          Set.copyOf(golden.names(key + "/")),
          Set.copyOf(Stream.concat(variables.keySet().stream(), Stream.of("x", "y")).toList()));
      Map<TrainableVariable, Output<?>> gradients =
          Gradients.of(loss, List.copyOf(variables.values())).gradients();
      assertTrue(
          variables.keySet().stream()
              .flatMapToDouble(variable -> Arrays.stream(golden.numbers(key + "/" + variable)))
              .anyMatch(value -> Math.abs(value) > 1e-2),
          "nothing to compare");
      variables.forEach(
          (variable, handle) -> {
            byte[] found =
                Models.run(
                        bundle.session(),
                        emitted.inputs(),
                        Map.of("x", x),
                        Map.of("gradient", gradients.get(handle)))
                    .get("gradient");
            assertClose(golden.numbers(key + "/" + variable), found, key + "/" + variable);
          });
    }
  }

  private static void assertClose(double[] expected, byte[] found, String what) {
    var floats = ByteBuffer.wrap(found).order(ByteOrder.nativeOrder()).asFloatBuffer();
    assertEquals(expected.length, floats.remaining(), what);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (double value : expected) {
      assertEquals(value, floats.get(), 1e-5 * largest, what);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "branches, effect, does more than compute its result",
    "loops, until, does not follow from constants",
    "loops, endless, more than 2000 rounds"
  })
  void whatHasToStaySaysWhy(String name, String key, String why) {
    SavedModel model = graph(name);
    InlinePlan plan = inline(model, key);
    assertEquals(1, controlFlow(plan));
    assertTrue(plan.functions().getFunctionCount() >= 2);
    assertEquals(1, plan.kept().size());
    assertTrue(plan.kept().values().iterator().next().contains(why), plan.kept().toString());
    assertValues(model, key, plan);
  }

  @Test
  void aLengthThatNothingGivesIsOpenAndOneThatIsGivenIsChecked() {
    SavedModel model = graph("loops");
    InlinePlan open = FunctionInliner.inline(model, "open_time");
    assertTrue(
        open.kept().values().iterator().next().contains("inputShape"), open.kept().toString());
    assertValues(model, "open_time", open);
    InlinePlan given = inline(model, "open_time");
    GoldenModel golden = GoldenModel.named("../graphs/loops");
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
        TFloat32 other = x(golden, "open_time", Shape.of(5, 3, 4))) {
      EmittedGraph emitted = GraphEmitter.emit(given, bundle.graph());
      assertThrows(
          TFInvalidArgumentException.class,
          () ->
              Models.run(
                  bundle.session(), emitted.inputs(), Map.of("x", other), emitted.outputs()));
    }
  }

  @Test
  void shapesHaveToFitTheSignature() {
    SavedModel model = graph("loops");
    for (Map<String, Shape> wrong :
        List.of(
            Map.of("y", Shape.of(1, 5, 4)),
            Map.of("x", Shape.of(1, 5, 3)),
            Map.of("x", Shape.of(5, 4)))) {
      InlineOptions options = InlineOptions.defaults().inputShapes(wrong);
      assertThrows(
          IllegalArgumentException.class,
          () -> FunctionInliner.inline(model, "open_time", options));
    }
  }

  @Test
  void conditionalsWithoutFloatingPointResultsStay() {
    SavedModel model = graph("branches");
    InlinePlan plan = inline(model, "numbers");
    assertEquals(1, controlFlow(plan));
    assertEquals(Map.of(), plan.kept());
    assertValues(model, "numbers", plan);
    assertGradients(model, "branches", "numbers", plan);
  }

  @Test
  void branchesOfDifferentShapesDoNotBroadcast() {
    SavedModel model = graph("branches");
    InlinePlan plan = inline(model, "shapes");
    GoldenModel golden = GoldenModel.named("../graphs/branches");
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
        TFloat32 x = x(golden, "shapes", Shape.of(4, 4))) {
      EmittedGraph emitted = GraphEmitter.emit(plan, bundle.graph());
      assertThrows(
          TFInvalidArgumentException.class,
          () -> Models.run(bundle.session(), emitted.inputs(), Map.of("x", x), emitted.outputs()));
    }
  }

  @Test
  void whatABodyDoesBesidesIsDoneInEveryRoundAndInOrder() {
    SavedModel model = graph("loops");
    InlinePlan plan = inline(model, "effect");
    assertEquals(0, controlFlow(plan));
    GoldenModel golden = GoldenModel.named("../graphs/loops");
    for (int run = 0; run < 5; run++) {
      try (SavedModelBundle original = SavedModelBundle.load(model.directory().toString());
          SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
          TFloat32 x = x(golden, "effect", Shape.of(3, 4))) {
        EmittedGraph emitted = GraphEmitter.emit(plan, bundle.graph());
        assertArrayEquals(
            Models.runOriginal(original.session(), model.signature("effect"), Map.of("x", x))
                .get("y"),
            Models.run(bundle.session(), emitted.inputs(), Map.of("x", x), emitted.outputs())
                .get("y"));
      }
    }
  }

  @Test
  void nothingIsLeftOfWhatWasTriedAndOfConditions() {
    InlinePlan plan = inline(graph("loops"), "at_most");
    assertFalse(
        plan.nodes().stream().anyMatch(node -> node.getName().contains("/cond/")),
        plan.nodes().stream().map(node -> node.getName()).collect(Collectors.joining(" ")));
    InlinePlan kept = inline(graph("loops"), "endless");
    assertTrue(kept.nodes().size() < 30, kept.nodes().size() + " nodes");
  }
}
