package io.github.fadam.examples.demo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Losses of several runs, step by step, as a picture and as numbers. */
final class LossCurves {

  private LossCurves() {}

  /** One line a step: its number and the loss of each run. */
  static void writeCsv(Path file, Map<String, List<Double>> losses) throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("step," + String.join(",", losses.keySet()));
    int steps = losses.values().stream().mapToInt(List::size).max().orElse(0);
    for (int step = 0; step < steps; step++) {
      StringBuilder line = new StringBuilder().append(step + 1);
      for (List<Double> run : losses.values()) {
        line.append(',').append(step < run.size() ? run.get(step).toString() : "");
      }
      lines.add(line.toString());
    }
    Files.write(file, lines);
  }

  /**
   * Draws the curves, smoothed over some steps.
   *
   * @throws IOException if the file cannot be written
   * @throws LinkageError if this Java cannot draw, as those without fonts or AWT
   */
  static void writePng(Path file, Map<String, List<Double>> losses, int window) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(500)
            .title("Fine-tuning on the new images")
            .xAxisTitle("step")
            .yAxisTitle(String.format(Locale.ROOT, "loss, mean over %d steps", window))
            .build();
    losses.forEach(
        (name, run) -> {
          List<Double> smooth = smooth(run, window);
          double[] steps = IntStream.rangeClosed(1, smooth.size()).asDoubleStream().toArray();
          double[] values = smooth.stream().mapToDouble(Double::doubleValue).toArray();
          chart.addSeries(name, steps, values).setMarker(SeriesMarkers.NONE);
        });
    try (OutputStream out = Files.newOutputStream(file)) {
      BitmapEncoder.saveBitmap(chart, out, BitmapEncoder.BitmapFormat.PNG);
    }
  }

  private static List<Double> smooth(List<Double> run, int window) {
    List<Double> smooth = new ArrayList<>();
    for (int i = 0; i < run.size(); i++) {
      smooth.add(
          run.subList(Math.max(0, i + 1 - window), i + 1).stream()
              .mapToDouble(Double::doubleValue)
              .average()
              .orElseThrow());
    }
    return smooth;
  }
}
