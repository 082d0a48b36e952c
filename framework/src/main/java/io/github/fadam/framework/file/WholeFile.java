package io.github.fadam.framework.file;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes a file that is whole or absent, whatever happens meanwhile. */
public final class WholeFile {

  private static final int BUFFER = 1 << 16;

  private WholeFile() {}

  /** Writes a file's content. */
  @FunctionalInterface
  public interface Content {

    /**
     * Writes everything; the stream is closed by the caller.
     *
     * @param out where to write
     * @throws IOException if writing fails
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file beside the target, forces it to the disk and renames it. A file that was there is
   * replaced; on any failure it stays as it was.
   *
   * @param target the file to write; its directory must exist
   * @param content what to write
   * @throws IOException if there is no such directory, it cannot be written to, or the target is a
   *     directory
   */
  public static void write(Path target, Content content) throws IOException {
    Path file = target.toAbsolutePath();
    Path directory = file.getParent();
    if (directory == null || !Files.isDirectory(directory)) {
      throw new NoSuchFileException(
          "Expected a directory for " + target + ", found none; create " + directory + " first.");
    }
    if (Files.isDirectory(file)) {
      throw new IOException(
          "Expected a file to write at " + target + ", found a directory; give a file's name.");
    }
    Path part = Files.createTempFile(directory, "." + file.getFileName() + ".", ".part");
    try {
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
        content.writeTo(out);
        out.flush();
        channel.force(true);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }
}
