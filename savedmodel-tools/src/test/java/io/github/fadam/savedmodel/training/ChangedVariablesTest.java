package io.github.fadam.savedmodel.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.fadam.savedmodel.GoldenModel;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

class ChangedVariablesTest {

  private static final int STEPS = 6;

  @TempDir private Path directory;

  private static Set<String> changed(String signature) {
    var model = io.github.fadam.savedmodel.model.SavedModel.read(Models.directory("tf_pieces"));
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      EmittedGraph emitted =
          GraphEmitter.emit(FunctionInliner.inline(model, signature), bundle.graph());
      Set<String> handles = ChangedVariables.by(emitted.sideEffects());
      return model.variables().stream()
          .filter(variable -> handles.contains(variable.handle()))
          .map(ModelVariable::name)
          .collect(Collectors.toSet());
    }
  }

  @Test
  void findsWhatASignatureAssignsAndNotWhatItReads() {
    assertEquals(Set.of("calls"), changed("counted"));
    assertEquals(Set.of(), changed("serving_default"));
  }

  /** Lets a TF1 model add to its untrained variable whenever it runs, after it was read. */
  private Path counting(String name) throws IOException {
    Path copy = Models.copy(name, directory.resolve("model"));
    Path file = copy.resolve("saved_model.pb");
    SavedModel.Builder model = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    GraphDef.Builder graph = model.getMetaGraphsBuilder(0).getGraphDefBuilder();
    NodeDef.Builder logits =
        graph.getNodeBuilderList().stream()
            .filter(node -> node.getName().equals("head/logits"))
            .findFirst()
            .orElseThrow();
    AttrValue type = AttrValue.newBuilder().setType(DataType.DT_FLOAT).build();
    boolean resource = name.equals("tf1_resource");
    NodeDef.Builder added =
        NodeDef.newBuilder()
            .setName("counted")
            .setOp(resource ? "AssignAddVariableOp" : "AssignAdd")
            .addInput("head/shift")
            .addInput("count")
            .addInput("^" + logits.getInput(1))
            .putAttr(resource ? "dtype" : "T", type);
    logits.addInput("^counted");
    graph.addNode(added);
    graph.addNode(
        NodeDef.newBuilder()
            .setName("count")
            .setOp("Const")
            .putAttr("dtype", type)
            .putAttr(
                "value",
                AttrValue.newBuilder()
                    .setTensor(
                        TensorProto.newBuilder()
                            .setDtype(DataType.DT_FLOAT)
                            .setTensorShape(
                                TensorShapeProto.newBuilder()
                                    .addDim(TensorShapeProto.Dim.newBuilder().setSize(3)))
                            .addAllFloatVal(List.of(0.25f, 0.5f, -0.25f)))
                    .build()));
    Files.write(file, model.build().toByteArray());
    return copy;
  }

  private static byte[] shift(FineTuner tuner) {
    ModelVariable shift =
        tuner.model().variables().stream()
            .filter(variable -> variable.name().equals("head/shift"))
            .findFirst()
            .orElseThrow();
    assertFalse(tuner.trained().contains(shift));
    try (Tensor value = tuner.value(shift)) {
      return Models.bytes(value);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tf1_resource", "tf1_ref"})
  void aResumedRunHasWhatTheSignatureAssigned(String name) throws IOException {
    GoldenModel golden = GoldenModel.named(name);
    Path model = counting(name);
    FitOptions options = FitOptions.steps(STEPS).batchSize(2).seed(3);
    Path saved = directory.resolve("state");
    try (FineTuner whole = FineTuner.of(model).build();
        FineTuner first = FineTuner.of(model).build();
        FineTuner second = FineTuner.of(model).build()) {
      byte[] initial = shift(whole);
      History expected = whole.fit(golden.data(), options);
      History before =
          first.fit(golden.data(), options.checkpoint(saved).listener(ResumeTest.until(STEPS / 2)));
      History after = second.fit(golden.data(), options.checkpoint(saved).resume(true));
      List<Double> losses = new ArrayList<>(before.losses());
      losses.addAll(after.losses());
      assertEquals(expected.losses(), losses);
      assertArrayEquals(shift(whole), shift(second));
      assertFalse(Arrays.equals(initial, shift(second)), "it has to count");
      assertFalse(Arrays.equals(shift(first), shift(second)), "it has to go on counting");
    }
  }
}
