package io.github.fadam.savedmodel.cli;

import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line {@code fadam}: the main class, and what all subcommands share. */
@Command(
    name = "fadam",
    description = {
      "Fine-tunes TensorFlow SavedModels from Java with FAdam, and looks into them.",
      "A SavedModel is never changed: results are written to a directory of their own."
    },
    subcommands = {
      InspectCommand.class,
      FinetuneCommand.class,
      EvaluateCommand.class,
      HloCommand.class,
      DoctorCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = FadamCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nFirst steps:%n",
    footer = {
      "  fadam inspect MODEL       what the model takes, gives and holds",
      "  fadam finetune --help     how to train it on your data",
      "  fadam doctor              whether TensorFlow works on this machine",
      "",
      "Exit codes: 0 done, 1 failed, 2 bad usage.",
      "TensorFlow's own log is quiet; FADAM_LOG=debug in the environment shows it."
    })
public final class FadamCommand implements Runnable {

  /** Exit code of a command that failed. */
  public static final int FAILED = 1;

  /** Exit code of a command line that was not understood. */
  public static final int BAD_USAGE = 2;

  private static final String STANDARD_ERROR = "fadam.stderr";

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of an error.")
  private boolean verbose;

  @Spec private CommandSpec spec;

  private FadamCommand() {}

  /**
   * Runs one command and exits with 0 (done), 1 (failed) or 2 (bad usage).
   *
   * @param args the command's name and its arguments
   */
  public static void main(String[] args) {
    passTheLogFilter();
    Charset charset = Charset.defaultCharset();
    PrintWriter out = new PrintWriter(System.out, true, charset);
    PrintWriter err = new PrintWriter(System.err, true, charset);
    int exitCode = run(out, err, args);
    out.flush();
    err.flush();
    System.exit(exitCode);
  }

  /**
   * Runs one command without exiting.
   *
   * @param out where results go
   * @param err where errors and progress go
   * @param args the command's name and its arguments
   * @return 0 (done), 1 (failed) or 2 (bad usage)
   */
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    FadamCommand command = new FadamCommand();
    CommandLine line = new CommandLine(command);
    for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
      line.addSubcommand(provider.command());
    }
    line.setOut(out)
        .setErr(err)
        .setParameterExceptionHandler((e, ignored) -> badUsage(e))
        .setExecutionExceptionHandler((e, failed, parsed) -> command.failed(e, failed.getErr()));
    try {
      return line.execute(args);
    } catch (LinkageError e) {
      return command.failed(
          new IllegalStateException(
              "Expected TensorFlow's native library, found none that loads here ("
                  + e
                  + "); 'fadam doctor' says more.",
              e),
          err);
    } catch (OutOfMemoryError e) {
      return command.failed(
          new IllegalStateException(
              "Expected the data and the model to fit into memory, found too little ("
                  + e.getMessage()
                  + "); use less data, or more memory: JAVA_OPTS=-Xmx8g fadam ...",
              e),
          err);
    }
  }

  /** Without a subcommand. */
  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Expected a command, found none.");
  }

  /**
   * The launcher filters what TensorFlow's native side writes to standard error, and says where
   * standard error itself is.
   */
  private static void passTheLogFilter() {
    String path = System.getProperty(STANDARD_ERROR);
    if (path != null) {
      try {
        System.setErr(
            new PrintStream(new FileOutputStream(path, true), true, Charset.defaultCharset()));
      } catch (FileNotFoundException e) {
        System.setProperty(STANDARD_ERROR, "not used: " + e.getMessage());
      }
    }
  }

  private static int badUsage(ParameterException e) {
    CommandLine line = e.getCommandLine();
    PrintWriter err = line.getErr();
    err.println(oneLine(e.getMessage()));
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
      err.println("Try '" + line.getCommandSpec().qualifiedName() + " --help'.");
    }
    return BAD_USAGE;
  }

  private int failed(Exception e, PrintWriter err) {
    if (verbose) {
      e.printStackTrace(err);
    }
    String message = e.getMessage();
    err.println(
        message == null || message.isBlank()
            ? "Failed with " + e.getClass().getName() + "; run again with --verbose to see where."
            : oneLine(message));
    return FAILED;
  }

  /** One line, or one for each of several problems. */
  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*(?!\\s|- )", " ");
  }

  /** The version of this build. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"fadam " + current()};
    }

    static String current() {
      String version = FadamCommand.class.getPackage().getImplementationVersion();
      return version == null ? "(built from classes, not from a jar)" : version;
    }
  }
}
