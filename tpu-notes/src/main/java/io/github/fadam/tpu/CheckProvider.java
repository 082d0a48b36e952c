package io.github.fadam.tpu;

import io.github.fadam.savedmodel.cli.CommandProvider;

/** Adds {@code check} to the command line. */
public final class CheckProvider implements CommandProvider {

  /** For the service loader. */
  public CheckProvider() {}

  @Override
  public Object command() {
    return new CheckCommand();
  }
}
