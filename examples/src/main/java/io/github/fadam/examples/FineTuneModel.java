package io.github.fadam.examples;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.training.FineTuner;
import io.github.fadam.savedmodel.training.FitOptions;
import io.github.fadam.savedmodel.training.History;
import java.io.IOException;
import java.nio.file.Path;

/** The shortest way from a SavedModel and data to a better SavedModel, for any classifier. */
public final class FineTuneModel {

  private FineTuneModel() {}

  /**
   * Fine-tunes for three epochs and prints loss and accuracy before and after.
   *
   * @param arguments the model, the training data, the validation data ({@code .npz} or {@code
   *     .csv}), and the directory to write, which must not exist
   * @throws IOException if something cannot be read or written
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 4) {
      throw new IllegalArgumentException("Expected four arguments: MODEL TRAIN VALIDATION OUT");
    }
    DataSource training = DataFiles.open(Path.of(arguments[1]));
    DataSource validation = DataFiles.open(Path.of(arguments[2]));
    try (FineTuner tuner =
        FineTuner.of(Path.of(arguments[0]))
            .loss(Losses.sparseCategoricalCrossentropy())
            .optimizer(graph -> FAdam.builder(graph).learningRate(1e-3).build())
            .build()) {
      System.out.println("before " + tuner.evaluate(validation, 256));
      History history = tuner.fit(training, FitOptions.epochs(3).validation(validation));
      System.out.println("after  " + tuner.evaluate(validation, 256));
      System.out.printf("%d steps%n", history.losses().size());
      tuner.export(Path.of(arguments[3]));
    }
  }
}
