package io.github.fadam.savedmodel.inline;

import io.github.fadam.ops.gradient.GradientRegistry;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** One run of the inliner: collects the nodes of one plan. */
final class Inlining {

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
  private final InlineOptions options;
  private final FunctionLibrary library;
  private final Rewrites rewrites;
  private final NodeWriter writer = new NodeWriter(this::uniqueName, this::write);
  private final StatelessRandom random;
  private final ControlFlow controlFlow = new ControlFlow(writer);
  private final List<NodeDef> nodes = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final Map<String, Integer> numbered = new HashMap<>();
  private final Set<String> external = new TreeSet<>();
  private final Set<String> unknown = new TreeSet<>();
  private final Map<String, NodeDef> written = new HashMap<>();
  private final Map<String, NodeDef> placeholders = new HashMap<>();
  private final Map<String, String> loops = new LinkedHashMap<>();
  private StaticValues staticValues;

  Inlining(GraphDef graph, InlineOptions options) {
    this.graph = graph;
    this.options = options;
    library = new FunctionLibrary(graph.getLibrary());
    rewrites = new Rewrites(options.customGradients(), writer, this::shape);
    random = new StatelessRandom(writer, names);
  }

  InlinePlan inline(SavedSignature signature) {
    try {
      return plan(signature);
    } finally {
      if (staticValues != null) {
        staticValues.close();
      }
    }
  }

  private InlinePlan plan(SavedSignature signature) {
    Map<String, String> inputs = tensorNames(signature, "input", signature.inputs());
    Map<String, String> outputs = tensorNames(signature, "output", signature.outputs());
    Frame main = new Frame("", graph.getNodeList());
    Set<String> fed = inputs.values().stream().map(Frame::nodeName).collect(Collectors.toSet());
    Predicate<NodeDef> isExternal =
        node ->
            fed.contains(node.getName())
                || node.getOp().startsWith("Placeholder")
                || LoopsOfTf1.isExit(node)
                || OpDefinitions.holdsState(node);
    for (String input : fed) {
      takeExternal(main, input);
    }
    InputShapes shapes = InputShapes.of(signature, options.inputShapes());
    placeholders.putAll(shapes.placeholders());
    if (library.anyLoop(graph.getNodeList())) {
      shapes.addChecks(writer, main);
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
      if (library.changesState(node)) {
        sideEffects.add(main.results.get(node.getName()).control());
      }
    }
    requireKnown(signature.key());
    Map<String, String> results = new LinkedHashMap<>();
    outputs.forEach((key, name) -> results.put(key, main.tensor(name, library::outputs)));
    List<NodeDef> used = used(results.values(), sideEffects, nodes);
    if (used.stream().anyMatch(node -> node.getOp().startsWith("TensorList"))) {
      List<NodeDef> direct = UnrolledLists.in(used, this::uniqueName, staticValues());
      used = used(results.values(), sideEffects, direct);
    }
    if (GradientRegistry.isAvailable()) {
      List<String> wanted = results.values().stream().map(Frame::nodeName).toList();
      used = used(results.values(), sideEffects, TableLookups.in(used, wanted, this::uniqueName));
    }
    retainReferred(used, results.values(), fed);
    List<FunctionDef> functions = library.calledFrom(used);
    Map<String, String> kept = new LinkedHashMap<>(controlFlow.kept());
    kept.putAll(loops);
    kept.keySet().retainAll(used.stream().map(NodeDef::getName).collect(Collectors.toSet()));
    return new InlinePlan(
        signature.key(),
        used,
        external,
        inputs,
        results,
        sideEffects,
        random.fed(used),
        unseeded(used, functions),
        kept,
        FunctionDefLibrary.newBuilder().addAllFunction(functions).build());
  }

  /** The nodes that results and side effects need. */
  private static List<NodeDef> used(
      Collection<String> results, List<String> sideEffects, List<NodeDef> nodes) {
    Set<String> needed = new HashSet<>(sideEffects);
    results.forEach(tensor -> needed.add(Frame.nodeName(tensor)));
    for (int i = nodes.size() - 1; i >= 0; i--) {
      if (needed.contains(nodes.get(i).getName())) {
        nodes.get(i).getInputList().forEach(input -> needed.add(Frame.nodeName(input)));
      }
    }
    return nodes.stream().filter(node -> needed.contains(node.getName())).toList();
  }

  /** An argument that a function does not look at needs no value. */
  private void retainReferred(List<NodeDef> used, Collection<String> results, Set<String> inputs) {
    Set<String> referred = new HashSet<>(inputs);
    used.forEach(node -> node.getInputList().forEach(input -> referred.add(Frame.nodeName(input))));
    results.forEach(tensor -> referred.add(Frame.nodeName(tensor)));
    external.retainAll(referred);
  }

  private static List<String> unseeded(List<NodeDef> nodes, List<FunctionDef> functions) {
    return Stream.concat(
            nodes.stream(), functions.stream().flatMap(f -> f.getNodeDefList().stream()))
        .filter(node -> StatelessRandom.isRandom(node.getOp()))
        .map(node -> node.getName() + " (" + node.getOp() + ")")
        .distinct()
        .toList();
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
    FunctionDef callee = library.callee(node);
    Frame.Result result;
    if (callee != null && LoopsOfTf1.in(callee)) {
      NodeDef translated = translate(frame, node);
      loops.put(translated.getName(), LoopsOfTf1.text(callee));
      result = writer.plain(translated);
    } else if (callee != null) {
      result = inlineCall(frame, node, callee, depth);
    } else if (!OpDefinitions.isKnown(node.getOp())) {
      unknown.add(node.getOp());
      result = Frame.Result.node(node.getName());
    } else if (StatelessRandom.isRandom(node.getOp())) {
      result = random.add(translate(frame, node));
    } else if (ControlFlow.isConditional(node.getOp()) || ControlFlow.isLoop(node.getOp())) {
      NodeDef translated = translate(frame, node);
      result =
          controlFlow
              .add(translated, ranks(frame, node), new BodiesIn(frame, depth))
              .orElseGet(() -> writer.plain(translated));
    } else {
      result = rewrites.add(frame, node, translate(frame, node));
    }
    frame.results.put(node.getName(), result);
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
        builder.addInput(frame.tensor(input, library::outputs));
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

  private static List<Integer> ranks(Frame frame, NodeDef node) {
    return node.getInputList().stream()
        .filter(input -> !input.startsWith("^"))
        .map(input -> Ranks.of(frame, input))
        .toList();
  }

  private Frame.Result inlineCall(Frame caller, NodeDef call, FunctionDef function, int depth) {
    Frame body = new Frame(caller.prefix + call.getName() + "/", function.getNodeDefList());
    body.callAttributes.putAll(
        FunctionLibrary.isCall(call)
            ? OpDefinitions.attribute(call, "f").getFunc().getAttrMap()
            : call.getAttrMap());
    List<String> controls = new ArrayList<>();
    List<String> tensors = new ArrayList<>();
    for (String input : call.getInputList()) {
      if (input.startsWith("^")) {
        controls.add("^" + caller.control(input));
      } else {
        tensors.add(caller.tensor(input, library::outputs));
      }
    }
    body.bind(call, function, tensors, ranks(caller, call));
    enter(caller, body, controls);
    return inlineBody(body, function, depth);
  }

  /** Bodies of conditionals and loops of one frame. */
  private final class BodiesIn implements ControlFlow.Bodies {
    private final Frame caller;
    private final int depth;

    BodiesIn(Frame caller, int depth) {
      this.caller = caller;
      this.depth = depth;
    }

    @Override
    public Frame.Result inline(
        NodeDef node,
        String name,
        String path,
        List<String> arguments,
        List<Integer> ranks,
        List<String> controls) {
      FunctionDef function = library.required(name, node);
      Frame body = new Frame(path + "/", function.getNodeDefList());
      body.bind(node, function, arguments, ranks);
      enter(caller, body, controls);
      return inlineBody(body, function, depth);
    }

    @Override
    public boolean changesState(String function) {
      return library.functionChangesState(function);
    }

    @Override
    public OptionalLong value(String tensor) {
      return staticValues().of(tensor);
    }

    @Override
    public int size() {
      return nodes.size();
    }

    @Override
    public void shrink(int size) {
      List<NodeDef> tail = nodes.subList(size, nodes.size());
      tail.forEach(node -> written.remove(node.getName()));
      tail.clear();
    }
  }

  private StaticValues staticValues() {
    if (staticValues == null) {
      staticValues = new StaticValues(graph.getLibrary(), this::definition);
    }
    return staticValues;
  }

  private Shape shape(String tensor) {
    return staticValues().shape(tensor);
  }

  /** A node of the plan or, without inputs, what stands for an external one. */
  private NodeDef definition(String name) {
    NodeDef node = written.get(name);
    return node != null
        ? node
        : placeholders.computeIfAbsent(name, external -> InputShapes.external(graph, external));
  }

  private void enter(Frame caller, Frame body, List<String> controls) {
    if (controls.isEmpty()) {
      body.entryControls.addAll(caller.entryControls);
    } else {
      Set<String> all = new LinkedHashSet<>(controls);
      caller.entryControls.forEach(control -> all.add("^" + control));
      body.entryControls.add(noOp(body.prefix + "input_control", all));
    }
  }

  private Frame.Result inlineBody(Frame body, FunctionDef function, int depth) {
    if (depth >= DEEPEST) {
      throw new IllegalArgumentException(
          "Expected functions that do not call themselves, found "
              + function.getSignature().getName()
              + " nested more than "
              + DEEPEST
              + " deep; a recursive model cannot be inlined.");
    }
    Set<String> roots = new LinkedHashSet<>();
    function.getRetMap().values().forEach(tensor -> roots.add(Frame.nodeName(tensor)));
    roots.addAll(new TreeMap<>(function.getControlRetMap()).values());
    List<String> effects =
        function.getNodeDefList().stream()
            .filter(library::changesState)
            .map(NodeDef::getName)
            .toList();
    roots.addAll(effects);
    List<NodeDef> ordered = body.inOrder(roots, node -> false);
    ordered.forEach(node -> process(body, node, depth + 1));
    List<String> outputs =
        function.getSignature().getOutputArgList().stream()
            .map(
                output ->
                    body.tensor(
                        FunctionLibrary.returned(function, output.getName()), library::outputs))
            .toList();
    Set<String> exits = new LinkedHashSet<>();
    function.getControlRetMap().values().forEach(node -> exits.add("^" + body.control(node)));
    effects.forEach(node -> exits.add("^" + body.control(node)));
    body.entryControls.forEach(control -> exits.add("^" + control));
    return new Frame.Result(noOp(body.prefix + "output_control", new TreeSet<>(exits)), outputs);
  }

  private String noOp(String name, Collection<String> controls) {
    String unique = uniqueName(name);
    write(NodeDef.newBuilder().setName(unique).setOp("NoOp").addAllInput(controls).build());
    return unique;
  }

  private void write(NodeDef node) {
    nodes.add(node);
    written.put(node.getName(), node);
  }

  private String uniqueName(String wanted) {
    if (names.add(wanted)) {
      return wanted;
    }
    // A long loop asks for the same name thousands of times.
    int number = numbered.merge(wanted, 1, Integer::sum);
    while (!names.add(wanted + "_" + number)) {
      number = numbered.merge(wanted, 1, Integer::sum);
    }
    return wanted + "_" + number;
  }
}
