package io.github.fadam.framework.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeDirectoryTest {

  private static final int FILES = 40;

  @TempDir Path folder;

  @Test
  void writesAndMakesParents() throws IOException {
    Path target = folder.resolve("a/b/c");
    WholeDirectory.write(target, false, WholeDirectoryTest::fill);
    assertWhole(target);
    assertEquals(List.of("c"), children(target.getParent()));
  }

  @Test
  void refusesAnExistingTargetBeforeAnythingIsWritten() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    assertThrows(
        FileAlreadyExistsException.class,
        () ->
            WholeDirectory.write(
                target,
                false,
                directory -> {
                  throw new AssertionError("must not be asked to write");
                }));
    assertEquals(List.of("target"), children(folder));
  }

  @Test
  void neverReplacesAFileOrALink() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
    for (Path target : List.of(file, link)) {
      assertThrows(
          FileAlreadyExistsException.class,
          () -> WholeDirectory.write(target, true, WholeDirectoryTest::fill));
    }
    assertEquals(List.of("file", "link"), children(folder));
  }

  @Test
  void replacesWholly() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.writeString(target.resolve("old"), "x");
    WholeDirectory.write(target, true, WholeDirectoryTest::fill);
    assertWhole(target);
    assertFalse(Files.exists(target.resolve("old")));
    assertEquals(List.of("target"), children(folder));
  }

  @Test
  void anErrorLeavesNothingNewAndKeepsTheOld() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    Files.writeString(target.resolve("old"), "x");
    for (Throwable thrown : List.of(new IOException("full"), new IllegalStateException("bug"))) {
      Throwable error =
          assertThrows(
              thrown.getClass(),
              () ->
                  WholeDirectory.write(
                      target,
                      true,
                      directory -> {
                        fill(directory);
                        if (thrown instanceof IOException e) {
                          throw e;
                        }
                        throw (RuntimeException) thrown;
                      }));
      assertEquals(thrown, error);
      assertEquals(List.of("old"), children(target));
      assertEquals(List.of("target"), children(folder));
    }
  }

  @Test
  void aTargetThatAppearsMeanwhileIsKept() throws IOException {
    Path target = folder.resolve("target");
    assertThrows(
        FileAlreadyExistsException.class,
        () ->
            WholeDirectory.write(
                target,
                false,
                directory -> {
                  fill(directory);
                  Files.createDirectory(target);
                  Files.writeString(target.resolve("theirs"), "x");
                }));
    assertEquals(List.of("theirs"), children(target));
    assertEquals(List.of("target"), children(folder));
  }

  @Test
  void removesWhollyAndWhatWasLeft() throws IOException {
    for (String name :
        List.of("step-1", ".step-2.id.partial", ".step-3.id.old", ".other.id.partial", ".step-4")) {
      fill(Files.createDirectory(folder.resolve(name)));
    }
    WholeDirectory.remove(folder.resolve("step-1"));
    WholeDirectory.remove(folder.resolve("absent"));
    WholeDirectory.removeLeftovers(folder, "step-");
    assertEquals(List.of(".other.id.partial", ".step-4"), children(folder));
  }

  /** Kills a process that writes again and again: the target is whole, or absent, never between. */
  @Test
  void aKilledProcessLeavesTheTargetWholeOrAbsent() throws Exception {
    int whole = 0;
    for (int attempt = 0; attempt < 6; attempt++) {
      Path place = Files.createDirectory(folder.resolve("attempt" + attempt));
      Path target = place.resolve("target");
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Writer.class.getName(),
                  target.toString())
              .redirectErrorStream(true)
              .start();
      try (InputStream out = process.getInputStream()) {
        assertTrue(out.read() >= 0, "the process has to begin");
        if (attempt >= 3) {
          awaitWritten(target);
        }
        Thread.sleep(17L * attempt);
        process.destroyForcibly().waitFor();
      }
      if (Files.exists(target)) {
        assertWhole(target);
        whole++;
      }
    }
    assertTrue(whole > 0, "some process has to finish a target, or this shows nothing");
  }

  private static void awaitWritten(Path target) throws InterruptedException {
    long deadline = System.nanoTime() + 60_000_000_000L;
    while (!Files.exists(target)) {
      assertTrue(System.nanoTime() < deadline, "the process has to finish a target");
      Thread.sleep(5);
    }
  }

  /** Writes the same target until it is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) throws IOException {
      Path target = Path.of(arguments[0]);
      System.out.println("begin");
      System.out.flush();
      while (true) {
        WholeDirectory.write(target, true, WholeDirectoryTest::fill);
      }
    }
  }

  private static void fill(Path directory) throws IOException {
    Path inner = Files.createDirectory(directory.resolve("inner"));
    for (int i = 0; i < FILES; i++) {
      Files.writeString(inner.resolve("file" + i), "content ".repeat(500) + i);
    }
  }

  private static void assertWhole(Path target) throws IOException {
    assertEquals(FILES, children(target.resolve("inner")).size());
    for (int i = 0; i < FILES; i++) {
      String text = Files.readString(target.resolve("inner/file" + i));
      assertTrue(text.endsWith("content " + i), () -> "cut: " + text.length());
    }
  }

  private static List<String> children(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
