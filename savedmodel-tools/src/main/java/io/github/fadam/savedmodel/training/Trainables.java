package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.group.NamePattern;
import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.util.List;
import java.util.stream.Collectors;

/** Chooses the variables of a signature that are trained. */
final class Trainables {

  private Trainables() {}

  /**
   * The variables that the author meant to be trained, that match a trainable pattern where there
   * are any, and no frozen one.
   *
   * @throws IllegalArgumentException if a pattern matches nothing or nothing is left
   */
  static List<ModelVariable> select(
      SavedModel model, String signatureKey, List<String> trainable, List<String> frozen) {
    List<ModelVariable> read = floating(model.variablesOf(signatureKey));
    List<ModelVariable> meant = read.stream().filter(ModelVariable::trainable).toList();
    if (meant.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one trainable variable, but signature "
              + signatureKey
              + (read.isEmpty()
                  ? " reads no floating point variable; is it the right signature?"
                  : " reads only variables that the model's author froze: " + names(read)));
    }
    List<ModelVariable> wanted = trainable.isEmpty() ? meant : matching(read, meant, trainable);
    List<ModelVariable> kept =
        frozen.isEmpty() ? List.of() : NamePattern.select(read, ModelVariable::name, frozen);
    List<ModelVariable> selected = wanted.stream().filter(v -> !kept.contains(v)).toList();
    if (selected.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one variable to train, but the frozen patterns "
              + String.join(", ", frozen)
              + " cover all of "
              + names(wanted));
    }
    return selected;
  }

  /** Number of elements of floating point variables. */
  static long parameters(List<ModelVariable> variables) {
    return floating(variables).stream().mapToLong(variable -> variable.shape().size()).sum();
  }

  private static List<ModelVariable> matching(
      List<ModelVariable> read, List<ModelVariable> meant, List<String> patterns) {
    NamePattern.select(read, ModelVariable::name, patterns);
    List<NamePattern> compiled = patterns.stream().map(NamePattern::of).toList();
    for (NamePattern pattern : compiled) {
      if (meant.stream().noneMatch(variable -> pattern.matches(variable.name()))) {
        throw new IllegalArgumentException(
            "Pattern '"
                + pattern
                + "' matches only variables that the model's author froze; trainable are "
                + names(meant));
      }
    }
    return meant.stream()
        .filter(v -> compiled.stream().anyMatch(pattern -> pattern.matches(v.name())))
        .toList();
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
