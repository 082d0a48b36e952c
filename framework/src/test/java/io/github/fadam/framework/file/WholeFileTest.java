package io.github.fadam.framework.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {

  @TempDir Path directory;

  private List<String> names() throws IOException {
    try (var files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void writesAndReplaces() throws IOException {
    Path file = directory.resolve("report.json");
    WholeFile.write(file, out -> out.write(bytes("first")));
    WholeFile.write(file, out -> out.write(bytes("2nd")));
    assertEquals("2nd", Files.readString(file));
    assertEquals(List.of("report.json"), names());
  }

  @Test
  void leavesWhatWasThereWhenWritingFails() throws IOException {
    Path file = Files.writeString(directory.resolve("report.json"), "before");
    IOException e =
        assertThrows(
            IOException.class,
            () ->
                WholeFile.write(
                    file,
                    out -> {
                      out.write(bytes("half"));
                      throw new IOException("disk full");
                    }));
    assertEquals("disk full", e.getMessage());
    assertEquals("before", Files.readString(file));
    assertEquals(List.of("report.json"), names());
  }

  @Test
  void neverShowsHalfAFile() throws IOException {
    Path file = directory.resolve("report.json");
    WholeFile.write(
        file,
        out -> {
          out.write(bytes("half"));
          out.flush();
          assertFalse(Files.exists(file));
        });
    assertTrue(Files.exists(file));
  }

  @Test
  void refusesPlacesThatAreNone() throws IOException {
    IOException absent =
        assertThrows(
            IOException.class,
            () -> WholeFile.write(directory.resolve("no/where.json"), out -> {}));
    assertTrue(absent.getMessage().contains("create"), absent.getMessage());
    IOException taken =
        assertThrows(IOException.class, () -> WholeFile.write(directory, out -> {}));
    assertTrue(taken.getMessage().contains("directory"), taken.getMessage());
  }
}
