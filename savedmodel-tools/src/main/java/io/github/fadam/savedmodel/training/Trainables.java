package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Chooses the variables of a signature that are trained. */
final class Trainables {

  private Trainables() {}

  /**
   * What a user says about which variables train.
   *
   * @param trainable patterns that restrict training, where there are any
   * @param frozen patterns of what stays as it is
   * @param unfrozen patterns of what trains although the author froze it
   */
  record Choice(List<String> trainable, List<String> frozen, List<String> unfrozen) {

    /** A choice to be filled. */
    static Choice open() {
      return new Choice(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }
  }

  /**
   * The variables that the author meant to be trained and those that are unfrozen, that match a
   * trainable pattern where there are any, and no frozen one.
   *
   * @throws IllegalArgumentException if patterns match nothing, with all of them, or nothing is
   *     left
   */
  static List<ModelVariable> select(SavedModel model, String signatureKey, Choice choice) {
    List<ModelVariable> read = floating(model.variablesOf(signatureKey));
    if (!read.isEmpty()) {
      Refusals.all(checks(read, choice));
    }
    List<ModelVariable> unfrozen = matching(read, choice.unfrozen());
    List<ModelVariable> meant =
        read.stream().filter(v -> v.trainable() || unfrozen.contains(v)).toList();
    if (meant.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one trainable variable, but signature "
              + signatureKey
              + (read.isEmpty()
                  ? " reads no floating point variable; is it the right signature?"
                  : " reads only variables that the model's author froze: "
                      + names(read)
                      + "; say which to train all the same with --unfreeze GLOB (unfreeze)."));
    }
    Refusals.all(
        choice.trainable().stream().map(pattern -> requireMeant(pattern, read, meant)).toList());
    List<ModelVariable> wanted =
        choice.trainable().isEmpty() ? meant : matching(meant, choice.trainable());
    List<ModelVariable> kept = matching(read, choice.frozen());
    List<ModelVariable> selected = wanted.stream().filter(v -> !kept.contains(v)).toList();
    if (selected.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one variable to train, but the frozen patterns "
              + String.join(", ", choice.frozen())
              + " cover all of "
              + names(wanted));
    }
    return selected;
  }

  /** A check for each pattern, that it matches a floating point variable of these. */
  static List<Runnable> checks(List<ModelVariable> variables, Choice choice) {
    List<ModelVariable> floating = floating(variables);
    return Stream.of(choice.trainable(), choice.frozen(), choice.unfrozen())
        .flatMap(List::stream)
        .<Runnable>map(pattern -> () -> matching(floating, List.of(pattern)))
        .toList();
  }

  /** The variables that a signature reads and that the author meant to be trained. */
  static List<ModelVariable> meant(SavedModel model, String signatureKey) {
    return floating(model.variablesOf(signatureKey)).stream()
        .filter(ModelVariable::trainable)
        .toList();
  }

  private static List<ModelVariable> matching(List<ModelVariable> from, List<String> patterns) {
    return patterns.isEmpty() ? List.of() : NamePattern.select(from, ModelVariable::name, patterns);
  }

  private static Runnable requireMeant(
      String glob, List<ModelVariable> read, List<ModelVariable> meant) {
    return () -> {
      NamePattern pattern = NamePattern.of(glob);
      if (meant.stream().noneMatch(variable -> pattern.matches(variable.name()))) {
        throw new IllegalArgumentException(
            "Pattern '"
                + pattern
                + "' matches only variables that the model's author froze ("
                + read.stream()
                    .filter(variable -> pattern.matches(variable.name()))
                    .map(variable -> variable.name() + ", says " + variable.trainableSource())
                    .collect(Collectors.joining("; "))
                + "); train them all the same with --unfreeze '"
                + pattern
                + "' (unfreeze), or choose of "
                + names(meant));
      }
    };
  }

  /** Number of elements of floating point variables. */
  static long parameters(List<ModelVariable> variables) {
    return floating(variables).stream().mapToLong(variable -> variable.shape().size()).sum();
  }

  private static List<ModelVariable> floating(List<ModelVariable> variables) {
    return variables.stream()
        .filter(variable -> TensorTypes.isFloating(variable.dataType()))
        .toList();
  }

  private static String names(List<ModelVariable> variables) {
    return variables.stream().map(ModelVariable::name).collect(Collectors.joining(", "));
  }
}
