package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Loss;
import java.util.Optional;

/**
 * What one output is trained towards.
 *
 * @param output key of the output
 * @param loss the loss, or empty where the output's final activation says which
 * @param labels column of the data that holds the labels
 */
record Objective(String output, Optional<Loss> loss, String labels) {

  /** Output, loss and labels; the name of a loss that somebody wrote as a lambda means nothing. */
  String text() {
    String name =
        loss.map(Loss::getClass)
            .map(
                type ->
                    type.isHidden() || type.isAnonymousClass() ? "custom" : type.getSimpleName())
            .orElse("default");
    return output + " by " + name + " of " + labels;
  }
}
