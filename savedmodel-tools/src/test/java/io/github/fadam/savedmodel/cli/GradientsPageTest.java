package io.github.fadam.savedmodel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The list in docs/gradients.md is what {@code doctor --gradients} says, grouped. */
class GradientsPageTest {

  private static final Path PAGE = Path.of("../docs/gradients.md");
  private static final String MARK = "<!-- the list -->\n";

  private static final List<String> SOURCES =
      List.of("ours", "C++", "rewritten", "refused", "none needed");

  @Test
  void thePageListsWhatTheCommandLists() throws IOException {
    String page = Files.readString(PAGE);
    int start = page.indexOf(MARK) + MARK.length();
    String right = page.substring(0, start) + list();
    Path written = Files.writeString(Path.of("target/gradients.md"), right);
    assertEquals(right, page, "copy " + written + " to " + PAGE);
  }

  private static String list() {
    Map<String, List<GradientList.Line>> bySource =
        GradientList.lines().stream().collect(Collectors.groupingBy(GradientList.Line::source));
    StringBuilder text = new StringBuilder();
    for (String source : SOURCES) {
      List<GradientList.Line> lines = bySource.get(source);
      text.append("\n## ").append(source).append(": ").append(lines.size()).append("\n");
      Map<String, List<String>> byNote =
          lines.stream()
              .collect(
                  Collectors.groupingBy(
                      GradientList.Line::note,
                      TreeMap::new,
                      Collectors.mapping(GradientList.Line::op, Collectors.toList())));
      byNote.forEach(
          (note, ops) ->
              text.append("- ")
                  .append(note.isEmpty() ? "" : "**" + note.replaceFirst("\\.$", "") + "**: ")
                  .append(String.join(", ", ops))
                  .append("\n"));
    }
    return text.toString();
  }
}
