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
record Objective(String output, Optional<Loss> loss, String labels) {}
