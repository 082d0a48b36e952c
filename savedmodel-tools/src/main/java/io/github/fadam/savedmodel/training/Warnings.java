package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.KerasFunctions;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a user should know about how a model trains. */
final class Warnings {

  private Warnings() {}

  static List<String> of(
      SavedModel model, String signature, InlinePlan plan, Mode mode, List<ModelVariable> trained) {
    List<String> warnings = new ArrayList<>();
    List<String> unfrozen =
        trained.stream().filter(v -> !v.trainable()).map(ModelVariable::name).toList();
    if (!unfrozen.isEmpty()) {
      warnings.add(
          "trained although the model's author froze them: " + String.join(", ", unfrozen));
    }
    if (mode == Mode.INFERENCE) {
      frozenStatistics(model, signature).ifPresent(warnings::add);
    }
    if (!plan.unseeded().isEmpty()) {
      warnings.add(
          "a resumed run repeats an uninterrupted one only on average: the random numbers of "
              + String.join(", ", plan.unseeded())
              + " cannot be tied to the seed");
    }
    return warnings;
  }

  private static Optional<String> frozenStatistics(SavedModel model, String signature) {
    long averages =
        model.variablesOf(signature).stream()
            .map(ModelVariable::name)
            .filter(name -> name.matches(".*moving_(mean|variance)(@.*)?"))
            .count();
    return averages == 0
        ? Optional.empty()
        : Optional.of(
            "batch normalisation runs with its stored averages, which stay as they are, and dropout"
                + " is off: "
                + remedy(model, signature));
  }

  private static String remedy(SavedModel model, String signature) {
    if (hasFunction(model, signature) || RunGraph.endpointOf(model, signature).isPresent()) {
      return "the model has a function for training, which --mode training (mode) uses";
    }
    var placeholders = model.placeholdersOf(signature);
    return placeholders.isEmpty()
        ? "the model was saved without a function for training"
        : "with --mode training, --feed (feed) gives the placeholders "
            + PlaceholderValues.texts(placeholders);
  }

  private static boolean hasFunction(SavedModel model, String signature) {
    try {
      return KerasFunctions.of(model).call(model.signature(signature), true).isPresent();
    } catch (SavedModelException e) {
      return false;
    }
  }
}
