package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.TrainingState;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.export.SavedModelExporter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelVariable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;

/** A loaded model with the step that trains it. */
final class LoadedTraining implements AutoCloseable {

  private final LoadedSignature loaded;
  private final List<ModelVariable> trained;
  private final RuleOptimizer optimizer;
  private final TrainingGraph graph;
  private final FedShapes shapes;
  private final SavedModelExporter exporter;
  private final Averages averages;
  private final Map<String, Operand<?>> reads = new HashMap<>();
  private TrainingState state;

  /**
   * Builds the step of a loaded model.
   *
   * @param loaded the model, which is closed together with this, or where this fails
   * @param choose whether it is compiled
   * @param required whether it is an error if it cannot be
   */
  LoadedTraining(
      LoadedSignature loaded,
      List<ModelVariable> trained,
      Function<Graph, ? extends RuleOptimizer> optimizers,
      Function<InlinePlan, Compilation> choose,
      boolean required) {
    this.trained = trained;
    this.loaded = loaded;
    try {
      List<Output<?>> variables = new ArrayList<>();
      trained.forEach(variable -> variables.add(output(variable)));
      optimizer = optimizers.apply(loaded.graph());
      Map<String, String> names =
          trained.stream().collect(Collectors.toMap(ModelVariable::handle, ModelVariable::name));
      optimizer.useNames(variable -> names.getOrDefault(variable.name(), variable.name()));
      ChosenStep chosen =
          ChosenStep.of(
              choose.apply(loaded.steps().plan()),
              required,
              loaded.planned().device(),
              loaded,
              variables,
              optimizer);
      shapes = new FedShapes(chosen.compilation());
      graph = chosen.graph();
      exporter = SavedModelExporter.of(loaded.model(), loaded.bundle());
      averages = new Averages(loaded.ops(), loaded.session(), optimizer);
      loaded.session().initialize();
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  LoadedSignature loaded() {
    return loaded;
  }

  Session session() {
    return loaded.session();
  }

  RuleOptimizer optimizer() {
    return optimizer;
  }

  TrainingGraph graph() {
    return graph;
  }

  /** What was chosen, and the shapes that were fed. */
  FedShapes shapes() {
    return shapes;
  }

  SavedModelExporter exporter() {
    return exporter;
  }

  Averages averages() {
    return averages;
  }

  /** What training changes: the trained variables, and those that the signature assigns itself. */
  TrainingState state() {
    if (state == null) {
      Set<String> changed = ChangedVariables.by(loaded.steps().emitted().sideEffects());
      Map<String, TrainableVariable> variables = new LinkedHashMap<>();
      for (ModelVariable variable : loaded.model().variables()) {
        if (trained.contains(variable) || changed.contains(variable.handle())) {
          variables.put(variable.name(), TrainableVariable.of(output(variable)));
        }
      }
      state = TrainingState.of(variables, optimizer);
    }
    return state;
  }

  /** The current value of a variable that the signature reads, the average where there is one. */
  Tensor value(ModelVariable variable) {
    if (reads.isEmpty()) {
      // All at once: the session goes over the whole graph again whenever something was added.
      for (ModelVariable read : loaded.model().variablesOf(loaded.signature().key())) {
        reads.put(read.handle(), TrainableVariable.of(output(read)).read(loaded.ops()));
      }
    }
    Operand<?> read = reads.get(variable.handle());
    return averages.inPlace(() -> session().runner().fetch(read).run().get(0));
  }

  private Output<?> output(ModelVariable variable) {
    return loaded.graph().operationOrThrow(variable.handle()).output(0);
  }

  @Override
  public void close() {
    loaded.close();
  }
}
