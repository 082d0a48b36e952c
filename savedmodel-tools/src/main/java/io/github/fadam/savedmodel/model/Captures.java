package io.github.fadam.savedmodel.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;

/** Which tensor of the main graph is which object, variables and tables, that functions capture. */
final class Captures {

  private final Map<Integer, String> tensors = new HashMap<>();

  /**
   * Looks at the calls in the main graph, whose last inputs are their functions' captures, and at
   * the variables' places in the checkpoint.
   */
  Captures(MetaGraphDef metaGraph, MainGraph graph, ObjectGraph objects, List<ModelVariable> all) {
    Map<String, String> handles = new HashMap<>();
    for (ModelVariable variable : all) {
      handles.put(variable.handle(), variable.handle());
      variable.copies().forEach(copy -> handles.put(copy, variable.handle()));
      for (String key : variable.checkpointKeys()) {
        objects.variableOf(key).ifPresent(id -> tensors.put(id, variable.handle() + ":0"));
      }
    }
    Map<String, SavedConcreteFunction> functions =
        metaGraph.getObjectGraphDef().getConcreteFunctionsMap();
    for (NodeDef node : graph.nodes()) {
      var callee = graph.callee(node);
      SavedConcreteFunction function =
          callee == null ? null : functions.get(callee.getSignature().getName());
      if (function != null) {
        List<String> inputs = MainGraph.dataInputs(node);
        int first = inputs.size() - function.getBoundInputsCount();
        for (int i = 0; i < function.getBoundInputsCount(); i++) {
          String name = MainGraph.nodeName(inputs.get(first + i));
          String tensor = inputs.get(first + i).contains(":") ? inputs.get(first + i) : name + ":0";
          tensors.putIfAbsent(
              function.getBoundInputs(i),
              handles.containsKey(name) ? handles.get(name) + ":0" : tensor);
        }
      }
    }
  }

  /** The tensor that stands for an object, if the main graph has one. */
  Optional<String> tensor(int id) {
    return Optional.ofNullable(tensors.get(id));
  }
}
