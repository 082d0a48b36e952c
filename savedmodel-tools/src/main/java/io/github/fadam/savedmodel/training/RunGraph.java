package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.InlineOptions;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.inline.SettledConditionals;
import io.github.fadam.savedmodel.model.KerasFunctions;
import io.github.fadam.savedmodel.model.ModelFunction;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * What is run of a model: the signature, or what its author trained.
 *
 * @param graph the model's graph, with calls of functions that no signature calls
 * @param signature what is fed and wanted; the model's own losses are among the outputs
 * @param losses keys of the outputs that are losses of the model's own
 */
record RunGraph(GraphDef graph, SavedSignature signature, List<String> losses) {

  /** Keys of endpoints that mean training, where none is named. */
  private static final List<String> ENDPOINTS = List.of("train", "training", "call_training");

  private static final TensorProto NOTHING =
      TensorProto.newBuilder()
          .setDtype(DataType.DT_FLOAT)
          .setTensorShape(TensorShapeProto.getDefaultInstance())
          .addFloatVal(0)
          .build();

  /** Placeholders that have no value where nothing is fed. */
  private static final Set<String> OPEN = Set.of("Placeholder", "PlaceholderV2");

  private static final String UPDATES = "update_ops";
  private static final String REGULARIZATION = "regularization_losses";

  /** What the model answers to its callers. */
  static RunGraph inference(SavedModel model, String signature, PlaceholderValues values) {
    GraphDef graph = SettledConditionals.in(model.metaGraph().getGraphDef(), values.inference());
    return new RunGraph(graph, model.signature(signature), List.of());
  }

  /**
   * What the steps of a training compute.
   *
   * @param endpoint key of the signature that trains, where the user names one
   * @param regularized whether the model's own losses are wanted
   * @throws IllegalArgumentException if the mode is training and the model has nothing for it
   */
  static RunGraph steps(
      SavedModel model,
      String signature,
      PlaceholderValues values,
      Mode mode,
      Optional<String> endpoint,
      boolean regularized) {
    boolean training = mode == Mode.TRAINING;
    Building building = new Building(model, model.signature(signature));
    KerasFunctions functions = KerasFunctions.of(model);
    Optional<String> other =
        !training
            ? Optional.empty()
            : endpoint.or(() -> values.areFed() ? Optional.empty() : endpointOf(model, signature));
    Optional<ModelFunction> call =
        other.isPresent() ? Optional.empty() : call(functions, building.signature, training);
    if (other.isPresent()) {
      building.run(model, other.get());
    } else if (training && call.isEmpty() && !values.areFed()) {
      throw new IllegalArgumentException(nothingFor(model, signature));
    } else if (training || regularized) {
      call.filter(function -> training || !function.losses().isEmpty())
          .ifPresent(function -> building.call(function, regularized));
    }
    if (regularized) {
      functions.regularizers().forEach(function -> building.call(function, true));
      collection(model, REGULARIZATION).forEach(building::loss);
    }
    GraphDef graph =
        SettledConditionals.in(
            building.graph.build(), training ? values.training() : values.inference());
    return training && values.areFed()
        ? withUpdates(building.on(graph), collection(model, UPDATES))
        : building.on(graph);
  }

  /**
   * Inlines what is run.
   *
   * @param shapes of inputs, where more is known than the signature says
   * @throws IllegalArgumentException if it cannot be inlined, or depends on placeholders of which
   *     nobody knows the value
   */
  InlinePlan plan(PlaceholderValues values, Map<String, Shape> shapes) {
    InlinePlan plan =
        FunctionInliner.inline(graph, signature, InlineOptions.defaults().inputShapes(shapes));
    Map<String, NodeDef> nodes =
        graph.getNodeList().stream()
            .collect(Collectors.toMap(NodeDef::getName, Function.identity()));
    Set<String> fed =
        plan.inputs().values().stream().map(RunGraph::nodeName).collect(Collectors.toSet());
    List<String> open =
        plan.external().stream()
            .filter(name -> !fed.contains(name))
            .filter(name -> OPEN.contains(nodes.get(name).getOp()))
            .toList();
    if (!open.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected values for all placeholders that signature "
              + signature.key()
              + " depends on and that are no inputs of it, found none for "
              + String.join(", ", open)
              + "; give them with --feed NAME=VALUE (feed).");
    }
    values.requireNotBehindLoops(plan.external(), nodes);
    return plan;
  }

  /**
   * The functions of the objects; when they are not needed, those that do not fit do not matter.
   */
  private static Optional<ModelFunction> call(
      KerasFunctions functions, SavedSignature signature, boolean training) {
    try {
      return functions.call(signature, training);
    } catch (SavedModelException e) {
      if (training) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /** A signature that by its name is for training and takes and gives the same. */
  static Optional<String> endpointOf(SavedModel model, String signature) {
    return ENDPOINTS.stream()
        .filter(key -> !key.equals(signature) && model.signatures().containsKey(key))
        .filter(key -> sameAs(model.signature(key), model.signature(signature)))
        .findFirst();
  }

  private static boolean sameAs(SavedSignature one, SavedSignature other) {
    return one.inputs().keySet().equals(other.inputs().keySet())
        && one.outputs().keySet().containsAll(other.outputs().keySet());
  }

  private static String nothingFor(SavedModel model, String signature) {
    var placeholders = model.placeholdersOf(signature);
    return "Expected a model that can be run in training mode, found one with the signatures "
        + String.join(", ", model.signatures().keySet())
        + (placeholders.isEmpty()
            ? ""
            : ", the placeholders " + PlaceholderValues.texts(placeholders))
        + " and no function of its objects that takes training=True; "
        + (placeholders.isEmpty()
            ? "name the signature that trains with --training-signature (trainingSignature), save"
                + " the model with one (Keras 3: ExportArchive.add_endpoint(\"train\", lambda x:"
                + " model(x, training=True), ...)),"
            : "say which placeholder trains with --feed NAME=true (feed),")
        + " or leave out --mode training: batch normalisation stays frozen then and dropout off.";
  }

  private static List<String> collection(SavedModel model, String name) {
    return model
        .metaGraph()
        .getCollectionDefMap()
        .getOrDefault(name, org.tensorflow.proto.CollectionDef.getDefaultInstance())
        .getNodeList()
        .getValueList();
  }

  /**
   * Makes the updates that a program of TensorFlow 1 has collected run with every step: a constant
   * that depends on them is wanted.
   */
  private static RunGraph withUpdates(RunGraph run, List<String> updates) {
    Set<String> there =
        run.graph.getNodeList().stream().map(NodeDef::getName).collect(Collectors.toSet());
    List<String> left =
        updates.stream().map(RunGraph::nodeName).filter(there::contains).distinct().toList();
    if (left.isEmpty()) {
      return run;
    }
    NodeDef.Builder constant =
        NodeDef.newBuilder()
            .setName(free(there, UPDATES))
            .setOp("Const")
            .putAttr("dtype", AttrValue.newBuilder().setType(DataType.DT_FLOAT).build())
            .putAttr("value", AttrValue.newBuilder().setTensor(NOTHING).build());
    left.forEach(update -> constant.addInput("^" + update));
    Map<String, TensorSpec> outputs = new LinkedHashMap<>(run.signature.outputs());
    outputs.put(UPDATES, scalar(UPDATES, constant.getName() + ":0"));
    return new RunGraph(
        run.graph.toBuilder().addNode(constant).build(),
        withOutputs(run.signature, outputs),
        run.losses);
  }

  private static String nodeName(String tensor) {
    int colon = tensor.indexOf(':');
    return colon < 0 ? tensor : tensor.substring(0, colon);
  }

  private static String free(Set<String> taken, String wanted) {
    String name = wanted;
    for (int i = 1; taken.contains(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  private static TensorSpec scalar(String key, String tensor) {
    return new TensorSpec(key, tensor, DataType.DT_FLOAT, Shape.scalar());
  }

  private static SavedSignature withOutputs(SavedSignature from, Map<String, TensorSpec> outputs) {
    return new SavedSignature(from.key(), from.methodName(), from.inputs(), outputs);
  }

  /** Collects calls and outputs. */
  private static final class Building {
    private final GraphDef.Builder graph;
    private final Map<String, FunctionDef> library;
    private final Set<String> names;
    private final Map<String, TensorSpec> outputs;
    private final List<String> losses = new ArrayList<>();
    private SavedSignature signature;

    Building(SavedModel model, SavedSignature signature) {
      this.signature = signature;
      graph = model.metaGraph().getGraphDef().toBuilder();
      library =
          graph.getLibrary().getFunctionList().stream()
              .collect(Collectors.toMap(f -> f.getSignature().getName(), Function.identity()));
      names = graph.getNodeList().stream().map(NodeDef::getName).collect(Collectors.toSet());
      outputs = new LinkedHashMap<>(signature.outputs());
    }

    RunGraph on(GraphDef settled) {
      return new RunGraph(settled, withOutputs(signature, outputs), losses);
    }

    /** Runs another signature with the same inputs and outputs. */
    void run(SavedModel model, String key) {
      SavedSignature other = model.signature(key);
      if (!sameAs(other, signature)) {
        throw new IllegalArgumentException(
            "Expected a training signature that takes and gives what "
                + signature.key()
                + " does ("
                + signature.inputs().keySet()
                + " to "
                + signature.outputs().keySet()
                + "), found "
                + key
                + " ("
                + other.inputs().keySet()
                + " to "
                + other.outputs().keySet()
                + "); name another, or save the model with equal names.");
      }
      signature = other;
      outputs.clear();
      outputs.putAll(other.outputs());
    }

    /** Calls a function of the model's objects, for its outputs and its losses. */
    void call(ModelFunction function, boolean regularized) {
      FunctionDef definition = library.get(function.name());
      String name = free(names, "object_call/" + function.name());
      names.add(name);
      graph.addNode(
          NodeDef.newBuilder()
              .setName(name)
              .setOp("StatefulPartitionedCall")
              .addAllInput(function.arguments())
              .putAttr("Tin", types(definition.getSignature().getInputArgList()))
              .putAttr("Tout", types(definition.getSignature().getOutputArgList()))
              .putAttr(
                  "f",
                  AttrValue.newBuilder()
                      .setFunc(
                          org.tensorflow.proto.NameAttrList.newBuilder().setName(function.name()))
                      .build()));
      function
          .outputs()
          .forEach(
              (key, index) -> {
                TensorSpec spec = outputs.get(key);
                outputs.put(
                    key, new TensorSpec(key, name + ":" + index, spec.dataType(), spec.shape()));
              });
      if (regularized) {
        function.losses().forEach(index -> loss(name + ":" + index));
      }
    }

    private static AttrValue types(List<ArgDef> arguments) {
      AttrValue.ListValue.Builder types = AttrValue.ListValue.newBuilder();
      arguments.forEach(argument -> types.addType(argument.getType()));
      return AttrValue.newBuilder().setList(types).build();
    }

    void loss(String tensor) {
      String key = "model-loss/" + losses.size();
      losses.add(key);
      outputs.put(key, scalar(key, tensor));
    }
  }
}
