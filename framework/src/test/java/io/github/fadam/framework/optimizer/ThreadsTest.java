package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * A column of the {@link PropertyTable}: the update gives the same bits with any number of threads,
 * and a whole step with the same number. TensorFlow's pool for the work inside an operation is one
 * a process, the first session's: every thread count is a process of its own, with all rows.
 */
class ThreadsTest {

  private static final List<Integer> THREADS = List.of(1, 2, 3, 8);

  @Test
  void updatesHaveTheSameBitsWithAnyNumberOfThreadsAndWholeStepsOnARerun() throws Exception {
    Map<Integer, Map<String, String>> found = new TreeMap<>();
    for (int threads : THREADS) {
      found.put(threads, digests(threads));
    }
    assertEquals(found.get(3), digests(3), "a rerun, whole steps too");
    found.get(1).keySet().stream()
        .filter(key -> !key.equals(UpdateDigest.FULL_SUM))
        .filter(key -> !key.startsWith(UpdateDigest.WHOLE_STEP))
        .forEach(key -> assertEquals(1, distinct(found, key).size(), key + ": " + found));
    // The case that breaks it: the same data, summed by TensorFlow's own sum over everything.
    assertTrue(
        distinct(found, UpdateDigest.FULL_SUM).size() > 1,
        () ->
            "the full sum does not depend on the threads here, so this test shows nothing: "
                + found);
  }

  private static Set<String> distinct(Map<Integer, Map<String, String>> found, String key) {
    return new HashSet<>(found.values().stream().map(digests -> digests.get(key)).toList());
  }

  private static Map<String, String> digests(int threads) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                UpdateDigest.class.getName(),
                Integer.toString(threads))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(child.waitFor(5, TimeUnit.MINUTES));
    assertEquals(0, child.exitValue(), output);
    Map<String, String> digests =
        output
            .lines()
            .map(line -> line.split(" "))
            .collect(Collectors.toMap(parts -> parts[0], parts -> parts[1]));
    assertTrue(digests.size() >= UpdateDigest.AT_LEAST, output);
    return digests;
  }
}
