package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.DataFiles;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/** Opens data files for one signature of a model. */
final class ModelData {

  private final SavedModel model;
  private final Map<String, TensorSpec> inputs;
  private final Set<String> text;

  /**
   * Looks up the signature's inputs.
   *
   * @param key the signature's key, or null for the model's default; where there is none, nothing
   *     is known of the inputs
   */
  ModelData(SavedModel model, String key) {
    this.model = model;
    inputs = signature(model, key).map(SavedSignature::inputs).orElse(Map.of());
    text =
        inputs.entrySet().stream()
            .filter(input -> input.getValue().dataType() == DataType.DT_STRING)
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
  }

  /** The signature of a key, or the default where it is null; empty if there is none. */
  static Optional<SavedSignature> signature(SavedModel model, String key) {
    try {
      return Optional.of(model.signature(key == null ? model.defaultSignatureKey() : key));
    } catch (SavedModelException noSuch) {
      return Optional.empty();
    }
  }

  DataSource open(Path file) throws IOException {
    return DataFiles.open(file, text);
  }

  /**
   * Shapes of the inputs as the data has them, where the signature leaves sizes of a row open and
   * the model has loops: how often these run may depend on them.
   */
  Map<String, Shape> shapesForLoops(DataSource data) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    if (hasLoops()) {
      inputs.forEach(
          (key, input) -> {
            DataSource.Column column = data.columns().get(key);
            if (column != null
                && !input.shape().isUnknown()
                && input.shape().tail().hasUnknownDimension()) {
              Shape shape = Shape.of(Shape.UNKNOWN_SIZE).append(column.rowShape());
              if (input.shape().isCompatibleWith(shape)) {
                shapes.put(key, shape);
              }
            }
          });
    }
    return shapes;
  }

  private boolean hasLoops() {
    return model.metaGraph().getGraphDef().getLibrary().getFunctionList().stream()
        .flatMap(function -> function.getNodeDefList().stream())
        .anyMatch(node -> node.getOp().endsWith("While"));
  }

  /** Before any work is done: a result that cannot be written is found out now. */
  static void requireDirectoryFor(String option, Path file) throws IOException {
    if (file == null) {
      return;
    }
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null || !Files.isDirectory(directory) || Files.isDirectory(file)) {
      throw new NoSuchFileException(
          "Expected a file in an existing directory for "
              + option
              + ", found "
              + file
              + "; create the directory first.");
    }
  }
}
