package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.gradient.RepairedGradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

class FunctionInlinerTest {

  @TempDir Path folder;

  static Stream<String> models() {
    return Models.all();
  }

  @ParameterizedTest
  @MethodSource("models")
  void computesTheSameBitsAsTheSignature(String name) {
    SavedModel model = SavedModel.read(Models.directory(name));
    try (SavedModelBundle bundle =
        SavedModelBundle.load(model.directory().toString(), model.tags().toArray(new String[0]))) {
      for (SavedSignature signature : model.signatures().values()) {
        if (signature.key().equals("counted")) {
          continue; // answers something else each time
        }
        EmittedGraph emitted =
            GraphEmitter.emit(FunctionInliner.inline(model, signature.key()), bundle.graph());
        Map<String, Tensor> inputs = Models.inputs(signature, 5);
        try {
          Map<String, byte[]> expected = Models.runOriginal(bundle.session(), signature, inputs);
          Map<String, byte[]> found =
              Models.run(bundle.session(), emitted.inputs(), inputs, emitted.outputs());
          assertEquals(expected.keySet(), found.keySet());
          expected.forEach(
              (key, bits) ->
                  assertArrayEquals(bits, found.get(key), () -> signature.key() + "/" + key));
        } finally {
          inputs.values().forEach(Tensor::close);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void plansAreCompleteOrderedAndWithoutCalls(String name) {
    SavedModel model = SavedModel.read(Models.directory(name));
    for (String key : model.signatures().keySet()) {
      InlinePlan plan = FunctionInliner.inline(model, key);
      Set<String> known = new HashSet<>(plan.external());
      for (NodeDef node : plan.nodes()) {
        assertFalse(node.getOp().endsWith("PartitionedCall"), node::getName);
        node.getInputList()
            .forEach(input -> assertTrue(known.contains(Frame.nodeName(input)), input));
        assertTrue(known.add(node.getName()), node::getName);
      }
      plan.outputs()
          .values()
          .forEach(tensor -> assertTrue(known.contains(Frame.nodeName(tensor)), tensor));
      assertTrue(
          plan.external()
              .containsAll(
                  plan.inputs().values().stream()
                      .map(Frame::nodeName)
                      .collect(Collectors.toSet())));
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void inferenceHasNoSideEffects(String name) {
    SavedModel model = SavedModel.read(Models.directory(name));
    for (String key : model.signatures().keySet()) {
      assertEquals(
          key.equals("counted") ? 1 : 0, FunctionInliner.inline(model, key).sideEffects().size());
    }
  }

  @Test
  void sideEffectsHappenOnceAndBeforeTheyAreRead() {
    SavedModel model = pieces();
    SavedSignature signature = model.signature("counted");
    Map<String, Tensor> inputs = Models.inputs(signature, 5);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(model, signature.key()), bundle.graph());
      assertEquals(1f, firstOf(Models.runOriginal(bundle.session(), signature, inputs)));
      for (float calls = 2; calls < 5; calls++) {
        assertEquals(
            calls,
            firstOf(Models.run(bundle.session(), emitted.inputs(), inputs, emitted.outputs())));
      }
      bundle.session().runner().addTarget(emitted.sideEffects().get(0)).run();
      assertEquals(6f, firstOf(Models.runOriginal(bundle.session(), signature, inputs)));
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  private static float firstOf(Map<String, byte[]> values) {
    return ByteBuffer.wrap(values.get("calls")).order(ByteOrder.nativeOrder()).getFloat();
  }

  @Test
  void operationsWithoutARightGradientAreReplaced() {
    InlinePlan plan = FunctionInliner.inline(pieces(), "serving_default");
    List<NodeDef> checks = ofType(plan, "EnsureShape");
    assertEquals(1, checks.size());
    String check = checks.get(0).getName();
    for (NodeDef node : plan.nodes()) {
      assertFalse(node.getInputList().contains(check + ":0"), node::getName);
      assertFalse(node.getOp().equals("PlaceholderWithDefault"), node::getName);
      assertTrue(
          !node.getOp().equals("IdentityN") || node.containsAttr(RepairedGradients.TYPE),
          node::getName);
    }
    assertTrue(
        plan.nodes().stream().anyMatch(node -> node.getInputList().contains("^" + check)),
        "the check of the shape has to stay");
  }

  /** The directional derivative against a central difference of the untouched signature. */
  @ParameterizedTest
  @ValueSource(strings = {"kernel", "head"})
  void replacementsHaveTheRightGradient(String name) {
    SavedModel model = pieces();
    SavedSignature signature = model.signature("serving_default");
    Map<String, Tensor> inputs = Models.inputs(signature, 8);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(model, signature.key()), bundle.graph());
      Ops tf = Ops.create(bundle.graph());
      TrainableVariable variable = TrainableVariable.of(bundle.graph().output(name));
      Output<?>[] gradients =
          bundle
              .graph()
              .addGradients(
                  score(tf, emitted.outputs()).asOutput(), new Output<?>[] {variable.handle()});
      Operand<TFloat32> direction = direction(tf, variable.shape());
      float slope =
          scalar(
              bundle,
              emitted,
              inputs,
              tf.reduceSum(
                  tf.math.mul(float32(gradients[0]), direction), tf.constant(new int[] {0, 1})));
      float step = 1e-2f;
      Op back = variable.assignSub(tf, tf.math.mul(direction, tf.constant(step)));
      Op forth = variable.assignSub(tf, tf.math.mul(direction, tf.constant(-2 * step)));
      Map<String, Output<?>> original = new LinkedHashMap<>();
      signature
          .outputs()
          .forEach((key, spec) -> original.put(key, bundle.graph().output(spec.tensorName())));
      Operand<TFloat32> score = score(tf, original);
      bundle.session().runner().addTarget(back).run();
      float before = scalar(bundle, emitted, inputs, score);
      bundle.session().runner().addTarget(forth).run();
      float after = scalar(bundle, emitted, inputs, score);
      assertTrue(Math.abs(slope) > 0.1, "too flat to compare: " + slope);
      assertEquals((after - before) / (2 * step), slope, 2e-3 * Math.abs(slope) + 1e-3);
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  private static Operand<TFloat32> score(Ops tf, Map<String, Output<?>> outputs) {
    return tf.reduceSum(
        tf.math.mul(
            float32(outputs.get("logits")), tf.constant(new float[][] {{0.3f, -1.1f, 0.7f}})),
        tf.constant(new int[] {0, 1}));
  }

  @SuppressWarnings("unchecked") // the model's dtype
  private static Operand<TFloat32> float32(Output<?> output) {
    return (Operand<TFloat32>) output;
  }

  private static Operand<TFloat32> direction(Ops tf, Shape shape) {
    float[][] values = new float[(int) shape.get(0)][(int) shape.get(1)];
    Random random = new Random(9);
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return tf.constant(values);
  }

  private static float scalar(
      SavedModelBundle bundle,
      EmittedGraph emitted,
      Map<String, Tensor> inputs,
      Operand<TFloat32> value) {
    return ByteBuffer.wrap(
            Models.run(bundle.session(), emitted.inputs(), inputs, Map.of("value", value))
                .get("value"))
        .order(ByteOrder.nativeOrder())
        .getFloat();
  }

  @Test
  void unrecognisedCustomGradientsAreKeptUnlessIgnored() {
    InlinePlan kept = FunctionInliner.inline(pieces(), "straight_through");
    assertEquals(1, ofType(kept, "IdentityN").size());
    assertTrue(ofType(kept, "IdentityN").get(0).containsAttr("_gradient_op_type"));
    InlinePlan ignored =
        FunctionInliner.inline(
            pieces(),
            "straight_through",
            InlineOptions.defaults().customGradients(CustomGradients.IGNORE));
    assertEquals(List.of(), ofType(ignored, "IdentityN"));
  }

  @Test
  void damagedModelsAreRefusedNotMisread() throws IOException {
    Path copy = Models.copy("tf_pieces", folder.resolve("model"));
    Path file = copy.resolve("saved_model.pb");
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      Files.write(file, damaged);
      try {
        SavedModel model = SavedModel.read(copy);
        for (String key : model.signatures().keySet()) {
          FunctionInliner.inline(model, key);
        }
      } catch (IllegalArgumentException expected) {
        refused++;
      }
    }
    assertTrue(refused > 100, "the damage has to be noticed: " + refused);
  }

  @Test
  void allUnknownOperationsAreNamedAtOnce() throws IOException {
    assertRefused(
        graph -> {
          forEachNode(graph, "ReadVariableOp", node -> node.setOp("MadeUpRead"));
          forEachNode(graph, "MatMul", node -> node.setOp("MadeUpProduct"));
        },
        "[MadeUpProduct, MadeUpRead]");
  }

  @Test
  void aFunctionThatCallsItselfIsRefused() throws IOException {
    assertRefused(
        graph -> {
          for (FunctionDef.Builder function : graph.getLibraryBuilder().getFunctionBuilderList()) {
            for (NodeDef.Builder node : function.getNodeDefBuilderList()) {
              if (node.containsAttr("f")) {
                node.putAttr("f", call(function.getSignature().getName()));
              }
            }
          }
        },
        "do not call themselves");
  }

  @Test
  void aMissingFunctionIsNamed() throws IOException {
    assertRefused(
        graph -> graph.getLibraryBuilder().clearFunction(), "__inference_signature_wrapper");
  }

  @Test
  void aLoopOfTensorFlow1IsRefused() throws IOException {
    assertRefused(
        graph -> {
          for (NodeDef.Builder node : graph.getNodeBuilderList()) {
            if (node.getOp().endsWith("PartitionedCall")) {
              node.addInput("^" + node.getName());
            }
          }
        },
        "loop of TensorFlow 1");
  }

  private interface Damage {
    void to(GraphDef.Builder graph);
  }

  private void assertRefused(Damage damage, String message) throws IOException {
    Path copy = Models.copy("keras3_mlp", Files.createTempDirectory(folder, "m").resolve("model"));
    Path file = copy.resolve("saved_model.pb");
    var proto = org.tensorflow.proto.SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    damage.to(proto.getMetaGraphsBuilder(0).getGraphDefBuilder());
    Files.write(file, proto.build().toByteArray());
    SavedModel model = SavedModel.read(copy);
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> FunctionInliner.inline(model, "serving_default"));
    assertTrue(error.getMessage().contains(message), error::getMessage);
  }

  private static void forEachNode(
      GraphDef.Builder graph, String op, Consumer<NodeDef.Builder> change) {
    for (FunctionDef.Builder function : graph.getLibraryBuilder().getFunctionBuilderList()) {
      function.getNodeDefBuilderList().stream()
          .filter(node -> node.getOp().equals(op))
          .forEach(change);
    }
  }

  private static AttrValue call(String function) {
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(function)).build();
  }

  private static SavedModel pieces() {
    return SavedModel.read(Models.directory("tf_pieces"));
  }

  private static List<NodeDef> ofType(InlinePlan plan, String op) {
    return plan.nodes().stream().filter(node -> node.getOp().equals(op)).toList();
  }

  @Test
  void twiceInOneGraphTakesTwoNames() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    String key = model.defaultSignatureKey();
    InlinePlan plan = FunctionInliner.inline(model, key);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      EmittedGraph first = GraphEmitter.emit(plan, bundle.graph());
      EmittedGraph second = GraphEmitter.emit(plan, bundle.graph());
      Output<?> one = first.outputs().values().iterator().next();
      Output<?> two = second.outputs().values().iterator().next();
      assertTrue(one.op().name().startsWith("inlined/"), one.op().name());
      assertTrue(two.op().name().startsWith("inlined_1/"), two.op().name());
      assertEquals(first.inputs(), second.inputs());
    }
  }

  @Test
  void anotherGraphNeedsEveryExternalNode() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    InlinePlan plan = FunctionInliner.inline(model, model.defaultSignatureKey());
    try (Graph graph = new Graph()) {
      IllegalArgumentException inPlace =
          assertThrows(IllegalArgumentException.class, () -> GraphEmitter.emit(plan, graph));
      assertTrue(inPlace.getMessage().contains("SavedModelBundle.graph()"), inPlace.getMessage());
      assertThrows(
          IllegalArgumentException.class, () -> GraphEmitter.emit(plan, graph, "body", Map.of()));
      assertFalse(graph.operations().hasNext());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "keras3_mlp, serving_default",
    "tf_pieces, serving_default",
    "tf_pieces, branched",
    "tf_pieces, looped"
  })
  void anotherGraphComputesTheSame(String name, String key) {
    SavedModel model = SavedModel.read(Models.directory(name));
    SavedSignature signature = model.signature(key);
    InlinePlan plan = FunctionInliner.inline(model, signature.key());
    Map<String, Tensor> inputs = Models.inputs(signature, 6);
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString());
        Graph graph = new Graph();
        Session session = new Session(graph)) {
      Map<String, byte[]> expected = Models.runOriginal(bundle.session(), signature, inputs);
      Map<String, Output<?>> external = new LinkedHashMap<>();
      for (String node : plan.external()) {
        var original = bundle.graph().operation(node);
        var builder = graph.opBuilder(original.type(), "outer/" + node, graph.baseScope());
        builder.setAttr("dtype", original.attributes().getAttrType("dtype"));
        builder.setAttr("shape", original.attributes().getAttrShape("shape"));
        if (original.type().equals("VarHandleOp")) {
          builder.setAttr("shared_name", node);
        }
        external.put(node, builder.build().output(0));
      }
      EmittedGraph emitted = GraphEmitter.emit(plan, graph, "body", external);
      var tf = Ops.create(graph);
      for (var variable : model.variablesOf(signature.key())) {
        try (var value =
            bundle
                .session()
                .runner()
                .fetch(
                    Ops.create(bundle.graph())
                        .readVariableOp(
                            bundle.graph().output(variable.handle()),
                            org.tensorflow.types.TFloat32.class))
                .run()) {
          session
              .runner()
              .addTarget(
                  tf.assignVariableOp(
                      external.get(variable.handle()), tf.constantOf((TFloat32) value.get(0))))
              .run();
        }
      }
      Map<String, byte[]> found = Models.run(session, emitted.inputs(), inputs, emitted.outputs());
      expected.forEach((output, bits) -> assertArrayEquals(bits, found.get(output), output));
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  @Test
  void unknownSignatureIsNamedWithNearOnes() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    SavedModelException error =
        assertThrows(
            SavedModelException.class, () -> FunctionInliner.inline(model, "serving_defalt"));
    assertTrue(error.getMessage().contains("did you mean 'serving_default'"), error.getMessage());
  }
}
