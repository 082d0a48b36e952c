package io.github.fadam.savedmodel.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;

class SavedModelTest {

  @TempDir Path folder;

  static Stream<String> models() {
    return Models.all();
  }

  @Test
  void listsSignatures() {
    SavedModel model = SavedModel.read(Models.directory("tf_module"));
    assertEquals(List.of("serving_default", "words"), List.copyOf(model.signatures().keySet()));
    assertEquals("serving_default", model.defaultSignatureKey());
    SavedSignature signature = model.signature("serving_default");
    assertEquals("tensorflow/serving/predict", signature.methodName());
    TensorSpec ids = signature.inputs().get("ids");
    assertEquals(DataType.DT_INT64, ids.dataType());
    assertEquals("[-1, 3]", ids.shape().toString());
    assertEquals(Set.of("logits", "odd key/1"), signature.outputs().keySet());
    assertEquals("[-1, 3]", signature.outputs().get("logits").shape().toString());
    assertEquals(List.of("serve"), model.tags());
  }

  @Test
  void listsAssetsFunctionsAndOps() {
    SavedModel model = SavedModel.read(Models.directory("tf_module"));
    assertEquals(List.of("vocabulary.txt"), model.assets().stream().map(Asset::fileName).toList());
    assertTrue(
        model.functions().stream().anyMatch(name -> name.contains("by_word")),
        model.functions()::toString);
    Map<String, Long> byId = model.ops("serving_default");
    assertEquals(1, byId.get("ResourceGather"));
    assertEquals(2, byId.get("MatMul"));
    assertFalse(byId.containsKey("LookupTableFindV2"));
    assertFalse(byId.containsKey("StatefulPartitionedCall"));
    assertEquals(1, model.ops("words").get("LookupTableFindV2"));
  }

  @Test
  void bothCopiesOfAKeras3VariableAreOne() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    assertEquals(
        List.of(
            "mlp/hidden/kernel",
            "mlp/hidden/bias",
            "mlp/norm/gamma",
            "mlp/norm/beta",
            "mlp/target/kernel",
            "mlp/target/bias"),
        names(model.variables()));
    for (ModelVariable variable : model.variables()) {
      assertEquals(1, variable.copies().size(), variable::name);
      assertEquals(2, variable.checkpointKeys().size(), variable::name);
      assertTrue(variable.checkpointKeys().get(0).startsWith("_all_variables/"), variable::name);
      assertTrue(variable.checkpointKeys().get(1).startsWith("variables/"), variable::name);
    }
    assertEquals(Shape.of(5, 8), model.variables().get(0).shape());
    assertEquals(DataType.DT_FLOAT, model.variables().get(0).dataType());
  }

  @Test
  void theModelsListOfTrainablesWinsOverFlags() {
    SavedModel model = SavedModel.read(Models.directory("keras3_frozen"));
    Map<String, ModelVariable> byName = byName(model);
    assertFalse(byName.get("frozen/body/kernel").trainable());
    assertTrue(byName.get("frozen/head/kernel").trainable());
    assertFalse(byName.get("frozen/norm/moving_mean").trainable());
    assertEquals(
        "the model's list trainable_variables", byName.get("frozen/body/kernel").trainableSource());
    long flagged =
        model.metaGraph().getObjectGraphDef().getNodesList().stream()
            .filter(node -> node.hasVariable() && node.getVariable().getTrainable())
            .filter(node -> node.getVariable().getName().equals("frozen/body/kernel"))
            .count();
    assertEquals(2, flagged, "the flags have to contradict the list, or this shows nothing");
  }

  @Test
  void sharedNamesCarryTheCheckpointPath() {
    SavedModel model = SavedModel.read(Models.directory("tf_module"));
    Map<String, ModelVariable> byName = byName(model);
    assertEquals(
        Set.of("Word.Vectors-v1", "kernel@ks/0", "kernel@ks/1", "bias", "temperature", "calls"),
        byName.keySet());
    assertFalse(byName.get("temperature").trainable());
    assertEquals("the variable's flag", byName.get("temperature").trainableSource());
    assertEquals(List.of(), byName.get("bias").copies());
    assertEquals(
        Set.of("Word.Vectors-v1", "kernel@ks/0", "kernel@ks/1", "bias", "temperature"),
        new HashSet<>(names(model.variablesOf("words"))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tf1_ref", "tf1_resource"})
  void tf1ModelsSayWhatTrainsInACollection(String name) {
    SavedModel model = SavedModel.read(Models.directory(name));
    Map<String, ModelVariable> byName = byName(model);
    assertEquals(
        List.of("layer/kernel", "layer/bias", "head/kernel", "head/shift"),
        names(model.variables()));
    assertFalse(byName.get("head/shift").trainable());
    assertTrue(byName.get("head/kernel").trainable());
    assertEquals("the collection trainable_variables", byName.get("head/kernel").trainableSource());
    assertEquals(List.of("head/kernel"), byName.get("head/kernel").checkpointKeys());
    assertEquals(4, model.variablesOf("serving_default").size());
  }

  @ParameterizedTest
  @MethodSource("models")
  void namesAreUniqueAndHandlesExist(String name) {
    SavedModel model = SavedModel.read(Models.directory(name));
    assertEquals(model.variables().size(), byName(model).size());
    Set<String> nodes = new HashSet<>();
    model.metaGraph().getGraphDef().getNodeList().forEach(node -> nodes.add(node.getName()));
    for (ModelVariable variable : model.variables()) {
      assertTrue(nodes.contains(variable.handle()), variable::name);
      assertTrue(nodes.containsAll(variable.copies()), variable::name);
      assertEquals(1 + variable.copies().size(), variable.checkpointKeys().size(), variable::name);
    }
    assertTrue(
        model.variables().stream().anyMatch(ModelVariable::trainable), "nothing would train");
  }

  @Test
  void refusesWhatIsNoDirectory() throws IOException {
    assertMessage(folder.resolve("absent"), "found nothing at");
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertMessage(file, "found a file");
    assertMessage(folder, "found none; give a directory");
    Models.copy("keras3_mlp", folder.resolve("1"));
    assertMessage(folder, "its subdirectories [1] are SavedModels");
  }

  @Test
  void refusesDamagedFiles() throws IOException {
    Path model = Models.copy("keras3_mlp", folder.resolve("model"));
    Path file = model.resolve("saved_model.pb");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertMessage(model, "only a part of one");
    byte[] noise = new byte[4096];
    new Random(1).nextBytes(noise);
    Files.write(file, noise);
    assertThrows(SavedModelException.class, () -> SavedModel.read(model));
    Files.write(file, new byte[0]);
    assertMessage(model, "at least one meta graph");
  }

  @Test
  void aDamagedFileIsAnErrorOrAModel() throws IOException {
    Path model = Models.copy("tf_module", folder.resolve("model"));
    Path file = model.resolve("saved_model.pb");
    byte[] whole = Files.readAllBytes(file);
    var random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      for (int j = 0; j < 3; j++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      Files.write(file, damaged);
      try {
        SavedModel read = SavedModel.read(model);
        read.signatures().keySet().forEach(read::variablesOf);
        read.signatures().keySet().forEach(read::ops);
      } catch (SavedModelException expected) {
        assertFalse(expected.getMessage().isBlank());
      }
    }
  }

  @Test
  void refusesMissingValues() throws IOException {
    Path model = Models.copy("tf1_ref", folder.resolve("model"));
    Files.delete(model.resolve("variables/variables.data-00000-of-00001"));
    assertMessage(model, "found no variables.data-00000-of-00001");
    Files.delete(model.resolve("variables/variables.index"));
    assertMessage(model, "found no variables.index");
    Files.delete(model.resolve("variables"));
    assertMessage(model, "found no variables.index");
  }

  @Test
  void refusesMissingAssets() throws IOException {
    Path model = Models.copy("tf_module", folder.resolve("model"));
    assertEquals(1, SavedModel.read(model).assets().size());
    Files.delete(model.resolve("assets/vocabulary.txt"));
    assertMessage(model, "found no vocabulary.txt");
  }

  @Test
  void refusesUnknownTagsAndSignatures() {
    Path directory = Models.directory("keras3_mlp");
    SavedModelException tags =
        assertThrows(SavedModelException.class, () -> SavedModel.read(directory, "serve", "gpu"));
    assertTrue(tags.getMessage().contains("found [serve]"), tags::getMessage);
    assertEquals(List.of("serve"), SavedModel.read(directory, "serve").tags());
    SavedModelException signature =
        assertThrows(
            SavedModelException.class, () -> SavedModel.read(directory).signature("sreve"));
    assertTrue(signature.getMessage().contains("'serve', 'serving_default'"));
    assertTrue(signature.getMessage().contains("did you mean 'serve'"), signature::getMessage);
  }

  @Test
  void choosesTheGraphByItsTags() throws IOException {
    Path model = Models.copy("keras3_mlp", folder.resolve("model"));
    Path file = model.resolve("saved_model.pb");
    var proto = org.tensorflow.proto.SavedModel.parseFrom(Files.readAllBytes(file));
    MetaGraphDef.Builder training = proto.getMetaGraphs(0).toBuilder();
    training.getMetaInfoDefBuilder().clearTags().addTags("train").addTags("gpu");
    Files.write(file, proto.toBuilder().addMetaGraphs(training).build().toByteArray());
    assertEquals(List.of("serve"), SavedModel.read(model).tags());
    assertEquals(List.of("train", "gpu"), SavedModel.read(model, "gpu", "train").tags());
    assertThrows(SavedModelException.class, () -> SavedModel.read(model, "train"));
  }

  @Test
  void theDefaultSignatureIsNotGuessed() throws IOException {
    Path model = Models.copy("tf_module", folder.resolve("model"));
    Path file = model.resolve("saved_model.pb");
    var proto = org.tensorflow.proto.SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
    var graph = proto.getMetaGraphsBuilder(0);
    graph.putSignatureDef("other", graph.getSignatureDefOrThrow("serving_default"));
    graph.removeSignatureDef("serving_default");
    Files.write(file, proto.build().toByteArray());
    SavedModelException several =
        assertThrows(SavedModelException.class, () -> SavedModel.read(model).defaultSignatureKey());
    assertTrue(several.getMessage().contains("'other', 'words'"), several::getMessage);
    graph.removeSignatureDef("words");
    Files.write(file, proto.build().toByteArray());
    assertEquals("other", SavedModel.read(model).defaultSignatureKey());
  }

  private static void assertMessage(Path directory, String part) {
    SavedModelException error =
        assertThrows(SavedModelException.class, () -> SavedModel.read(directory));
    assertTrue(error.getMessage().contains(part), error::getMessage);
  }

  private static List<String> names(List<ModelVariable> variables) {
    return variables.stream().map(ModelVariable::name).toList();
  }

  private static Map<String, ModelVariable> byName(SavedModel model) {
    return model.variables().stream()
        .collect(Collectors.toMap(ModelVariable::name, Function.identity()));
  }
}
