package io.github.fadam.savedmodel.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.SavedModelBundle;

class VariableValuesTest {

  private static final String INITIAL = "initial:";

  @TempDir Path folder;

  /** The committed models come with the values that Python read. */
  @ParameterizedTest
  @ValueSource(strings = {"keras3_cnn", "tf1_ref", "tf_module", "tfkeras_cnn"})
  void everyVariableIsThereUnderItsNameWithItsBits(String name) throws IOException {
    SavedModel model = SavedModel.read(Models.directory(name));
    Path file = folder.resolve("values.npz");
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      VariableValues.write(model, bundle, file);
    }
    Map<String, byte[]> written = elements(file);
    assertEquals(
        model.variables().stream()
            .map(ModelVariable::name)
            .collect(Collectors.toCollection(TreeSet::new)),
        written.keySet());
    Map<String, byte[]> python = elements(model.directory().resolve("golden.npz"));
    python.keySet().removeIf(key -> !key.startsWith(INITIAL));
    assertNotEquals(0, python.size());
    python.forEach(
        (key, value) ->
            assertArrayEquals(value, written.get(key.substring(INITIAL.length())), key));
  }

  private static Map<String, byte[]> elements(Path npz) throws IOException {
    Map<String, byte[]> elements = new TreeMap<>();
    try (ZipFile zip = new ZipFile(npz.toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        byte[] bytes = zip.getInputStream(entry).readAllBytes();
        int header = 10 + ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort(8);
        elements.put(
            entry.getName().replaceFirst("\\.npy$", ""),
            Arrays.copyOfRange(bytes, header, bytes.length));
      }
    }
    return elements;
  }
}
