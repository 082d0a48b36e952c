package io.github.fadam.savedmodel.model;

import io.github.fadam.savedmodel.model.StructuredTensors.Leaf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedFunction;
import org.tensorflow.proto.Struct.StructuredValue;

/**
 * The functions that a Keras 2 model saves besides its signatures: what it does when it is called,
 * to train and not to train, with the losses of its own.
 *
 * <p>They are in the object graph: the root's child {@code call_and_return_all_conditional_losses}
 * is a function with one concrete function for each combination of its arguments, of which {@code
 * training} is one; the children of {@code regularization_losses} take nothing and give a scalar.
 */
public final class KerasFunctions {

  private static final List<String> WITH_LOSSES =
      List.of("call_and_return_all_conditional_losses", "call_and_return_conditional_losses");
  private static final String CALL = "__call__";
  private static final String TRAINING = "training";

  private final SavedModel model;
  private final ObjectGraph objects;
  private final Captures captures;
  private final Map<String, SavedConcreteFunction> functions;

  private KerasFunctions(SavedModel model) {
    this.model = model;
    var saved = model.metaGraph().getObjectGraphDef();
    objects = new ObjectGraph(saved);
    captures = new Captures(model.metaGraph(), model.graph(), objects, model.variables());
    functions = saved.getConcreteFunctionsMap();
  }

  /**
   * Looks at a model's objects.
   *
   * @param model the model
   * @return its functions
   */
  public static KerasFunctions of(SavedModel model) {
    return new KerasFunctions(model);
  }

  /**
   * The function that computes what a signature does, to train or not.
   *
   * @param signature the signature, whose inputs the function is to take
   * @param training the value of the function's argument {@code training}
   * @return the function; empty where the model has none of this kind
   * @throws SavedModelException if it has, and it cannot be told which of its inputs and outputs
   *     are the signature's
   */
  public Optional<ModelFunction> call(SavedSignature signature, boolean training) {
    for (String child : List.of(WITH_LOSSES.get(0), WITH_LOSSES.get(1), CALL)) {
      Optional<SavedFunction> function = objects.rootFunction(child);
      if (function.isEmpty()) {
        continue;
      }
      List<String> names =
          function.get().getConcreteFunctionsList().stream()
              .filter(name -> isFor(function.get(), name, training))
              .toList();
      if (!names.isEmpty()) {
        return Optional.of(fitting(names, signature, WITH_LOSSES.contains(child)));
      }
    }
    return Optional.empty();
  }

  /**
   * The losses of the model's weights: functions without arguments, one output each.
   *
   * @return the functions, in the model's order; empty where the model has no such losses
   */
  public List<ModelFunction> regularizers() {
    List<ModelFunction> found = new ArrayList<>();
    for (SavedFunction function : objects.rootFunctions("regularization_losses")) {
      for (String name : function.getConcreteFunctionsList()) {
        found.add(new ModelFunction(name, bound(name), Map.of(), List.of(0)));
      }
    }
    return found;
  }

  private boolean isFor(SavedFunction function, String name, boolean training) {
    SavedConcreteFunction concrete = functions.get(name);
    if (concrete == null || model.graph().functions().get(name) == null) {
      return false;
    }
    List<StructuredValue> signature =
        concrete.getCanonicalizedInputSignature().getTupleValue().getValuesList();
    if (signature.size() != 2) {
      return false;
    }
    StructuredValue named = signature.get(1).getDictValue().getFieldsMap().get(TRAINING);
    List<StructuredValue> given = signature.get(0).getTupleValue().getValuesList();
    int place = argumentNames(function).indexOf(TRAINING);
    StructuredValue value =
        named != null || place < 0 || place >= given.size() ? named : given.get(place);
    return value != null && value.hasBoolValue() && value.getBoolValue() == training;
  }

  private static List<String> argumentNames(SavedFunction function) {
    for (var pair :
        function.getFunctionSpec().getFullargspec().getNamedTupleValue().getValuesList()) {
      if (pair.getKey().equals("args")) {
        return pair.getValue().getListValue().getValuesList().stream()
            .map(StructuredValue::getStringValue)
            .filter(name -> !name.equals("self"))
            .toList();
      }
    }
    return List.of();
  }

  private ModelFunction fitting(List<String> names, SavedSignature signature, boolean withLosses) {
    List<String> problems = new ArrayList<>();
    for (String name : names) {
      try {
        return function(name, signature, withLosses);
      } catch (SavedModelException e) {
        problems.add(e.getMessage());
      }
    }
    throw new SavedModelException(
        "Expected a function of the model for training that takes and gives what the signature "
            + signature.key()
            + " does, found "
            + String.join("; ", new LinkedHashSet<>(problems))
            + ". Train in inference mode, or save the model with another signature.");
  }

  private ModelFunction function(String name, SavedSignature signature, boolean withLosses) {
    SavedConcreteFunction concrete = functions.get(name);
    List<Leaf> inputs = StructuredTensors.of(concrete.getCanonicalizedInputSignature());
    List<String> bound = bound(name);
    FunctionDef definition = model.graph().functions().get(name);
    if (inputs.size() + bound.size() != definition.getSignature().getInputArgCount()) {
      throw new SavedModelException(
          name + " with arguments that are not tensors, sparse or ragged ones");
    }
    List<String> arguments = new ArrayList<>();
    List<String> keys = keys(name, "inputs", inputs, signature.inputs(), leaf -> Set.of());
    for (int i = 0; i < inputs.size(); i++) {
      arguments.add(signature.inputs().get(keys.get(i)).tensorName());
    }
    arguments.addAll(bound);
    StructuredValue returned = concrete.getOutputSignature();
    List<Leaf> outputs =
        StructuredTensors.of(withLosses ? returned.getTupleValue().getValues(0) : returned);
    List<String> outputKeys =
        keys(name, "outputs", outputs, signature.outputs(), i -> layers(definition, i));
    Map<String, Integer> byKey = new LinkedHashMap<>();
    outputKeys.forEach(key -> byKey.put(key, byKey.size()));
    int losses = definition.getSignature().getOutputArgCount() - outputs.size();
    return new ModelFunction(
        name,
        arguments,
        byKey,
        withLosses
            ? IntStream.range(0, losses).map(i -> outputs.size() + i).boxed().toList()
            : List.of());
  }

  private List<String> bound(String function) {
    List<String> tensors = new ArrayList<>();
    for (int id : functions.get(function).getBoundInputsList()) {
      tensors.add(
          captures
              .tensor(id)
              .orElseThrow(
                  () ->
                      new SavedModelException(
                          function
                              + " with a captured object "
                              + objects.path(id)
                              + " that no signature of the model uses")));
    }
    return tensors;
  }

  /** What is known of an output's place in the model. */
  private interface Hints {
    Set<String> of(int index);
  }

  /** The signature's key for each tensor of a function. */
  private static List<String> keys(
      String function, String what, List<Leaf> leaves, Map<String, TensorSpec> specs, Hints hints) {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < leaves.size(); i++) {
      Leaf leaf = leaves.get(i);
      Set<String> named = new LinkedHashSet<>(hints.of(i));
      named.add(leaf.name());
      List<String> possible =
          specs.containsKey(leaf.key())
              ? List.of(leaf.key())
              : specs.keySet().stream()
                  .filter(key -> (leaves.size() == 1 && specs.size() == 1) || named.contains(key))
                  .toList();
      if (possible.size() == 1 && fits(leaf, specs.get(possible.get(0)))) {
        keys.add(possible.get(0));
      }
    }
    if (keys.size() != leaves.size() || Set.copyOf(keys).size() != specs.size()) {
      throw new SavedModelException(
          function
              + " with the "
              + what
              + " "
              + leaves.stream().map(l -> l.key().isEmpty() ? l.name() : l.key()).toList()
              + " for "
              + specs.keySet());
    }
    return keys;
  }

  private static boolean fits(Leaf leaf, TensorSpec spec) {
    if (leaf.dataType() != spec.dataType()) {
      return false;
    }
    if (leaf.shape().isUnknown() || spec.shape().isUnknown()) {
      return leaf.shape().isUnknown() || spec.shape().isUnknown();
    }
    long[] own = leaf.shape().asArray();
    long[] wanted = spec.shape().asArray();
    return own.length == wanted.length
        && IntStream.range(0, own.length)
            .allMatch(
                i ->
                    own[i] == Shape.UNKNOWN_SIZE
                        || wanted[i] == Shape.UNKNOWN_SIZE
                        || own[i] == wanted[i]);
  }

  /** The path of the operation that an output comes from: Keras names layers in it. */
  private static Set<String> layers(FunctionDef function, int output) {
    String tensor =
        function.getRetMap().get(function.getSignature().getOutputArg(output).getName());
    String name = MainGraph.nodeName(tensor == null ? "" : tensor);
    for (boolean passes = true; passes; ) {
      passes = false;
      for (NodeDef node : function.getNodeDefList()) {
        if (node.getName().equals(name) && node.getOp().equals("Identity")) {
          name = MainGraph.nodeName(node.getInput(0));
          passes = true;
        }
      }
    }
    return Set.copyOf(new LinkedHashSet<>(Arrays.asList(name.split("/", -1))));
  }
}
