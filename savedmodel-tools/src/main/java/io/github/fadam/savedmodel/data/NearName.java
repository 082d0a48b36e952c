package io.github.fadam.savedmodel.data;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** Finds the name that was probably meant. */
final class NearName {

  private NearName() {}

  /** The end of a message about an unknown name. */
  static String hint(String unknown, Collection<String> known) {
    return nearest(unknown, known)
        .map(near -> "did you mean " + near + "? ")
        .orElse("")
        .concat(
            known.isEmpty() ? "there is none." : "There are: " + String.join(", ", known) + ".");
  }

  /** The known name nearest to an unknown one, if one is near enough to be a slip. */
  static Optional<String> nearest(String unknown, Collection<String> known) {
    String wanted = unknown.toLowerCase(Locale.ROOT);
    return known.stream()
        .filter(
            name -> {
              String candidate = name.toLowerCase(Locale.ROOT);
              int shorter = Math.min(wanted.length(), candidate.length());
              return distance(wanted, candidate) <= Math.max(1, shorter / 3)
                  || (shorter >= 3 && (candidate.contains(wanted) || wanted.contains(candidate)));
            })
        .min(Comparator.comparingInt(name -> distance(wanted, name.toLowerCase(Locale.ROOT))));
  }

  /** Levenshtein's edit distance. */
  private static int distance(String a, String b) {
    int[] previous = IntStream.rangeClosed(0, b.length()).toArray();
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(substitute, 1 + Math.min(previous[j], current[j - 1]));
      }
      previous = current;
    }
    return previous[b.length()];
  }
}
