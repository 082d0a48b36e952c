package io.github.fadam.savedmodel.model;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.VariableDef;

/**
 * Finds a model's variables: which nodes of the main graph hold the same one, what it is called,
 * where the checkpoint has it and whether it trains.
 */
final class VariableCatalog {

  private static final String TRAINABLE = "trainable_variables";

  private final MainGraph graph;
  private final ObjectGraph objects;
  private final Map<String, String> keys;
  private final Map<String, Integer> captured = new LinkedHashMap<>();
  private final Map<Integer, String> restoredHandles = new HashMap<>();
  private final Map<String, Integer> collected = new HashMap<>();
  private final Optional<Set<String>> trainableCollection;
  private final Optional<Set<Integer>> trainableList;

  private VariableCatalog(MetaGraphDef metaGraph, MainGraph graph) {
    this.graph = graph;
    objects = new ObjectGraph(metaGraph.getObjectGraphDef());
    keys = RestoredKeys.of(graph, metaGraph.getSaverDef().getRestoreOpName());
    keys.forEach(
        (handle, key) ->
            objects.variableOf(key).ifPresent(id -> restoredHandles.putIfAbsent(id, handle)));
    findCaptures(metaGraph.getObjectGraphDef().getConcreteFunctionsMap());
    trainableList = objects.rootList(TRAINABLE);
    trainableCollection = collection(metaGraph, TRAINABLE).map(HashSet::new);
    for (String name : collection(metaGraph, "variables").orElse(List.of())) {
      collected.putIfAbsent(name, collected.size());
    }
  }

  /**
   * Lists the variables.
   *
   * @param read nodes of the main graph that some signature reads
   */
  static List<ModelVariable> of(MetaGraphDef metaGraph, MainGraph graph, Set<String> read) {
    return new VariableCatalog(metaGraph, graph).list(read);
  }

  /**
   * The last inputs of a call are the function's captures, in the order of its bound inputs: so a
   * node and an object are the same variable, without a guess about names.
   */
  private void findCaptures(Map<String, SavedConcreteFunction> concreteFunctions) {
    for (NodeDef node : graph.nodes()) {
      var callee = graph.callee(node);
      SavedConcreteFunction function =
          callee == null ? null : concreteFunctions.get(callee.getSignature().getName());
      if (function == null) {
        continue;
      }
      List<String> inputs = MainGraph.dataInputs(node);
      int first = inputs.size() - function.getBoundInputsCount();
      if (first < 0) {
        throw new SavedModelException(
            "Expected the call "
                + node.getName()
                + " to have at least "
                + function.getBoundInputsCount()
                + " inputs, the captures of its function, found "
                + inputs.size()
                + ": saved_model.pb is damaged; copy or export the model again.");
      }
      for (int i = 0; i < function.getBoundInputsCount(); i++) {
        NodeDef handle = graph.node(inputs.get(first + i));
        int id = function.getBoundInputs(i);
        if (handle != null && MainGraph.isVariable(handle) && objects.variable(id).isPresent()) {
          captured.putIfAbsent(handle.getName(), id);
        }
      }
    }
  }

  private static Optional<List<String>> collection(MetaGraphDef graph, String name) {
    if (!graph.containsCollectionDef(name)) {
      return Optional.empty();
    }
    List<String> nodes = new ArrayList<>();
    for (ByteString bytes : graph.getCollectionDefOrThrow(name).getBytesList().getValueList()) {
      try {
        nodes.add(MainGraph.nodeName(VariableDef.parseFrom(bytes).getVariableName()));
      } catch (InvalidProtocolBufferException e) {
        throw new SavedModelException(
            "Expected variable definitions in the collection "
                + name
                + ", found bytes that are none: saved_model.pb is damaged; copy or export the model"
                + " again.",
            e);
      }
    }
    return Optional.of(nodes);
  }

  private List<ModelVariable> list(Set<String> read) {
    Map<String, Integer> position = new HashMap<>();
    graph.nodes().forEach(node -> position.put(node.getName(), position.size()));
    Map<Integer, Integer> order = new HashMap<>();
    objects.variables().keySet().forEach(id -> order.put(id, order.size()));
    List<Entry> entries = new ArrayList<>(entries(read));
    entries.sort(
        Comparator.<Entry>comparingInt(
                entry ->
                    entry.ids.stream()
                        .mapToInt(id -> order.getOrDefault(id, Integer.MAX_VALUE))
                        .min()
                        .orElse(Integer.MAX_VALUE))
            .thenComparingInt(entry -> collected.getOrDefault(entry.handle, Integer.MAX_VALUE))
            .thenComparingInt(entry -> position.get(entry.handle)));
    Map<String, Integer> uses = new HashMap<>();
    entries.forEach(entry -> uses.merge(name(entry), 1, Integer::sum));
    return entries.stream()
        .map(
            entry -> {
              String name = name(entry);
              return variable(entry, uses.get(name) > 1 ? name + "@" + path(entry) : name);
            })
        .toList();
  }

  /** One variable: the nodes that hold it, the one that is read first, and its objects. */
  private static final class Entry {
    final String handle;
    final Set<String> copies = new LinkedHashSet<>();
    final Set<Integer> ids = new TreeSet<>();

    Entry(String handle) {
      this.handle = handle;
    }
  }

  private Collection<Entry> entries(Set<String> read) {
    Set<String> handles = new LinkedHashSet<>();
    captured.keySet().stream().filter(read::contains).forEach(handles::add);
    handles.addAll(captured.keySet());
    handles.addAll(keys.keySet());
    graph.nodes().stream()
        .filter(MainGraph::isVariable)
        .map(NodeDef::getName)
        .filter(name -> read.contains(name) || collected.containsKey(name))
        .forEach(handles::add);
    Map<String, Entry> byHandle = new LinkedHashMap<>();
    for (String handle : handles) {
      if (graph.node(handle) == null || byHandle.containsKey(handle)) {
        continue;
      }
      Entry entry = new Entry(handle);
      byHandle.put(handle, entry);
      Integer id = captured.get(handle);
      if (id != null) {
        entry.ids.add(id);
        join(entry, restoredHandles.get(id), byHandle);
      }
      addObject(entry, handle);
    }
    return new LinkedHashSet<>(byHandle.values());
  }

  private void join(Entry entry, String copy, Map<String, Entry> byHandle) {
    if (copy != null && !copy.equals(entry.handle) && byHandle.putIfAbsent(copy, entry) == null) {
      entry.copies.add(copy);
      addObject(entry, copy);
    }
  }

  private void addObject(Entry entry, String handle) {
    String key = keys.get(handle);
    if (key != null) {
      objects.variableOf(key).ifPresent(entry.ids::add);
    }
  }

  private String name(Entry entry) {
    return entry.ids.stream()
        .map(id -> objects.variable(id).orElseThrow().getName())
        .filter(name -> !name.isEmpty())
        .findFirst()
        .orElse(entry.handle);
  }

  private String path(Entry entry) {
    return entry.ids.stream()
        .map(objects::path)
        .filter(path -> !path.isEmpty())
        .findFirst()
        .orElse(entry.handle);
  }

  private ModelVariable variable(Entry entry, String name) {
    NodeDef node = graph.node(entry.handle);
    DataType dataType = attribute(node, "dtype").getType();
    List<String> checkpointKeys = new ArrayList<>();
    List<String> handles = new ArrayList<>(List.of(entry.handle));
    handles.addAll(entry.copies);
    for (String handle : handles) {
      if (keys.containsKey(handle)) {
        checkpointKeys.add(keys.get(handle));
      }
    }
    boolean meant;
    String source;
    if (trainableList.isPresent()) {
      meant = entry.ids.stream().anyMatch(trainableList.get()::contains);
      source = "the model's list trainable_variables";
    } else if (!entry.ids.isEmpty()) {
      meant =
          entry.ids.stream()
              .flatMap(id -> objects.variable(id).stream())
              .allMatch(SavedVariable::getTrainable);
      source = "the variable's flag";
    } else if (trainableCollection.isPresent()) {
      meant = trainableCollection.get().contains(entry.handle);
      source = "the collection trainable_variables";
    } else {
      meant = objects.isEmpty();
      source = meant ? "no list in the model, so all" : "not among the model's objects";
    }
    if (meant && !TensorTypes.isFloating(dataType)) {
      meant = false;
      source = "its dtype, which has no gradient";
    }
    return new ModelVariable(
        name,
        dataType,
        ProtoShapes.of(attribute(node, "shape").getShape()),
        meant,
        source,
        entry.handle,
        List.copyOf(entry.copies),
        checkpointKeys);
  }

  private static AttrValue attribute(NodeDef node, String name) {
    return node.getAttrOrDefault(name, AttrValue.getDefaultInstance());
  }
}
