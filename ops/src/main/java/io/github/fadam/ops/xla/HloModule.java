package io.github.fadam.ops.xla;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A module of optimized HLO, the code that XLA makes machine code of.
 *
 * @param name the module's name, which begins with that of the compiled function's cluster
 * @param text the module as XLA writes it
 */
public record HloModule(String name, String text) {

  private static final Pattern ALIAS =
      Pattern.compile("\\{\\d*\\}: \\(\\d+, \\{\\d*\\}, (?:may|must)-alias\\)");
  private static final Pattern FUSION = Pattern.compile("(?m)^\\s.* fusion\\(");
  private static final Pattern INSTRUCTION = Pattern.compile("(?m)^\\s+\\S.* = ");
  private static final Pattern TRANSFER =
      Pattern.compile("(?m)^\\s.* (infeed|outfeed|send|recv|send-done|recv-done)\\(.*$");

  /**
   * Pairs of an argument and a result that share one buffer: a variable that is updated in place
   * gives one.
   *
   * @return the pairs as XLA writes them
   */
  public List<String> aliases() {
    int from = text.indexOf("input_output_alias=");
    int to = text.indexOf('\n');
    return from < 0 || from > to ? List.of() : all(ALIAS, text.substring(from, to));
  }

  /**
   * Number of fusions: groups of operations that go over memory once.
   *
   * @return the number, nested ones counted too
   */
  public int fusions() {
    return all(FUSION, text).size();
  }

  /**
   * Number of instructions: what a step computes, and what it takes to compile, grow with it.
   *
   * @return the number, those inside fusions counted once for each fusion
   */
  public int instructions() {
    return all(INSTRUCTION, text).size();
  }

  /**
   * Operations that wait for the host in the middle of the module.
   *
   * @return their lines; empty where everything runs on the device
   */
  public List<String> hostTransfers() {
    return all(TRANSFER, text);
  }

  private static List<String> all(Pattern pattern, String in) {
    List<String> found = new ArrayList<>();
    Matcher matcher = pattern.matcher(in);
    while (matcher.find()) {
      found.add(matcher.group().strip());
    }
    return found;
  }
}
