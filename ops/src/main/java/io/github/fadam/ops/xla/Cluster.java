package io.github.fadam.ops.xla;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.xla.NotCompilableException.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;

/**
 * Which of the nodes that a result needs are compiled.
 *
 * <p>Outside stay inputs, variables, and what cannot be compiled together with everything that it
 * needs. Nothing outside may need a trained variable or anything inside.
 *
 * @param inside nodes to compile, each after those that it needs
 * @param outside nodes that are needed and not compiled, each after those that it needs
 */
record Cluster(List<String> inside, List<String> outside) {

  private static final Set<String> INPUTS = Set.of("Placeholder", "PlaceholderV2");

  /**
   * Decides.
   *
   * @param roots nodes that compute the results
   * @param cuts tensors that come from outside whatever computes them
   * @throws NotCompilableException if a node that cannot be compiled needs a trained variable
   */
  static Cluster of(SourceGraph source, Collection<String> roots, Set<String> cuts) {
    List<String> needed =
        source.below(
            roots,
            input -> SourceGraph.isControl(input) || !cuts.contains(SourceGraph.tensor(input)));
    Set<String> fixed = new HashSet<>();
    List<Reason> reasons = new ArrayList<>();
    Map<String, FunctionDef> functions = new TreeMap<>();
    source.library().getFunctionList().forEach(f -> functions.put(f.getSignature().getName(), f));
    Set<String> trained = trained(source, needed, cuts);
    ConstantInputs constants = new ConstantInputs(source, cuts, trained);
    for (String name : needed) {
      NodeDef node = source.node(name);
      if (isInput(node)) {
        fixed.add(name);
        continue;
      }
      Optional<String> problem = problem(source, node, functions).or(() -> constants.problem(node));
      if (problem.isPresent()) {
        fixed.add(name);
        if (trained.contains(name)) {
          reasons.add(new Reason(node.getOp(), name, problem.get()));
        }
      }
    }
    if (!reasons.isEmpty()) {
      throw new NotCompilableException(reasons);
    }
    Set<String> outside = new LinkedHashSet<>(source.below(fixed, input -> true));
    List<String> inside = needed.stream().filter(name -> !outside.contains(name)).toList();
    return new Cluster(inside, List.copyOf(outside));
  }

  /** Whether a node is there before anything is run. */
  static boolean isInput(NodeDef node) {
    return INPUTS.contains(node.getOp()) || SourceGraph.isVariable(node);
  }

  /**
   * The nodes that a variable has a part in that training changes: one of floating point numbers,
   * or one that is assigned here.
   */
  private static Set<String> trained(SourceGraph source, List<String> needed, Set<String> cuts) {
    Map<String, List<String>> consumers = new TreeMap<>();
    for (String name : needed) {
      for (String input : source.node(name).getInputList()) {
        if (SourceGraph.isControl(input) || !cuts.contains(SourceGraph.tensor(input))) {
          consumers.computeIfAbsent(SourceGraph.nodeOf(input), n -> new ArrayList<>()).add(name);
        }
      }
    }
    Deque<String> queue =
        needed.stream()
            .filter(name -> SourceGraph.isVariable(source.node(name)))
            .filter(
                name ->
                    isFloating(source.node(name))
                        || consumers.getOrDefault(name, List.of()).stream()
                            .anyMatch(consumer -> Assignments.assigns(source.node(consumer))))
            .collect(Collectors.toCollection(ArrayDeque::new));
    Set<String> trained = new HashSet<>(queue);
    while (!queue.isEmpty()) {
      for (String consumer : consumers.getOrDefault(queue.remove(), List.of())) {
        if (trained.add(consumer)) {
          queue.add(consumer);
        }
      }
    }
    return trained;
  }

  private static boolean isFloating(NodeDef variable) {
    return switch (variable.getAttrOrThrow("dtype").getType()) {
      case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
      default -> false;
    };
  }

  private static Optional<String> problem(
      SourceGraph source, NodeDef node, Map<String, FunctionDef> functions) {
    if (Assignments.isKnown(node)) {
      return Optional.empty();
    }
    Optional<String> own = XlaOps.problem(node);
    if (own.isPresent()) {
      return own;
    }
    int outputs = source.operation(node.getName()).numOutputs();
    for (int i = 0; i < outputs; i++) {
      DataType type = source.operation(node.getName()).output(i).dataType();
      if (type != TensorTypes.base(type)) {
        return Optional.of(
            "its result refers to a reference variable; XLA takes values, use a resource variable");
      }
    }
    return calls(node, functions, new HashSet<>());
  }

  /** Looks into the functions that a node calls. */
  private static Optional<String> calls(
      NodeDef node, Map<String, FunctionDef> functions, Set<String> seen) {
    for (AttrValue value : node.getAttrMap().values()) {
      FunctionDef called = value.hasFunc() ? functions.get(value.getFunc().getName()) : null;
      if (called == null || !seen.add(called.getSignature().getName())) {
        continue;
      }
      for (NodeDef inner : called.getNodeDefList()) {
        Optional<String> problem = XlaOps.problem(inner).or(() -> calls(inner, functions, seen));
        if (problem.isPresent()) {
          return Optional.of(
              problem.get() + " (node " + inner.getName() + " of the function that is called)");
        }
      }
    }
    return Optional.empty();
  }
}
