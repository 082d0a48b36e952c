package io.github.fadam.savedmodel.export;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.data.NpzWriter;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;

/** Writes the values of a loaded model's variables, for whoever wants them without the model. */
public final class VariableValues {

  private VariableValues() {}

  /**
   * Writes a {@code .npz} with one array per variable, named as {@link ModelVariable#name()}.
   *
   * @param model the model's description
   * @param bundle the same model, loaded
   * @param file the file to write, replaced if it exists; its directory must exist
   * @throws IOException if the file cannot be written; it is as it was before then
   * @throws IllegalArgumentException if NumPy has no dtype for a variable; nothing has been written
   *     then
   */
  public static void write(SavedModel model, SavedModelBundle bundle, Path file)
      throws IOException {
    Graph graph = bundle.graph();
    Ops tf = Ops.create(graph).withSubScope("values");
    Map<String, Operand<?>> reads = new LinkedHashMap<>();
    for (ModelVariable variable : model.variables()) {
      reads.put(
          variable.name(),
          TrainableVariable.of(graph.operationOrThrow(variable.handle()).output(0)).read(tf));
    }
    // In one run: a run of new fetches goes over the whole graph first.
    Session.Runner runner = bundle.session().runner();
    reads.values().forEach(runner::fetch);
    try (Result result = runner.run()) {
      Map<String, Tensor> values = new LinkedHashMap<>();
      for (String name : reads.keySet()) {
        values.put(name, result.get(values.size()));
      }
      NpzWriter.write(file, values);
    }
  }
}
