package io.github.fadam.examples.demo;

import io.github.fadam.savedmodel.cli.CommandProvider;

/** Adds {@code demo} to the command line. */
public final class DemoProvider implements CommandProvider {

  /** For the service loader. */
  public DemoProvider() {}

  @Override
  public Object command() {
    return new DemoCommand();
  }
}
