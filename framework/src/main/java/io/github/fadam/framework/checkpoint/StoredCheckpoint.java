package io.github.fadam.framework.checkpoint;

import io.github.fadam.framework.checkpoint.Manifest.StoredFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/**
 * One checkpoint's directory, {@code step-NNNNNNNNNN}.
 *
 * <p>The manifest has the sizes and checksums of TensorFlow's files, and a file beside it has its
 * own: no byte can change unseen.
 *
 * @param directory the directory
 * @param step the step in its name
 */
record StoredCheckpoint(Path directory, long step) {

  static final String PREFIX = "step-";

  private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d{10,18})");
  private static final String FILES = "state";
  private static final String MANIFEST = "manifest.json";
  private static final String MANIFEST_SUM = "manifest.crc32c";
  private static final long MAX_MANIFEST = 1L << 28;
  private static final int BUFFER = 1 << 20;

  /** Where the checkpoint of a step is or will be. */
  static StoredCheckpoint of(Path parent, long step) {
    return new StoredCheckpoint(
        parent.resolve(String.format(Locale.ROOT, PREFIX + "%010d", step)), step);
  }

  /** All that are there, damaged ones too, the newest first. */
  static List<StoredCheckpoint> in(Path parent) throws IOException {
    List<StoredCheckpoint> found = new ArrayList<>();
    try (Stream<Path> children = Files.list(parent)) {
      children.forEach(
          child -> {
            Matcher matcher = NAME.matcher(child.getFileName().toString());
            if (matcher.matches()) {
              found.add(new StoredCheckpoint(child, Long.parseLong(matcher.group(1))));
            }
          });
    }
    found.sort((a, b) -> Long.compare(b.step(), a.step()));
    return found;
  }

  /** What TensorFlow's operations take as the file's name. */
  static Path files(Path directory) {
    return directory.resolve(FILES);
  }

  /** Sizes and checksums of what TensorFlow wrote. */
  static List<StoredFile> measure(Path directory) throws IOException {
    List<StoredFile> files = new ArrayList<>();
    try (Stream<Path> children = Files.list(directory)) {
      for (Path file : children.sorted().toList()) {
        files.add(
            new StoredFile(file.getFileName().toString(), Files.size(file), hex(checksum(file))));
      }
    }
    return files;
  }

  static void write(Path directory, Manifest manifest) throws IOException {
    byte[] bytes = manifest.bytes();
    Files.write(directory.resolve(MANIFEST), bytes);
    Files.writeString(directory.resolve(MANIFEST_SUM), sumLine(bytes));
  }

  /**
   * Reads the manifest.
   *
   * @throws IOException if it is damaged, with the reason
   * @throws CheckpointException if it is of a later version
   */
  Manifest manifest() throws IOException {
    byte[] bytes = Files.readAllBytes(regular(MANIFEST, MAX_MANIFEST));
    byte[] sum = Files.readAllBytes(regular(MANIFEST_SUM, MAX_MANIFEST));
    if (!new String(sum, StandardCharsets.ISO_8859_1).equals(sumLine(bytes))) {
      throw new IOException(MANIFEST + " has another checksum than " + MANIFEST_SUM + " says");
    }
    Manifest manifest;
    try {
      manifest = Manifest.parse(bytes);
    } catch (IOException e) {
      throw new IOException(MANIFEST + " is no manifest: " + e.getMessage(), e);
    }
    if (manifest.progress().step() != step) {
      throw new IOException(
          MANIFEST + " is of step " + manifest.progress().step() + "; was the directory renamed?");
    }
    return manifest;
  }

  /**
   * Reads the manifest and every byte of the files.
   *
   * @throws IOException if anything is damaged, with what
   * @throws CheckpointException if it is of a later version
   */
  Manifest verified() throws IOException {
    Manifest manifest = manifest();
    for (StoredFile expected : manifest.files()) {
      Path file = regular(expected.name(), Long.MAX_VALUE);
      long size = Files.size(file);
      if (size != expected.bytes()) {
        throw new IOException(
            expected.name() + " has " + size + " bytes, expected " + expected.bytes());
      }
      String checksum = hex(checksum(file));
      if (!checksum.equals(expected.crc32c())) {
        throw new IOException(
            expected.name() + " has checksum " + checksum + ", expected " + expected.crc32c());
      }
    }
    return manifest;
  }

  private Path regular(String name, long most) throws IOException {
    Path file = directory.resolve(name);
    if (!directory.equals(file.getParent())
        || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(name + " is not a file in it");
    }
    if (Files.size(file) > most) {
      throw new IOException(name + " has " + Files.size(file) + " bytes, expected less");
    }
    return file;
  }

  private static String sumLine(byte[] bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return hex(sum.getValue()) + "  " + MANIFEST + "\n";
  }

  private static long checksum(Path file) throws IOException {
    CRC32C sum = new CRC32C();
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sum.update(buffer, 0, n);
      }
    }
    return sum.getValue();
  }

  private static String hex(long checksum) {
    return String.format(Locale.ROOT, "%08x", checksum);
  }
}
