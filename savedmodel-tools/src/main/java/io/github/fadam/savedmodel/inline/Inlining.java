package io.github.fadam.savedmodel.inline;

import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;

/** One run of the inliner: collects the nodes of one plan. */
final class Inlining {

  private static final Set<String> CALLS = Set.of("PartitionedCall", "StatefulPartitionedCall");

  /** Deeper nesting than any model has: a function that calls itself ends here. */
  private static final int DEEPEST = 200;

  /** What is true of the place a node was in, of the time it was saved, or of a call. */
  private static final Set<String> DROPPED_ATTRIBUTES =
      Set.of(
          "_class",
          "_collective_manager_ids",
          "_has_manual_control_dependencies",
          "_output_shapes",
          "_read_only_resource_inputs",
          "_XlaMustCompile");

  private final GraphDef graph;
  private final Map<String, FunctionDef> library = new HashMap<>();
  private final Rewrites rewrites;
  private final StatelessRandom random;
  private final List<NodeDef> nodes = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final Set<String> external = new TreeSet<>();
  private final Set<String> unknown = new TreeSet<>();
  private final Map<String, Boolean> stateChanging = new HashMap<>();

  Inlining(GraphDef graph, InlineOptions options) {
    this.graph = graph;
    NodeWriter writer = new NodeWriter(this::uniqueName, nodes::add);
    rewrites = new Rewrites(options.customGradients(), writer);
    random = new StatelessRandom(writer, names);
    for (FunctionDef function : graph.getLibrary().getFunctionList()) {
      library.put(function.getSignature().getName(), function);
    }
  }

  InlinePlan inline(SavedSignature signature) {
    Map<String, String> inputs = tensorNames(signature, "input", signature.inputs());
    Map<String, String> outputs = tensorNames(signature, "output", signature.outputs());
    Frame main = new Frame("", graph.getNodeList());
    Set<String> fed = inputs.values().stream().map(Frame::nodeName).collect(Collectors.toSet());
    Predicate<NodeDef> isExternal =
        node ->
            fed.contains(node.getName())
                || node.getOp().startsWith("Placeholder")
                || OpDefinitions.holdsState(node);
    for (String input : fed) {
      takeExternal(main, input);
    }
    List<String> roots = outputs.values().stream().map(Frame::nodeName).toList();
    List<NodeDef> ordered = main.inOrder(roots, isExternal);
    ordered.stream().filter(isExternal).forEach(node -> takeExternal(main, node.getName()));
    List<String> sideEffects = new ArrayList<>();
    for (NodeDef node : ordered) {
      if (isExternal.test(node)) {
        continue;
      }
      process(main, node, 0);
      if (changesState(node)) {
        sideEffects.add(main.results.get(node.getName()).control());
      }
    }
    requireKnown(signature.key());
    Map<String, String> results = new LinkedHashMap<>();
    outputs.forEach((key, name) -> results.put(key, main.tensor(name, this::outputsOf)));
    FunctionDefLibrary functions = remainingFunctions();
    return new InlinePlan(
        signature.key(),
        nodes,
        external,
        inputs,
        results,
        sideEffects,
        random.fed(),
        random.kept(),
        functions);
  }

  private static Map<String, String> tensorNames(
      SavedSignature signature, String what, Map<String, TensorSpec> specs) {
    Map<String, String> tensors = new LinkedHashMap<>();
    specs.forEach(
        (key, spec) -> {
          if (spec.tensorName().isEmpty()) {
            throw new IllegalArgumentException(
                "Expected dense tensors in the signature '"
                    + signature.key()
                    + "', found the "
                    + what
                    + " '"
                    + key
                    + "', which is sparse or ragged; add a signature with dense tensors to the"
                    + " model.");
          }
          tensors.put(
              key, spec.tensorName().contains(":") ? spec.tensorName() : spec.tensorName() + ":0");
        });
    return tensors;
  }

  private void takeExternal(Frame main, String name) {
    names.add(name);
    external.add(name);
    main.results.put(name, Frame.Result.node(name));
  }

  private void requireKnown(String signature) {
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected operations of this TensorFlow in the signature '"
              + signature
              + "', found "
              + unknown
              + "; load the library that brings them with TensorFlow.loadLibrary first.");
    }
  }

  /** Turns one node of a frame, whose inputs are done, into nodes of the plan. */
  private void process(Frame frame, NodeDef node, int depth) {
    FunctionDef callee = callee(node);
    Frame.Result result;
    if (callee != null) {
      result = inlineCall(frame, node, callee, depth);
    } else if (!OpDefinitions.isKnown(node.getOp())) {
      unknown.add(node.getOp());
      result = Frame.Result.node(node.getName());
    } else if (StatelessRandom.isRandom(node.getOp())) {
      result = random.add(translate(frame, node));
    } else {
      result = rewrites.add(frame, node, translate(frame, node));
    }
    frame.results.put(node.getName(), result);
  }

  private FunctionDef callee(NodeDef node) {
    if (!CALLS.contains(node.getOp())) {
      return library.get(node.getOp());
    }
    String name = OpDefinitions.attribute(node, "f").getFunc().getName();
    FunctionDef function = library.get(name);
    if (function == null) {
      throw new IllegalArgumentException(
          "Expected the function '"
              + name
              + "' that "
              + node.getName()
              + " calls, found none: saved_model.pb is damaged; copy or export the model again.");
    }
    return function;
  }

  private List<ArgDef> outputsOf(NodeDef node) {
    FunctionDef named = library.get(node.getOp());
    if (named != null) {
      return named.getSignature().getOutputArgList();
    }
    return OpDefinitions.isKnown(node.getOp())
        ? OpDefinitions.of(node.getOp()).getOutputArgList()
        : List.of();
  }

  private NodeDef translate(Frame frame, NodeDef node) {
    NodeDef.Builder builder =
        NodeDef.newBuilder().setName(uniqueName(frame.prefix + node.getName())).setOp(node.getOp());
    boolean entersFromOutside = true;
    Set<String> controls = new LinkedHashSet<>();
    for (String input : node.getInputList()) {
      entersFromOutside &= frame.producer(input) == null;
      if (input.startsWith("^")) {
        controls.add("^" + frame.control(input));
      } else {
        builder.addInput(frame.tensor(input, this::outputsOf));
      }
    }
    if (entersFromOutside) {
      frame.entryControls.forEach(control -> controls.add("^" + control));
    }
    builder.addAllInput(controls);
    node.getAttrMap()
        .forEach(
            (name, value) -> {
              if (!DROPPED_ATTRIBUTES.contains(name)) {
                builder.putAttr(
                    name,
                    value.getPlaceholder().isEmpty()
                        ? value
                        : frame.callAttributes.getOrDefault(value.getPlaceholder(), value));
              }
            });
    return builder.build();
  }

  private Frame.Result inlineCall(Frame caller, NodeDef call, FunctionDef function, int depth) {
    String prefix = caller.prefix + call.getName() + "/";
    if (depth >= DEEPEST) {
      throw new IllegalArgumentException(
          "Expected functions that do not call themselves, found "
              + function.getSignature().getName()
              + " nested more than "
              + DEEPEST
              + " deep; a recursive model cannot be inlined.");
    }
    Frame body = new Frame(prefix, function.getNodeDefList());
    body.callAttributes.putAll(
        CALLS.contains(call.getOp())
            ? OpDefinitions.attribute(call, "f").getFunc().getAttrMap()
            : call.getAttrMap());
    bindArguments(caller, call, function, body);
    Set<String> roots = new LinkedHashSet<>();
    function.getRetMap().values().forEach(tensor -> roots.add(Frame.nodeName(tensor)));
    roots.addAll(new TreeMap<>(function.getControlRetMap()).values());
    List<String> effects =
        function.getNodeDefList().stream()
            .filter(this::changesState)
            .map(NodeDef::getName)
            .toList();
    roots.addAll(effects);
    List<NodeDef> ordered = body.inOrder(roots, node -> false);
    ordered.forEach(node -> process(body, node, depth + 1));
    List<String> outputs =
        function.getSignature().getOutputArgList().stream()
            .map(output -> body.tensor(returned(function, output.getName()), this::outputsOf))
            .toList();
    Set<String> exits = new LinkedHashSet<>();
    function.getControlRetMap().values().forEach(node -> exits.add("^" + body.control(node)));
    effects.forEach(node -> exits.add("^" + body.control(node)));
    body.entryControls.forEach(control -> exits.add("^" + control));
    return new Frame.Result(noOp(prefix + "output_control", new TreeSet<>(exits)), outputs);
  }

  private static String returned(FunctionDef function, String output) {
    String tensor = function.getRetMap().get(output);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "Expected the function "
              + function.getSignature().getName()
              + " to return "
              + output
              + ", found no such result: saved_model.pb is damaged; copy or export the model"
              + " again.");
    }
    return tensor;
  }

  private void bindArguments(Frame caller, NodeDef call, FunctionDef function, Frame body) {
    List<String> controls = new ArrayList<>();
    Deque<String> tensors = new ArrayDeque<>();
    Deque<Integer> ranks = new ArrayDeque<>();
    for (String input : call.getInputList()) {
      if (input.startsWith("^")) {
        controls.add("^" + caller.control(input));
      } else {
        tensors.add(caller.tensor(input, this::outputsOf));
        ranks.add(Ranks.of(caller, input));
      }
    }
    if (controls.isEmpty()) {
      body.entryControls.addAll(caller.entryControls);
    } else {
      caller.entryControls.forEach(control -> controls.add("^" + control));
      body.entryControls.add(noOp(body.prefix + "input_control", controls));
    }
    for (ArgDef argument : function.getSignature().getInputArgList()) {
      int length = OpDefinitions.length(argument, call);
      if (tensors.size() < length) {
        break;
      }
      List<String> bound = new ArrayList<>();
      for (int i = 0; i < length; i++) {
        bound.add(tensors.remove());
        body.argumentRanks.put(argument.getName(), ranks.remove());
      }
      body.arguments.put(argument.getName(), bound);
    }
    if (!tensors.isEmpty() || body.arguments.size() != function.getSignature().getInputArgCount()) {
      throw new IllegalArgumentException(
          "Expected the call "
              + call.getName()
              + " to give the "
              + function.getSignature().getInputArgCount()
              + " arguments of its function, found another number of inputs: saved_model.pb is"
              + " damaged; copy or export the model again.");
    }
  }

  private String noOp(String name, Collection<String> controls) {
    String unique = uniqueName(name);
    nodes.add(NodeDef.newBuilder().setName(unique).setOp("NoOp").addAllInput(controls).build());
    return unique;
  }

  private String uniqueName(String wanted) {
    String name = wanted;
    for (int i = 1; !names.add(name); i++) {
      name = wanted + "_" + i;
    }
    return name;
  }

  /** Whether a node, or a function that it calls, does more than to compute its outputs. */
  private boolean changesState(NodeDef node) {
    return OpDefinitions.changesState(node)
        || calledFunctions(node).stream().anyMatch(this::functionChangesState);
  }

  private boolean functionChangesState(String name) {
    FunctionDef function = library.get(name);
    Boolean known = stateChanging.get(name);
    if (function == null || known != null) {
      return function != null && known;
    }
    stateChanging.put(name, false);
    boolean changes = function.getNodeDefList().stream().anyMatch(this::changesState);
    stateChanging.put(name, changes);
    return changes;
  }

  private static Set<String> calledFunctions(NodeDef node) {
    Set<String> called = new LinkedHashSet<>(List.of(node.getOp()));
    for (AttrValue attribute : node.getAttrMap().values()) {
      if (attribute.hasFunc()) {
        called.add(attribute.getFunc().getName());
      }
      attribute.getList().getFuncList().forEach(function -> called.add(function.getName()));
    }
    return called;
  }

  private FunctionDefLibrary remainingFunctions() {
    Set<String> found = new LinkedHashSet<>();
    Deque<NodeDef> open = new ArrayDeque<>(nodes);
    while (!open.isEmpty()) {
      for (String name : calledFunctions(open.pop())) {
        if (library.containsKey(name) && found.add(name)) {
          List<NodeDef> body = library.get(name).getNodeDefList();
          open.addAll(body);
          body.stream()
              .filter(node -> StatelessRandom.isRandom(node.getOp()))
              .forEach(random::keep);
        }
      }
    }
    return FunctionDefLibrary.newBuilder()
        .addAllFunction(found.stream().map(library::get).toList())
        .build();
  }
}
