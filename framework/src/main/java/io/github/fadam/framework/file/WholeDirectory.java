package io.github.fadam.framework.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes a directory that is either whole or absent, whenever the process or the machine stops.
 *
 * <p>The content is written to a hidden directory beside the target ({@code .NAME.ID.partial}),
 * every file and directory is forced to disk, then one atomic rename makes the target appear. An
 * error on the way removes the hidden directory; a process that was killed may leave it, and it may
 * be deleted at any time. When a target is replaced, the old one is renamed to {@code .NAME.ID.old}
 * first and deleted last.
 */
public final class WholeDirectory {

  /** Writes the content. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes everything into a directory.
     *
     * @param directory an empty directory
     * @throws IOException if something cannot be written; nothing is left then
     */
    void writeTo(Path directory) throws IOException;
  }

  private static final boolean WINDOWS =
      System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");

  private WholeDirectory() {}

  /**
   * Writes a directory.
   *
   * @param target where it shall appear; missing parents are made
   * @param overwrite whether an existing directory may be replaced
   * @param content writes the files
   * @throws FileAlreadyExistsException if the target exists and may not be replaced, or is no
   *     directory; nothing has been written then
   * @throws IOException if something cannot be written: the target is as it was before
   */
  public static void write(Path target, boolean overwrite, Content content) throws IOException {
    Path whole = target.toAbsolutePath().normalize();
    requireFree(whole, overwrite);
    if (whole.getFileName() == null || whole.getParent() == null) {
      throw new IOException("Expected a directory to write to, found " + whole + ".");
    }
    createParents(whole.getParent());
    String hidden = "." + whole.getFileName() + "." + UUID.randomUUID();
    Path partial = whole.resolveSibling(hidden + ".partial");
    try {
      Files.createDirectory(partial);
      content.writeTo(partial);
      force(partial);
      publish(partial, whole, overwrite, whole.resolveSibling(hidden + ".old"));
    } catch (IOException | RuntimeException | Error e) {
      try {
        delete(partial);
      } catch (IOException leftover) {
        e.addSuppressed(leftover);
      }
      throw e;
    }
  }

  /**
   * Checks whether {@link #write} would find its target free, for those who want to know before.
   *
   * @param target where a directory shall appear
   * @param overwrite whether an existing directory may be replaced
   * @throws FileAlreadyExistsException if the target exists and may not be replaced, or is no
   *     directory
   * @throws IOException if the place cannot be looked at
   */
  public static void requireFree(Path target, boolean overwrite) throws IOException {
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!overwrite) {
      throw new FileAlreadyExistsException(
          target.toString(),
          null,
          "expected nothing there; choose another directory or allow overwriting (--overwrite)");
    }
    if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(
          target.toString(),
          null,
          "expected a directory to replace, found a file or a link; choose another directory");
    }
  }

  /**
   * Removes a directory so that it is whole or gone: it is renamed to a hidden name first.
   *
   * @param target the directory; nothing happens if it does not exist
   * @throws IOException if it cannot be renamed or deleted
   */
  public static void remove(Path target) throws IOException {
    Path whole = target.toAbsolutePath().normalize();
    if (!Files.exists(whole, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Path aside = whole.resolveSibling("." + whole.getFileName() + "." + UUID.randomUUID() + ".old");
    Files.move(whole, aside, StandardCopyOption.ATOMIC_MOVE);
    delete(aside);
  }

  /**
   * Removes what killed processes left of writing directories: hidden directories that end in
   * {@code .partial} or {@code .old}. Nobody may be writing there meanwhile.
   *
   * @param parent the directory that holds the targets
   * @param prefix what the targets' names begin with
   * @throws IOException if something cannot be deleted
   */
  public static void removeLeftovers(Path parent, String prefix) throws IOException {
    List<Path> leftovers;
    try (Stream<Path> children = Files.list(parent)) {
      leftovers =
          children
              .filter(
                  child -> {
                    String name = child.getFileName().toString();
                    return name.startsWith("." + prefix)
                        && (name.endsWith(".partial") || name.endsWith(".old"));
                  })
              .toList();
    }
    for (Path leftover : leftovers) {
      delete(leftover);
    }
  }

  private static void createParents(Path parent) throws IOException {
    try {
      Files.createDirectories(parent);
    } catch (IOException e) {
      throw new IOException(
          "Expected a directory that can be written to at "
              + parent
              + ", could not make it ("
              + e
              + "); choose another place.",
          e);
    }
  }

  private static void publish(Path partial, Path target, boolean overwrite, Path aside)
      throws IOException {
    boolean replaced = false;
    requireFree(target, overwrite);
    if (overwrite && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      Files.move(target, aside, StandardCopyOption.ATOMIC_MOVE);
      replaced = true;
    }
    try {
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      restore(replaced, aside, target, e);
      throw new IOException(
          "Expected a file system that can rename a directory in one step at "
              + target.getParent()
              + "; choose a place on another file system.",
          e);
    } catch (IOException | RuntimeException e) {
      restore(replaced, aside, target, e);
      throw e;
    }
    forceOne(target.getParent());
    if (replaced) {
      delete(aside);
    }
  }

  private static void restore(boolean replaced, Path aside, Path target, Exception reason) {
    if (replaced) {
      try {
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        reason.addSuppressed(e);
      }
    }
  }

  /** Forces every file and every directory below, and the directory itself, to disk. */
  private static void force(Path directory) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(directory)) {
      all = walk.collect(Collectors.toCollection(ArrayList::new));
    }
    Collections.reverse(all);
    for (Path path : all) {
      forceOne(path);
    }
  }

  private static void forceOne(Path path) throws IOException {
    boolean isDirectory = Files.isDirectory(path);
    if (isDirectory && WINDOWS) {
      return; // Windows has no handle of a directory to force
    }
    try (FileChannel channel =
        FileChannel.open(path, WINDOWS ? StandardOpenOption.WRITE : StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException error)
              throws IOException {
            if (error != null) {
              throw error;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
