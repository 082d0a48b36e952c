package io.github.fadam.framework.group;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Selects variables by name with a glob.
 *
 * <ul>
 *   <li>{@code *} stands for any number of characters, {@code /} included; {@code ?} for exactly
 *       one; everything else for itself.
 *   <li>The pattern has to match from the start of any path segment to the end of the name: {@code
 *       head/*} and {@code kernel} both match {@code sequential/head/kernel}, {@code head} and
 *       {@code ead/*} do not.
 *   <li>A pattern that begins with {@code /} matches from the start of the name only: {@code
 *       /head/*} matches {@code head/kernel}, not {@code sequential/head/kernel}.
 *   <li>Where variables share a name, a checkpoint path is appended to it ({@code kernel@ks/0}). A
 *       pattern may leave it out, and then matches all of them, or spell it ({@code kernel@ks/0}).
 * </ul>
 *
 * @see #of(String)
 */
public final class NamePattern {

  private static final int MOST_LISTED = 20;

  private final String glob;
  private final Pattern regex;

  private NamePattern(String glob, Pattern regex) {
    this.glob = glob;
    this.regex = regex;
  }

  /**
   * Compiles a pattern.
   *
   * @param glob the pattern, see above
   * @return the compiled pattern
   * @throws IllegalArgumentException if {@code glob} selects nothing: it is blank or only {@code /}
   */
  public static NamePattern of(String glob) {
    if (glob.isBlank() || glob.equals("/")) {
      throw new IllegalArgumentException(
          "Expected a pattern for variable names, found '"
              + glob
              + "'; give a name, a glob such as 'head/*', or '*' for all variables.");
    }
    boolean anchored = glob.startsWith("/");
    StringBuilder expression = new StringBuilder(anchored ? "" : "(?:[^@]*/)?");
    glob.codePoints()
        .skip(anchored ? 1 : 0)
        .forEach(
            character -> {
              switch (character) {
                case '*' -> expression.append(".*");
                case '?' -> expression.append('.');
                default -> expression.append(Pattern.quote(Character.toString(character)));
              }
            });
    expression.append("(?:@.*)?");
    return new NamePattern(glob, Pattern.compile(expression.toString(), Pattern.DOTALL));
  }

  /**
   * The items whose names match at least one of some patterns.
   *
   * @param items what to select from
   * @param name from an item to its name
   * @param globs the patterns
   * @param <V> type of the items
   * @return the selected items in their own order, each once
   * @throws IllegalArgumentException if a pattern matches nothing, with names there are and those
   *     that are near
   */
  public static <V> List<V> select(
      Collection<V> items, Function<V, String> name, Collection<String> globs) {
    List<NamePattern> patterns = globs.stream().map(NamePattern::of).toList();
    for (NamePattern pattern : patterns) {
      if (items.stream().noneMatch(item -> pattern.matches(name.apply(item)))) {
        throw noMatch(pattern, items.stream().map(name).toList());
      }
    }
    return items.stream()
        .filter(item -> patterns.stream().anyMatch(p -> p.matches(name.apply(item))))
        .toList();
  }

  /** Says which names a pattern may have meant: those it is near to from any segment on. */
  static IllegalArgumentException noMatch(NamePattern pattern, List<String> names) {
    Set<String> parts = new LinkedHashSet<>();
    for (String name : names) {
      parts.add(name);
      for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
        parts.add(name.substring(slash + 1));
      }
    }
    String listed =
        names.stream().limit(MOST_LISTED).collect(Collectors.joining(", "))
            + (names.size() > MOST_LISTED ? " and " + (names.size() - MOST_LISTED) + " more" : "");
    return new IllegalArgumentException(
        "Pattern '"
            + pattern
            + "' matches no variable; there are "
            + listed
            + NearNames.didYouMean(pattern.glob, parts));
  }

  /**
   * Whether a variable is meant.
   *
   * @param name the variable's name
   * @return true if the pattern matches from the start of one of the name's segments to its end
   */
  public boolean matches(String name) {
    return regex.matcher(name).matches();
  }

  /**
   * The pattern as it was given.
   *
   * @return the glob
   */
  @Override
  public String toString() {
    return glob;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NamePattern pattern && glob.equals(pattern.glob);
  }

  @Override
  public int hashCode() {
    return glob.hashCode();
  }
}
