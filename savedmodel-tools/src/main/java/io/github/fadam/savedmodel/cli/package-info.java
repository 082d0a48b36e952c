/**
 * The command line.
 *
 * <p>{@link io.github.fadam.savedmodel.cli.FadamCommand} is the main class; each subcommand is one
 * class. Other modules add subcommands through {@link
 * io.github.fadam.savedmodel.cli.CommandProvider}.
 */
package io.github.fadam.savedmodel.cli;
