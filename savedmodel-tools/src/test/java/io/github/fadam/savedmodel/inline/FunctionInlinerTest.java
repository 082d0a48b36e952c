package io.github.fadam.savedmodel.inline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

class FunctionInlinerTest {

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

  @Test
  void inferenceHasNoSideEffects() {
    for (String name : Models.all().toList()) {
      SavedModel model = SavedModel.read(Models.directory(name));
      String key = model.defaultSignatureKey();
      if (!name.equals("tf_rewrites")) {
        assertEquals(java.util.List.of(), FunctionInliner.inline(model, key).sideEffects(), name);
      }
    }
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

  @Test
  void anotherGraphComputesTheSame() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    SavedSignature signature = model.signature(model.defaultSignatureKey());
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
      var tf = org.tensorflow.op.Ops.create(graph);
      for (var variable : model.variablesOf(signature.key())) {
        try (var value =
            bundle
                .session()
                .runner()
                .fetch(
                    org.tensorflow.op.Ops.create(bundle.graph())
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
      expected.forEach((key, bits) -> assertArrayEquals(bits, found.get(key), key));
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
