package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.gradient.GradientObstacles;
import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelPlaceholder;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.Suggestions;
import io.github.fadam.savedmodel.training.Trainability.Obstacle;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;

/** Asks, in a graph that is never run, what the gradients of a model's signatures would meet. */
final class TrainabilityCheck {

  private static final String SCOPE = "inspected";

  private final SavedModel model;
  private final Map<String, Shape> shapes;
  private final Map<String, PlaceholderValues.Fed> fed;
  private final Graph graph;

  private TrainabilityCheck(
      SavedModel model,
      Map<String, Shape> shapes,
      Map<String, PlaceholderValues.Fed> fed,
      Graph graph) {
    this.model = model;
    this.shapes = shapes;
    this.fed = fed;
    this.graph = graph;
  }

  /**
   * Looks at all signatures.
   *
   * @param shapes of inputs, for the signatures that have these
   * @param fed values of placeholders, for the signatures that depend on these
   * @throws IllegalArgumentException with all inputs and placeholders that no signature has
   */
  static Map<String, Trainability> of(
      SavedModel model, Map<String, Shape> shapes, Map<String, PlaceholderValues.Fed> fed) {
    requireKnown(model, shapes.keySet(), fed.keySet());
    Map<String, Trainability> answers = new LinkedHashMap<>();
    try (Graph graph = new Graph()) {
      Optional<String> unusable = load(model, graph);
      TrainabilityCheck check = new TrainabilityCheck(model, shapes, fed, graph);
      for (String key : model.signatures().keySet()) {
        List<ModelVariable> meant = Trainables.meant(model, key);
        answers.put(
            key,
            unusable
                .map(why -> refused(key, meant, why))
                .orElseGet(() -> check.signature(key, meant)));
      }
    }
    return answers;
  }

  private static void requireKnown(SavedModel model, Set<String> shapes, Set<String> fed) {
    Set<String> inputs = new TreeSet<>();
    Set<String> placeholders = new TreeSet<>();
    model
        .signatures()
        .forEach(
            (key, signature) -> {
              inputs.addAll(signature.inputs().keySet());
              model.placeholdersOf(key).forEach(p -> placeholders.add(p.name()));
            });
    Refusals refusals = new Refusals();
    shapes.forEach(name -> refusals.pass(() -> requireOneOf("input", name, inputs)));
    fed.forEach(name -> refusals.pass(() -> requireOneOf("placeholder", name, placeholders)));
    refusals.raise();
  }

  private static void requireOneOf(String kind, String name, Set<String> known) {
    if (!known.contains(name)) {
      throw new IllegalArgumentException(
          "Expected the name of "
              + (kind.equals("input") ? "an input" : "a placeholder that is no input")
              + " of any signature, found "
              + name
              + (known.isEmpty()
                  ? ", while there are none"
                  : ", while there are " + String.join(", ", known))
              + Suggestions.didYouMean(name, known));
    }
  }

  /** What TensorFlow says of a graph that it does not take. */
  private static Optional<String> load(SavedModel model, Graph graph) {
    try {
      graph.importGraphDef(model.metaGraph().getGraphDef());
      return Optional.empty();
    } catch (TensorFlowException | IllegalArgumentException | IllegalStateException e) {
      return Optional.of(e.getMessage());
    }
  }

  private static Trainability refused(String key, List<ModelVariable> meant, String why) {
    return new Trainability(
        key, meant, List.of(), List.of(), List.of(), List.of(), Optional.of(why));
  }

  private Trainability signature(String key, List<ModelVariable> meant) {
    try {
      Trainables.select(model, key, Trainables.Choice.open());
      Map<String, PlaceholderValues.Fed> ofThis = new LinkedHashMap<>(fed);
      ofThis
          .keySet()
          .retainAll(model.placeholdersOf(key).stream().map(ModelPlaceholder::name).toList());
      Map<String, Shape> shapesOfThis = new LinkedHashMap<>(shapes);
      shapesOfThis.keySet().retainAll(model.signature(key).inputs().keySet());
      PlaceholderValues values = PlaceholderValues.of(model, key, ofThis);
      InlinePlan plan = RunGraph.inference(model, key, values).plan(values, shapesOfThis);
      return emitted(key, meant, plan, GraphEmitter.emit(plan, graph, SCOPE));
    } catch (TensorFlowException | IllegalArgumentException | IllegalStateException e) {
      return refused(key, meant, e.getMessage());
    }
  }

  private Trainability emitted(
      String key, List<ModelVariable> meant, InlinePlan plan, EmittedGraph emitted) {
    Map<String, Output<?>> floating = new LinkedHashMap<>();
    emitted
        .outputs()
        .forEach(
            (name, output) -> {
              if (TensorTypes.isFloating(output.dataType())) {
                floating.put(name, output);
              }
            });
    if (floating.isEmpty()) {
      return refused(
          key,
          meant,
          "Expected an output of floating point numbers to compute a loss from, found none; train"
              + " a signature that returns probabilities or logits.");
    }
    Map<TrainableVariable, ModelVariable> variables = new LinkedHashMap<>();
    for (ModelVariable variable : meant) {
      variables.put(
          TrainableVariable.of(graph.operationOrThrow(variable.handle()).output(0)), variable);
    }
    List<TrainableVariable> views = List.copyOf(variables.keySet());
    GradientObstacles found = Gradients.obstacles(List.copyOf(floating.values()), views);
    List<String> free =
        floating.entrySet().stream()
            .filter(output -> found.reasons().isEmpty() || isFree(output.getValue(), views))
            .map(Map.Entry::getKey)
            .toList();
    return new Trainability(
        key,
        meant,
        variables.entrySet().stream()
            .filter(v -> found.reached().contains(v.getKey()))
            .filter(v -> !found.blocked().containsKey(v.getKey()))
            .map(Map.Entry::getValue)
            .toList(),
        variables.entrySet().stream()
            .filter(v -> !found.reached().contains(v.getKey()))
            .map(Map.Entry::getValue)
            .toList(),
        obstacles(plan, found, variables),
        free,
        Optional.empty());
  }

  private static boolean isFree(Output<?> output, List<TrainableVariable> variables) {
    GradientObstacles found = Gradients.obstacles(List.of(output), variables);
    return found.reasons().isEmpty() && !found.reached().isEmpty();
  }

  private static List<Obstacle> obstacles(
      InlinePlan plan, GradientObstacles found, Map<TrainableVariable, ModelVariable> variables) {
    List<Obstacle> obstacles = new ArrayList<>();
    for (Reason reason : found.reasons()) {
      obstacles.add(
          new Obstacle(
              new Reason(
                  reason.opType(),
                  withoutScope(reason.opName()),
                  reason.path().stream().map(TrainabilityCheck::withoutScope).toList(),
                  reason.problem(),
                  reason.remedy()),
              KeptNodes.of(plan, reason.opName()).map(Map.Entry::getValue),
              found.blocked().entrySet().stream()
                  .filter(variable -> variable.getValue().contains(reason))
                  .map(variable -> variables.get(variable.getKey()))
                  .toList()));
    }
    return obstacles;
  }

  /** The graph numbers the scopes of several signatures. */
  private static String withoutScope(String name) {
    return name.replaceFirst("^" + SCOPE + "(_\\d+)?/", "");
  }
}
