package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.training.Evaluation;
import io.github.fadam.savedmodel.training.History;
import io.github.fadam.savedmodel.training.TrainingListener;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows how a training run gets on: a bar with the loss where a person watches a terminal, else a
 * few lines.
 *
 * <pre>{@code
 * try (TrainingProgress progress = TrainingProgress.of("FAdam", err)) {
 *   tuner.fit(data, FitOptions.epochs(3).listener(progress));
 * }
 * }</pre>
 */
public final class TrainingProgress implements TrainingListener, AutoCloseable {

  /**
   * System property that is true where standard error is a terminal. The launcher knows, Java 17
   * cannot tell.
   */
  public static final String TERMINAL = "fadam.terminal";

  private static final int LINES = 10;
  private static final int BAR_MILLIS = 200;

  private final String task;
  private final PrintWriter lines;
  private final boolean terminal;
  private ProgressBar bar;
  private String validated = "";

  private TrainingProgress(String task, PrintWriter lines, boolean terminal) {
    this.task = task;
    this.lines = lines;
    this.terminal = terminal;
  }

  /**
   * Shows progress on the terminal if {@link #TERMINAL} says that there is one, else as lines.
   *
   * @param task what is being trained, a word or two
   * @param lines where lines go
   * @return the progress, to be closed after the run
   */
  public static TrainingProgress of(String task, PrintWriter lines) {
    return new TrainingProgress(task, lines, Boolean.getBoolean(TERMINAL));
  }

  /** Always as lines. */
  static TrainingProgress lines(String task, PrintWriter lines) {
    return new TrainingProgress(task, lines, false);
  }

  @Override
  public boolean onStep(Step step) {
    if (terminal) {
      if (bar == null) {
        bar =
            new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(step.totalSteps())
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(BAR_MILLIS)
                .setConsumer(new ConsoleProgressBarConsumer(System.err))
                .build();
      }
      bar.stepTo(step.step());
      bar.setExtraMessage(" loss " + number(step.loss()) + skipped(step) + validated);
      return true;
    }
    long every = Math.max(1, step.totalSteps() / LINES);
    if (step.step() % every == 0 || step.step() == step.totalSteps()) {
      lines.println(
          task
              + ": step "
              + step.step()
              + " of "
              + step.totalSteps()
              + ", loss "
              + number(step.loss())
              + skipped(step));
    }
    return true;
  }

  private static String skipped(Step step) {
    return step.skipped() == 0 ? "" : ", " + step.skipped() + " skipped";
  }

  @Override
  public boolean onEpoch(History.Epoch epoch) {
    epoch
        .validation()
        .ifPresent(
            validation -> {
              // Short, since a long message leaves no room for the bar.
              validated = ", held out " + number(validation.loss());
              if (!terminal) {
                lines.println(
                    task + ": epoch " + epoch.number() + ", validation " + text(validation));
              }
            });
    return true;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  /** Loss and metrics in one line. */
  static String text(Evaluation evaluation) {
    StringBuilder text = new StringBuilder("loss " + number(evaluation.loss()));
    evaluation
        .metrics()
        .forEach((name, value) -> text.append(", ").append(name).append(' ').append(number(value)));
    return text.toString();
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
