package io.github.fadam.framework.group;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Finds what somebody may have meant by a name that does not exist. */
public final class NearNames {

  private static final int MOST = 3;

  private NearNames() {}

  /**
   * The names that are closest to a misspelt one.
   *
   * @param wanted the name that was asked for
   * @param known the names that exist
   * @return at most three, the closest first: those that differ by few letters, or contain the
   *     wanted name, or are contained in it; case does not count
   */
  public static List<String> near(String wanted, Collection<String> known) {
    String key = wanted.toLowerCase(Locale.ROOT);
    record Candidate(String name, int distance) {}
    return known.stream()
        .distinct()
        .map(name -> new Candidate(name, distance(key, name.toLowerCase(Locale.ROOT))))
        .filter(
            candidate ->
                candidate.distance() <= Math.max(1, key.length() / 3)
                    || overlaps(key, candidate.name().toLowerCase(Locale.ROOT)))
        .sorted(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::name))
        .limit(MOST)
        .map(Candidate::name)
        .toList();
  }

  /**
   * The same as the end of a message.
   *
   * @param wanted the name that was asked for
   * @param known the names that exist
   * @return for example {@code "; did you mean 'a' or 'b'?"}, empty when nothing is near
   */
  public static String didYouMean(String wanted, Collection<String> known) {
    List<String> near = near(wanted, known);
    return near.isEmpty()
        ? ""
        : near.stream().collect(Collectors.joining("' or '", "; did you mean '", "'?"));
  }

  private static boolean overlaps(String wanted, String name) {
    return wanted.length() > 2
        && name.length() > 2
        && (name.contains(wanted) || wanted.contains(name));
  }

  /** Number of insertions, deletions, replacements and swaps of neighbours between two words. */
  private static int distance(String from, String to) {
    int[][] cost = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        boolean same = from.charAt(i - 1) == to.charAt(j - 1);
        int best = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
        best = Math.min(best, cost[i - 1][j - 1] + (same ? 0 : 1));
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          best = Math.min(best, cost[i - 2][j - 2] + 1);
        }
        cost[i][j] = best;
      }
    }
    return cost[from.length()][to.length()];
  }
}
