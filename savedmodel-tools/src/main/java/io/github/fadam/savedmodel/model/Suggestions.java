package io.github.fadam.savedmodel.model;

import io.github.fadam.framework.group.NearNames;
import java.util.Collection;
import java.util.List;

/** Finds what somebody may have meant by a name that does not exist. */
public final class Suggestions {

  private Suggestions() {}

  /**
   * The names that are closest to a misspelt one.
   *
   * @param wanted the name that was asked for
   * @param known the names that exist
   * @return at most three, the closest first: those that differ by few letters, or contain the
   *     wanted name, or are contained in it; case does not count
   */
  public static List<String> near(String wanted, Collection<String> known) {
    return NearNames.near(wanted, known);
  }

  /**
   * The same as the end of a message.
   *
   * @param wanted the name that was asked for
   * @param known the names that exist
   * @return for example {@code "; did you mean 'a' or 'b'?"}, empty when nothing is near
   */
  public static String didYouMean(String wanted, Collection<String> known) {
    return NearNames.didYouMean(wanted, known);
  }
}
