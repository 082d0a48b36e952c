package io.github.fadam.savedmodel.model;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;

/** The Python objects that a TF2 model was saved from: a graph of named children. */
final class ObjectGraph {

  private static final String KEY_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE";

  private final List<SavedObject> objects;
  private final Map<Integer, String> paths;

  ObjectGraph(SavedObjectGraph graph) {
    objects = graph.getNodesList();
    paths = shortestPaths();
  }

  /** Path of child names from the root to each object, in breadth-first order. */
  private Map<Integer, String> shortestPaths() {
    Map<Integer, String> found = new LinkedHashMap<>();
    if (objects.isEmpty()) {
      return found;
    }
    found.put(0, "");
    Deque<Integer> open = new ArrayDeque<>(List.of(0));
    while (!open.isEmpty()) {
      int id = open.remove();
      String prefix = found.get(id).isEmpty() ? "" : found.get(id) + "/";
      for (ObjectReference child : objects.get(id).getChildrenList()) {
        int childId = child.getNodeId();
        if (childId < 0 || childId >= objects.size()) {
          throw new SavedModelException(
              "Expected the model's objects to refer to each other, found object "
                  + id
                  + " with a child "
                  + childId
                  + " of "
                  + objects.size()
                  + " objects: saved_model.pb is damaged; copy or export the model again.");
        }
        if (found.putIfAbsent(childId, prefix + escape(child.getLocalName())) == null) {
          open.add(childId);
        }
      }
    }
    return found;
  }

  /** As checkpoint keys spell a child's name. */
  private static String escape(String name) {
    return name.replace(".", "..").replace("/", ".S");
  }

  boolean isEmpty() {
    return objects.isEmpty();
  }

  /** All objects that are variables, by id, in breadth-first order. */
  Map<Integer, SavedVariable> variables() {
    Map<Integer, SavedVariable> found = new LinkedHashMap<>();
    for (int id : paths.keySet()) {
      variable(id).ifPresent(variable -> found.put(id, variable));
    }
    return found;
  }

  Optional<SavedVariable> variable(int id) {
    return id >= 0 && id < objects.size() && objects.get(id).hasVariable()
        ? Optional.of(objects.get(id).getVariable())
        : Optional.empty();
  }

  String path(int id) {
    return paths.getOrDefault(id, "");
  }

  /** The variable that a checkpoint stores under a key. */
  OptionalInt variableOf(String checkpointKey) {
    if (!checkpointKey.endsWith(KEY_SUFFIX) || objects.isEmpty()) {
      return OptionalInt.empty();
    }
    int id = 0;
    for (String segment :
        checkpointKey.substring(0, checkpointKey.length() - KEY_SUFFIX.length()).split("/", -1)) {
      OptionalInt child = child(id, segment);
      if (child.isEmpty()) {
        return child;
      }
      id = child.getAsInt();
    }
    return variable(id).isPresent() ? OptionalInt.of(id) : OptionalInt.empty();
  }

  /** The objects in one of the root's lists; empty where the root has no such list. */
  Optional<Set<Integer>> rootList(String name) {
    if (objects.isEmpty()) {
      return Optional.empty();
    }
    OptionalInt list = child(0, escape(name));
    if (list.isEmpty()) {
      return Optional.empty();
    }
    Set<Integer> ids = new HashSet<>();
    for (ObjectReference child : objects.get(list.getAsInt()).getChildrenList()) {
      ids.add(child.getNodeId());
    }
    return Optional.of(ids);
  }

  /** One of the root's children, if it is a function. */
  Optional<SavedFunction> rootFunction(String name) {
    return objects.isEmpty()
        ? Optional.empty()
        : child(0, escape(name)).stream()
            .mapToObj(objects::get)
            .filter(SavedObject::hasFunction)
            .map(SavedObject::getFunction)
            .findFirst();
  }

  /** The functions in one of the root's lists, in the list's order. */
  List<SavedFunction> rootFunctions(String name) {
    OptionalInt list = objects.isEmpty() ? OptionalInt.empty() : child(0, escape(name));
    if (list.isEmpty()) {
      return List.of();
    }
    return objects.get(list.getAsInt()).getChildrenList().stream()
        .map(child -> objects.get(child.getNodeId()))
        .filter(SavedObject::hasFunction)
        .map(SavedObject::getFunction)
        .toList();
  }

  private OptionalInt child(int id, String escapedName) {
    return objects.get(id).getChildrenList().stream()
        .filter(child -> escape(child.getLocalName()).equals(escapedName))
        .mapToInt(ObjectReference::getNodeId)
        .filter(childId -> childId >= 0 && childId < objects.size())
        .findFirst();
  }
}
