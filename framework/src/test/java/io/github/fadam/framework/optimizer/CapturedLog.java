package io.github.fadam.framework.optimizer;

import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What a class logs while this is open. */
final class CapturedLog extends Handler implements AutoCloseable {

  private final List<String> messages = new ArrayList<>();
  private final Logger logger;

  CapturedLog(Class<?> logs) {
    logger = Logger.getLogger(logs.getName());
    logger.addHandler(this);
    logger.setUseParentHandlers(false);
  }

  List<String> messages() {
    return messages;
  }

  @Override
  public void publish(LogRecord logged) {
    messages.add(
        logged.getParameters() == null
            ? logged.getMessage()
            : MessageFormat.format(logged.getMessage(), logged.getParameters()));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    logger.removeHandler(this);
    logger.setUseParentHandlers(true);
  }
}
