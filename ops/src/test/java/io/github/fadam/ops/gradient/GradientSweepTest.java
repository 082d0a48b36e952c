package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Asks TensorFlow for the gradient of every operation that has one, by every input, also straight
 * by a {@code VariableV2}, in child processes: whatever ends the process or throws, the check must
 * refuse; where no gradient comes back, the check must know.
 */
class GradientSweepTest {

  @TempDir Path temporary;

  /** One case: what the check said and what TensorFlow did, one entry for each output. */
  private record Outcome(String key, List<String> checks, List<String> found) {
    private Outcome(String key) {
      this(key, new ArrayList<>(), new ArrayList<>());
    }

    String type() {
      return key.substring(0, key.indexOf('/'));
    }
  }

  /** All dtypes with {@code -Dfadam.full}: a minute more. */
  static Stream<String> dtypes() {
    Stream<String> always = Stream.of("DT_FLOAT DT_INT32", "DT_DOUBLE DT_INT64");
    return System.getProperty("fadam.full") == null
        ? always
        : Stream.concat(always, Stream.of("DT_HALF DT_INT64", "DT_BFLOAT16 DT_INT32"));
  }

  @ParameterizedTest
  @MethodSource("dtypes")
  void whatFailsIsRefused(String dtypes) throws IOException, InterruptedException {
    List<Outcome> outcomes = sweep(dtypes);
    List<String> defects = new ArrayList<>();
    Set<String> unbuildable = new TreeSet<>();
    Set<String> crashed = new TreeSet<>();
    for (Outcome outcome : outcomes) {
      if (outcome.found().contains("UNBUILDABLE")) {
        unbuildable.add(outcome.type());
        continue;
      }
      for (int i = 0; i < outcome.checks().size(); i++) {
        String check = outcome.checks().get(i);
        String found = i < outcome.found().size() ? outcome.found().get(i) : "CRASH";
        if (found.equals("CRASH")) {
          crashed.add(outcome.type());
        }
        if (!agree(outcome.type(), check, found)) {
          defects.add(outcome.key() + " output " + i + ": check " + check + ", found " + found);
        }
      }
    }
    assertTrue(
        defects.isEmpty(),
        () ->
            defects.size()
                + " defects:\n"
                + String.join("\n", defects.subList(0, Math.min(20, defects.size()))));
    assertTrue(outcomes.size() > 800, "only " + outcomes.size() + " cases");
    assertTrue(crashed.contains("Square"), "the sweep would not see a crash: " + crashed);
    assertTrue(
        Set.of("PartitionedCall", "QuantizeAndDequantize", "StatefulPartitionedCall")
            .containsAll(unbuildable),
        "not examined: " + unbuildable);
  }

  private static boolean agree(String type, String check, String found) {
    return switch (check) {
      case "REFUSED" -> failsWherever(found) || OpConditions.has(type);
      case "REACHED" -> found.equals("GRADIENT");
      // Nothing is asked of TensorFlow for it; ours give zeros where TensorFlow gives none.
      case "UNREACHED" -> !found.equals("GRADIENT") || BuiltInGradients.ALL.containsKey(type);
      default -> false;
    };
  }

  private static boolean failsWherever(String found) {
    return found.equals("CRASH") || found.startsWith("THROWN");
  }

  private List<Outcome> sweep(String dtypes) throws IOException, InterruptedException {
    List<Outcome> outcomes = new ArrayList<>();
    String last = null;
    while (true) {
      boolean done = runChild(dtypes, last, outcomes);
      if (done) {
        return outcomes;
      }
      String reached = outcomes.isEmpty() ? null : outcomes.get(outcomes.size() - 1).key();
      assertTrue(reached != null && !reached.equals(last), "the child makes no progress");
      last = reached;
    }
  }

  private boolean runChild(String dtypes, String after, List<Outcome> outcomes)
      throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Stream.concat(
                        Stream.of(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "-Xmx512m",
                            "-XX:TieredStopAtLevel=1",
                            "-XX:-CreateCoredumpOnCrash",
                            "-XX:ErrorFile=" + temporary.resolve("crash-%p.log"),
                            "-cp",
                            System.getProperty(
                                "surefire.test.class.path", System.getProperty("java.class.path")),
                            GradientSweep.class.getName()),
                        Stream.concat(Stream.of(dtypes.split(" ", -1)), Stream.ofNullable(after)))
                    .toList())
            .redirectError(Files.createTempFile(temporary, "stderr", ".txt").toFile())
            .start();
    boolean done = false;
    try (BufferedReader lines = child.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String rest = line.substring(line.indexOf(' ') + 1);
        if (line.startsWith("CASE ")) {
          outcomes.add(new Outcome(rest));
        } else if (line.startsWith("CHECK ")) {
          outcomes.get(outcomes.size() - 1).checks().add(rest);
        } else if (line.startsWith("FOUND ") || line.equals("UNBUILDABLE")) {
          outcomes.get(outcomes.size() - 1).found().add(rest);
        }
        done |= line.equals("DONE");
      }
    } finally {
      child.destroyForcibly();
    }
    child.waitFor();
    return done;
  }
}
