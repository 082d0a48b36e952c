package io.github.fadam.savedmodel.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Interrupts the thread that made it when the process is asked to end (SIGTERM, Ctrl-C), and holds
 * the end up until it is closed, for a minute at most.
 */
final class InterruptAtShutdown implements AutoCloseable {

  private static final long SECONDS = 60;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook;

  InterruptAtShutdown() {
    Thread working = Thread.currentThread();
    hook = new Thread(() -> end(working), "interrupt-at-shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void end(Thread working) {
    working.interrupt();
    try {
      boolean inTime = closed.await(SECONDS, TimeUnit.SECONDS);
      if (!inTime) {
        System.err.println("The step took longer than " + SECONDS + " s; nothing was saved.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // the process is ending
    }
  }
}
