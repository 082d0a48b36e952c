package io.github.fadam.savedmodel.cli;

/**
 * Adds a subcommand to the command line, found with {@link java.util.ServiceLoader}.
 *
 * <p>An implementation is named in {@code
 * META-INF/services/io.github.fadam.savedmodel.cli.CommandProvider} and has a public constructor
 * without parameters.
 */
public interface CommandProvider {

  /**
   * The subcommand.
   *
   * @return a new object whose class is annotated with {@link picocli.CommandLine.Command} and is a
   *     {@link java.util.concurrent.Callable} of an exit code (0 done, 1 failed, from 3 on the
   *     command's own) or a {@link Runnable}; what it throws becomes one line on standard error and
   *     exit code 1, or 2 for a {@link picocli.CommandLine.ParameterException}
   */
  Object command();
}
