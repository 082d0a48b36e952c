package io.github.fadam.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;

/**
 * Writes the figures of {@link UpdateSpeed} and of the peers into the page of benchmarks, between
 * its two markers, and draws how the time grows.
 */
public final class UpdatePage {

  private static final String BEGIN = "<!-- updates: written by UpdatePage -->\n";
  private static final String END = "<!-- end of updates -->\n";
  private static final String PICTURE = "updates.png";

  private final ObjectMapper json = new ObjectMapper();
  private final Path results;

  private UpdatePage(Path results) {
    this.results = results;
  }

  /**
   * Writes.
   *
   * @param arguments the page, and the folder of {@code updates.json} and {@code peers-*.json},
   *     which the picture is put into
   * @throws IOException if a file is missing or cannot be written
   */
  public static void main(String[] arguments) throws IOException {
    Path page = Path.of(arguments[0]);
    UpdatePage made = new UpdatePage(Path.of(arguments[1]));
    String text = Files.readString(page);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException("Expected " + BEGIN + END + "in " + page);
    }
    String section = made.section();
    Files.writeString(
        page, text.substring(0, begin + BEGIN.length()) + section + text.substring(end));
  }

  private String section() throws IOException {
    List<UpdateTime> times =
        List.of(json.readValue(results.resolve("updates.json").toFile(), UpdateTime[].class));
    List<UpdateTime> growth = times.stream().filter(time -> time.set().isSize()).toList();
    draw(growth);
    return sets(times)
        + "\nVariables of other types:\n\n"
        + table(times, time -> !time.set().isSize() && !time.type().equals("float32"))
        + "\nHow the time grows with the number of parameters of one matrix, ms:\n\n"
        + growth(growth)
        + "\n![Time of an update by the number of parameters](results/"
        + PICTURE
        + ")\n\nPyTorch and JAX on the same variables, in turns with each other, ms, and in brackets as a"
        + " multiple of\nnative FAdam's time on this page:\n\n"
        + peers(times);
  }

  private static String sets(List<UpdateTime> times) {
    double[] bandwidths = times.stream().mapToDouble(UpdateTime::bandwidth).sorted().toArray();
    return format(
            "Memory moved %.0f GB/s in the loops of `MemoryStreams` (median of %d sets; %.0f to %.0f).\n\n",
            bandwidths[bandwidths.length / 2],
            times.stream().map(time -> time.set() + time.type()).distinct().count(),
            bandwidths[0],
            bandwidths[bandwidths.length - 1])
        + table(times, time -> !time.set().isSize() && time.type().equals("float32"));
  }

  private static String table(List<UpdateTime> times, Predicate<UpdateTime> shown) {
    StringBuilder table =
        new StringBuilder(
            """
            | variables | contestant | ms | least | moved, GB | GB/s | of memory's time | of ResourceApplyAdam's |
            | --- | --- | --- | --- | --- | --- | --- | --- |
            """);
    times.stream()
        .filter(shown)
        .forEach(
            time -> {
              double moved = time.bytes() * (double) time.elements() / 1e9;
              table.append(
                  format(
                      "| %s, %s, %.1fM | %s | %.2f | %.2f | %.2f | %.1f | %.2f | %s |\n",
                      time.variables(),
                      time.type(),
                      time.elements() / 1e6,
                      time.contestant().label(),
                      time.median(),
                      time.least(),
                      moved,
                      moved / time.median() * 1e3,
                      time.ofMemory(),
                      time.ofAdam() == 0 ? "" : format("%.2f", time.ofAdam())));
            });
    return table.toString();
  }

  private static List<Contestant> contestants(List<UpdateTime> times) {
    return Arrays.stream(Contestant.values())
        .filter(one -> times.stream().anyMatch(time -> time.contestant() == one))
        .toList();
  }

  private static String growth(List<UpdateTime> times) {
    List<Contestant> contestants = contestants(times);
    StringBuilder table = new StringBuilder("| parameters |");
    contestants.forEach(one -> table.append(' ').append(one.label()).append(" |"));
    table.append("\n| --- |").append(" --- |".repeat(contestants.size())).append('\n');
    times.stream()
        .map(UpdateTime::set)
        .distinct()
        .sorted()
        .forEach(
            set -> {
              table.append(format("| %.0e |", (double) set.elements()));
              contestants.forEach(
                  one ->
                      table.append(
                          times.stream()
                              .filter(time -> time.set() == set && time.contestant() == one)
                              .findFirst()
                              .map(time -> format(" %.3g |", time.median()))
                              .orElse(" |")));
              table.append('\n');
            });
    return table.toString();
  }

  private void draw(List<UpdateTime> times) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(500)
            .title("One update of one float32 matrix")
            .xAxisTitle("parameters")
            .yAxisTitle("ms")
            .build();
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
    for (Contestant contestant : contestants(times)) {
      List<UpdateTime> own =
          times.stream().filter(time -> time.contestant() == contestant).sorted(bySize()).toList();
      chart.addSeries(
          contestant.label(),
          own.stream().mapToDouble(UpdateTime::elements).toArray(),
          own.stream().mapToDouble(UpdateTime::median).toArray());
    }
    try (OutputStream out = Files.newOutputStream(results.resolve(PICTURE))) {
      BitmapEncoder.saveBitmap(chart, out, BitmapEncoder.BitmapFormat.PNG);
    }
  }

  private static Comparator<UpdateTime> bySize() {
    return Comparator.comparingLong(UpdateTime::elements);
  }

  private String peers(List<UpdateTime> times) throws IOException {
    List<JsonNode> reports = new ArrayList<>();
    try (Stream<Path> files = Files.list(results)) {
      files
          .filter(file -> file.getFileName().toString().matches("peers-.*\\.json"))
          .sorted()
          .forEach(file -> reports.add(read(file)));
    }
    List<String> names = new ArrayList<>();
    reports.forEach(
        report ->
            report
                .get("peers")
                .fieldNames()
                .forEachRemaining(
                    name -> {
                      if (!names.contains(name)) {
                        names.add(name);
                      }
                    }));
    StringBuilder table = new StringBuilder("| variables |");
    names.forEach(name -> table.append(" `").append(name).append("` |"));
    table.append("\n| --- |").append(" --- |".repeat(names.size())).append('\n');
    for (JsonNode report : reports) {
      VariableSet set = VariableSet.valueOf(report.get("set").asText().toUpperCase(Locale.ROOT));
      Optional<UpdateTime> own =
          times.stream()
              .filter(
                  time ->
                      time.set() == set
                          && time.type().equals("float32")
                          && time.contestant() == Contestant.FADAM_NATIVE)
              .findFirst();
      table.append("| ").append(set.label()).append(" |");
      for (String name : names) {
        double ms = report.get("peers").path(name).path("median_ms").asDouble();
        table.append(ms == 0 ? " |" : format(" %.2f%s |", ms, ratio(ms, own)));
      }
      table.append('\n');
    }
    String versions =
        reports.stream()
            .flatMap(report -> report.get("versions").properties().stream())
            .map(version -> version.getKey() + " " + version.getValue().asText())
            .distinct()
            .collect(Collectors.joining(", "));
    return table + "\nVersions: " + versions + ".\n";
  }

  private static String ratio(double ms, Optional<UpdateTime> own) {
    return own.map(time -> format(" (%.2f)", ms / time.median())).orElse("");
  }

  private JsonNode read(Path file) {
    try {
      return json.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
