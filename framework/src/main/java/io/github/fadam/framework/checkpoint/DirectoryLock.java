package io.github.fadam.framework.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Holds a directory for one writer. The operating system frees it when the process ends, however it
 * ends; the file {@code .lock} stays, for removing it could free another's lock.
 */
final class DirectoryLock implements AutoCloseable {

  private static final String NAME = ".lock";

  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  static DirectoryLock of(Path directory) throws IOException {
    Path file = directory.resolve(NAME);
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (!locked(channel)) {
        throw new CheckpointException(
            "Expected a checkpoint directory that nobody else writes to, found "
                + directory
                + " in use by "
                + holder(file)
                + "; end that run, or choose another directory.");
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              ("process " + ProcessHandle.current().pid()).getBytes(StandardCharsets.UTF_8)));
      return new DirectoryLock(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // this process holds it
    }
  }

  private static String holder(Path file) throws IOException {
    String holder = Files.readString(file);
    return holder.isEmpty() ? "another process" : holder;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
