package io.github.fadam.savedmodel.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

class FrozenGraphTest {

  private static final Set<String> VARIABLES = Set.of("VarHandleOp", "VariableV2", "Variable");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keras3_cnn",
        "keras3_embedding",
        "keras3_mlp",
        "multi_io",
        "tf1_ref",
        "tf1_resource",
        "tfkeras_cnn",
        "tfkeras_embedding"
      })
  void theFrozenGraphComputesWhatTheSignatureComputes(String name) throws IOException {
    SavedModel model = SavedModel.read(Models.directory(name));
    SavedSignature signature = model.signature(model.defaultSignatureKey());
    Path file = folder.resolve("frozen.pb");
    Map<String, Tensor> inputs = Models.inputs(signature, 3);
    try {
      Map<String, byte[]> expected;
      try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
        FrozenGraph.write(model, bundle, signature.key(), file);
        expected = Models.runOriginal(bundle.session(), signature, inputs);
      }
      GraphDef definition = GraphDef.parseFrom(Files.readAllBytes(file));
      assertFalse(
          definition.getNodeList().stream().map(NodeDef::getOp).anyMatch(VARIABLES::contains));
      try (Graph graph = new Graph();
          Session session = new Session(graph)) {
        graph.importGraphDef(definition);
        Session.Runner runner = session.runner();
        inputs.forEach(runner::feed);
        List<String> keys = new ArrayList<>(expected.keySet());
        keys.forEach(key -> runner.fetch(inputs.containsKey(key) ? key + "_output" : key));
        try (var results = runner.run()) {
          for (int i = 0; i < keys.size(); i++) {
            assertNear(expected.get(keys.get(i)), Models.bytes(results.get(i)), keys.get(i));
          }
        }
      }
    } finally {
      inputs.values().forEach(Tensor::close);
    }
  }

  /** All outputs of these models are float32; TensorFlow may compute with constants beforehand. */
  private static void assertNear(byte[] expected, byte[] found, String key) {
    assertArrayEquals(floats(expected), floats(found), 1e-6f, key);
  }

  private static float[] floats(byte[] bytes) {
    float[] floats = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asFloatBuffer().get(floats);
    return floats;
  }

  @Test
  void whatAConstantCannotStandForIsNamedAndNothingIsWritten() throws IOException {
    SavedModel model = SavedModel.read(Models.directory("tf_module"));
    String words =
        model.signatures().keySet().stream()
            .filter(key -> model.ops(key).containsKey("HashTableV2"))
            .findFirst()
            .orElseThrow();
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> FrozenGraph.write(model, bundle, words, folder.resolve("frozen.pb")));
      assertTrue(error.getMessage().contains("HashTableV2 ("), error::getMessage);
    }
    try (var children = Files.list(folder)) {
      assertEquals(0, children.count());
    }
  }

  @Test
  void anAssignmentIsNamed() {
    SavedModel model = SavedModel.read(Models.directory("tf_pieces"));
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class,
              () -> FrozenGraph.write(model, bundle, "counted", folder.resolve("frozen.pb")));
      assertTrue(error.getMessage().contains("Assign"), error::getMessage);
    }
  }
}
