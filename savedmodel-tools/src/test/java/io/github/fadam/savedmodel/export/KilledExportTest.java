package io.github.fadam.savedmodel.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.SavedModelBundle;

/** Processes that export again and again are killed: what can be seen then is whole. */
class KilledExportTest {

  private static final int KILLS = Boolean.getBoolean("fadam.full") ? 60 : 4;
  private static final String MODEL = "tfkeras_cnn";

  @TempDir Path folder;

  @Test
  void aKilledProcessLeavesWholeModelsOnly() throws Exception {
    Map<String, byte[]> whole = whole();
    Random random = new Random(11);
    int replaced = 0;
    int versions = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Path place = Files.createDirectory(folder.resolve("kill" + kill));
      Process process = start(place);
      try (var out = process.inputReader(StandardCharsets.UTF_8)) {
        String line = out.readLine();
        while (line != null && !line.equals("exporting")) {
          line = out.readLine();
        }
        assertEquals("exporting", line, "the process has to begin");
        Thread.sleep(random.nextInt(400));
      } finally {
        process.destroyForcibly().waitFor();
      }
      Path target = place.resolve("replaced");
      if (Files.exists(target)) {
        assertSame(whole, contents(target));
        replaced++;
      }
      if (Files.exists(place.resolve("versions"))) {
        for (Path version : visible(place.resolve("versions"))) {
          assertSame(whole, contents(version));
          versions++;
        }
      }
    }
    assertTrue(replaced > 0 && versions > 0, "some export has to end, or this shows nothing");
  }

  private Map<String, byte[]> whole() throws IOException {
    SavedModel model = SavedModel.read(Models.directory(MODEL));
    Path target = folder.resolve("whole");
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
      SavedModelExporter.of(model, bundle).export(target, false);
    }
    return contents(target);
  }

  private static Process start(Path place) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Exports.class.getName(),
            place.toString())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Exports until it is killed. */
  static final class Exports {
    private Exports() {}

    public static void main(String[] arguments) throws IOException {
      Path place = Path.of(arguments[0]);
      SavedModel model = SavedModel.read(Models.directory(MODEL));
      try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString())) {
        SavedModelExporter exporter = SavedModelExporter.of(model, bundle);
        System.out.println("exporting");
        System.out.flush();
        while (true) {
          exporter.export(place.resolve("replaced"), true);
          exporter.exportVersion(place.resolve("versions"));
        }
      }
    }
  }

  private static Iterable<Path> visible(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.filter(path -> !path.getFileName().toString().startsWith(".")).toList();
    }
  }

  private static void assertSame(Map<String, byte[]> expected, Map<String, byte[]> found) {
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((file, bytes) -> assertArrayEquals(bytes, found.get(file), file));
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
}
