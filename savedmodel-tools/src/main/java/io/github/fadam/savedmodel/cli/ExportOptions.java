package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.export.FrozenGraph;
import io.github.fadam.savedmodel.export.SavedModelExporter;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.training.FineTuner;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options that say what is written of the trained model, and where. */
final class ExportOptions {

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Directory to write; must not exist, but for --overwrite.")
  private Path out;

  @Option(
      names = "--overwrite",
      description = "Replace the directory of --out, once the new model is whole, if it exists.")
  private boolean overwrite;

  @Option(
      names = "--serving-dir",
      paramLabel = "DIR",
      description =
          "Write the next version (DIR/1, DIR/2, ...) for TensorFlow Serving, besides --out or"
              + " instead.")
  private Path servingDir;

  @Option(
      names = "--weights",
      paramLabel = "FILE",
      description = "Write the values of all variables as .npz too.")
  private Path weights;

  @Option(
      names = "--frozen-graph",
      paramLabel = "FILE",
      description = "Write the signature as a graph with constants for variables (.pb) too.")
  private Path frozenGraph;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  /** Refuses what cannot be right whatever the model. */
  void check() {
    if (out == null && servingDir == null) {
      throw new ParameterException(
          spec.commandLine(),
          "Expected --out DIR or --serving-dir DIR, found neither; say where the trained model is to"
              + " be written.");
    }
    if (out == null && overwrite) {
      throw new ParameterException(
          spec.commandLine(),
          "Expected --out with --overwrite, found none; versions of --serving-dir are never"
              + " replaced.");
    }
  }

  /**
   * Refuses what could not be written, before anything has been trained.
   *
   * @param signature what is trained; empty if there is no such signature, which is refused
   *     elsewhere
   */
  void requirePlaces(SavedModel model, Optional<SavedSignature> signature) throws IOException {
    if (out != null) {
      SavedModelExporter.requireTarget(model.directory(), out, overwrite);
    }
    if (servingDir != null) {
      SavedModelExporter.requireVersions(model.directory(), servingDir);
    }
    ModelData.requireDirectoryFor("--weights", weights);
    ModelData.requireDirectoryFor("--frozen-graph", frozenGraph);
    if (frozenGraph != null && signature.isPresent()) {
      FrozenGraph.requireFreezable(model, signature.get().key());
    }
  }

  /**
   * Writes everything.
   *
   * @return option to what was written
   */
  Map<String, String> write(FineTuner tuner) throws IOException {
    Map<String, String> written = new LinkedHashMap<>();
    if (out != null) {
      tuner.export(out, overwrite);
      written.put("out", out.toString());
    }
    if (servingDir != null) {
      written.put("servingDir", tuner.exportVersion(servingDir).toString());
    }
    if (weights != null) {
      tuner.exportVariables(weights);
      written.put("weights", weights.toString());
    }
    if (frozenGraph != null) {
      tuner.exportFrozenGraph(frozenGraph);
      written.put("frozenGraph", frozenGraph.toString());
    }
    return written;
  }
}
