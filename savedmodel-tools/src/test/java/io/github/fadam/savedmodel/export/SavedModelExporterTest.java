package io.github.fadam.savedmodel.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.fadam.framework.file.WholeDirectory;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

class SavedModelExporterTest {

  @TempDir Path folder;

  static Stream<String> models() {
    return Models.all();
  }

  @ParameterizedTest
  @MethodSource("models")
  void theExportComputesWhatTheSessionComputes(String name) throws IOException {
    SavedModel model = SavedModel.read(Models.directory(name));
    Map<String, byte[]> before = contents(model.directory());
    SavedSignature signature = model.signature(model.defaultSignatureKey());
    Map<String, Tensor> inputs = Models.inputs(signature, 3);
    Path target = folder.resolve("deep/er/tuned");
    try {
      Map<String, byte[]> original;
      Map<String, byte[]> expected;
      try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
        original = Models.runOriginal(bundle.session(), signature, inputs);
        SavedModelExporter exporter = SavedModelExporter.of(model, bundle);
        change(bundle, model.variables());
        expected = Models.runOriginal(bundle.session(), signature, inputs);
        exporter.export(target, false);
      }
      assertTrue(
          expected.keySet().stream()
              .anyMatch(key -> !Arrays.equals(original.get(key), expected.get(key))),
          "the change has to show, or this test shows nothing");
      SavedModel written = SavedModel.read(target);
      assertEquals(model.variables(), written.variables());
      try (SavedModelBundle bundle = SavedModelBundle.load(target.toString())) {
        Map<String, byte[]> found = Models.runOriginal(bundle.session(), signature, inputs);
        expected.forEach((key, bits) -> assertArrayEquals(bits, found.get(key), key));
      }
    } finally {
      inputs.values().forEach(Tensor::close);
    }
    assertCopiesAreEqual(model, target);
    assertSameContents(before, contents(model.directory()));
    Map<String, byte[]> after = contents(target);
    before.forEach(
        (file, bytes) -> {
          if (file.equals("fingerprint.pb")) {
            assertFalse(after.containsKey(file), file);
          } else if (!file.startsWith("variables")) {
            assertArrayEquals(bytes, after.get(file), file);
          }
        });
    assertEquals(List.of("tuned"), children(target.getParent()));
  }

  /** Adds 1 to every float variable, through the handles that the signatures read. */
  private static void change(SavedModelBundle bundle, List<ModelVariable> variables) {
    Ops tf = Ops.create(bundle.graph());
    for (ModelVariable variable : variables) {
      if (variable.dataType() == DataType.DT_FLOAT) {
        TrainableVariable view = TrainableVariable.of(bundle.graph().output(variable.handle()));
        Op assign = view.assignSub(tf, tf.fill(tf.constant(sizes(variable)), tf.constant(-0.25f)));
        bundle.session().runner().addTarget(assign.op()).run();
      }
    }
  }

  private static long[] sizes(ModelVariable variable) {
    return variable.shape().asArray();
  }

  /** Reads both copies of every variable straight from the checkpoint's files. */
  private static void assertCopiesAreEqual(SavedModel model, Path target) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      for (ModelVariable variable : model.variables()) {
        if (variable.dataType() != DataType.DT_FLOAT) {
          continue;
        }
        byte[] old = restore(tf, session, model.directory(), variable.checkpointKeys().get(0));
        for (String key : variable.checkpointKeys()) {
          byte[] value = restore(tf, session, target, key);
          assertFalse(Arrays.equals(old, value), key);
          assertArrayEquals(
              restore(tf, session, target, variable.checkpointKeys().get(0)), value, key);
        }
      }
    }
  }

  private static byte[] restore(Ops tf, Session session, Path model, String key) {
    Operand<?> value =
        tf.train
            .restore(
                tf.constant(model.resolve("variables/variables").toString()),
                tf.constant(NdArrays.vectorOfObjects(key)),
                tf.constant(NdArrays.vectorOfObjects("")),
                List.of(TFloat32.class))
            .tensors()
            .get(0);
    try (var result = session.runner().fetch(value).run()) {
      return Models.bytes(result.get(0));
    }
  }

  @Test
  void versionsAreCountedOnFromTheHighest() throws IOException {
    Path base = folder.resolve("served/model");
    export(
        exporter -> {
          assertEquals(base.resolve("1"), exporter.exportVersion(base));
          assertEquals(base.resolve("2"), exporter.exportVersion(base));
          Files.createDirectories(base.resolve("41"));
          Files.createDirectories(base.resolve("99-old"));
          Files.createDirectories(base.resolve("999999999999999999999"));
          assertEquals(base.resolve("42"), exporter.exportVersion(base));
        });
    assertEquals(List.of("1", "2", "41", "42", "99-old", "999999999999999999999"), children(base));
    assertSameContents(contents(base.resolve("1")), contents(base.resolve("42")));
  }

  /** A served model is a version itself: the next one goes beside it. */
  @Test
  void theNextVersionOfAServedModelGoesBesideIt() throws IOException {
    Path source =
        Models.copy("keras3_mlp", Files.createDirectory(folder.resolve("m")).resolve("7"));
    SavedModel model = SavedModel.read(source);
    try (SavedModelBundle bundle = SavedModelBundle.load(source.toString())) {
      SavedModelExporter exporter = SavedModelExporter.of(model, bundle);
      assertEquals(folder.resolve("m/8"), exporter.exportVersion(folder.resolve("m")));
      assertThrows(IllegalArgumentException.class, () -> exporter.exportVersion(source));
    }
    assertEquals(List.of("7", "8"), children(folder.resolve("m")));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void theTargetMayBeOnAnotherFileSystem() throws IOException {
    Path memory = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(memory) && !Files.getFileStore(memory).equals(Files.getFileStore(folder)),
        "needs a second file system");
    Path place = Files.createTempDirectory(memory, "fadam");
    try {
      export(exporter -> exporter.export(place.resolve("tuned"), false));
      assertNotEquals(List.of(), SavedModel.read(place.resolve("tuned")).variables());
      assertEquals(List.of("tuned"), children(place));
    } finally {
      WholeDirectory.remove(place);
    }
  }

  @Test
  void refusesAnExistingTargetUnlessToldToOverwriteIt() throws IOException {
    Path target = Models.copy("tf_module", folder.resolve("tuned"));
    Map<String, byte[]> before = contents(target);
    export(
        exporter -> {
          FileAlreadyExistsException error =
              assertThrows(FileAlreadyExistsException.class, () -> exporter.export(target, false));
          assertTrue(error.getMessage().contains("allow overwriting"), error::getMessage);
          assertSameContents(before, contents(target));
          assertEquals(List.of("tuned"), children(folder));
          exporter.export(target, true);
        });
    assertEquals(List.of("tuned"), children(folder));
    assertFalse(Files.exists(target.resolve("assets/vocabulary.txt")));
    assertNotEquals(List.of(), SavedModel.read(target).variables());
  }

  @Test
  void neverReplacesWhatIsNoSavedModel() throws IOException {
    Path target = Files.createDirectory(folder.resolve("documents"));
    Path file = Files.writeString(target.resolve("thesis"), "precious");
    export(
        exporter -> {
          assertThrows(FileAlreadyExistsException.class, () -> exporter.export(target, true));
          assertThrows(FileAlreadyExistsException.class, () -> exporter.export(file, true));
          assertThrows(FileAlreadyExistsException.class, () -> exporter.export(file, false));
        });
    assertEquals("precious", Files.readString(file));
    assertEquals(List.of("thesis"), children(target));
  }

  @Test
  void neverTouchesTheSource() throws IOException {
    Path source = Models.copy("keras3_mlp", folder.resolve("models/source"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), source);
    Map<String, byte[]> before = contents(source);
    SavedModel model = SavedModel.read(source);
    try (SavedModelBundle bundle = SavedModelBundle.load(source.toString())) {
      SavedModelExporter exporter = SavedModelExporter.of(model, bundle);
      for (Path target :
          List.of(
              source,
              source.resolve("../source"),
              source.resolve("tuned"),
              source.getParent(),
              link,
              link.resolve("tuned"))) {
        IllegalArgumentException error =
            assertThrows(IllegalArgumentException.class, () -> exporter.export(target, true));
        assertTrue(error.getMessage().contains("apart from the source"), error::getMessage);
      }
    }
    assertSameContents(before, contents(source));
    assertEquals(List.of("link", "models"), children(folder));
  }

  @Test
  void anUnusablePlaceIsAnErrorAndLeavesNothing() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    export(
        exporter -> {
          IOException error =
              assertThrows(IOException.class, () -> exporter.export(file.resolve("tuned"), false));
          assertTrue(error.getMessage().contains("choose another place"), error::getMessage);
        });
    assertEquals(List.of("file"), children(folder));
  }

  @Test
  void aSourceThatVanishedIsAnErrorAndLeavesNothing() throws IOException {
    Path source = Models.copy("keras3_mlp", folder.resolve("source"));
    SavedModel model = SavedModel.read(source);
    try (SavedModelBundle bundle = SavedModelBundle.load(source.toString())) {
      SavedModelExporter exporter = SavedModelExporter.of(model, bundle);
      Files.delete(source.resolve("saved_model.pb"));
      assertThrows(IOException.class, () -> exporter.export(folder.resolve("tuned"), false));
    }
    assertEquals(List.of("source"), children(folder));
  }

  @Test
  void aBundleOfAnotherModelIsRefused() {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    try (SavedModelBundle bundle = SavedModelBundle.load(Models.directory("tf1_ref").toString())) {
      assertThrows(IllegalArgumentException.class, () -> SavedModelExporter.of(model, bundle));
    }
  }

  private interface Use {
    void of(SavedModelExporter exporter) throws IOException;
  }

  private static void export(Use use) throws IOException {
    SavedModel model = SavedModel.read(Models.directory("keras3_mlp"));
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      use.of(SavedModelExporter.of(model, bundle));
    }
  }

  private static Map<String, byte[]> contents(Path directory) throws IOException {
    Map<String, byte[]> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(directory.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return contents;
  }

  private static void assertSameContents(Map<String, byte[]> expected, Map<String, byte[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((file, bytes) -> assertArrayEquals(bytes, found.get(file), file));
  }

  private static List<String> children(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
