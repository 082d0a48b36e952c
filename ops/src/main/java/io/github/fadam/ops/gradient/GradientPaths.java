package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;

/**
 * The part of a graph between variables and a loss, and which way gradients go through it.
 *
 * <p>TensorFlow builds the gradient of an operation when a gradient comes in from the loss's side
 * ({@link Node#receivesGradient}) and any data edge, differentiable or not, connects it with a
 * variable ({@link Node#isConnected}). It matters to a variable's gradient only if the edges
 * between are differentiable ({@link Node#isOnPath}).
 *
 * <p>Every walk is a breadth-first search with a queue: linear in the edges of the graph, and safe
 * for graphs that are deeper than a thread's stack.
 */
final class GradientPaths {

  /** A data edge into an operation. */
  record Edge(Node from, Node to, int input, Output<?> tensor) {
    boolean isReference() {
      return TensorTypes.isReference(tensor.dataType());
    }

    boolean carriesGradient() {
      return OpKnowledge.carriesGradient(to.op(), to.type(), input, tensor.dataType());
    }
  }

  /** An operation that the loss depends on. */
  static final class Node {
    private final GraphOperation op;
    private final String type;
    private final List<Edge> inputs = new ArrayList<>();
    private final List<Edge> consumers = new ArrayList<>();
    private boolean receivesGradient;
    private Node towardsLoss;
    private boolean isConnected;
    private Node connectedFrom;
    private boolean isOnPath;
    private Node pathFrom;

    private Node(GraphOperation op) {
      this.op = op;
      this.type = op.type();
    }

    GraphOperation op() {
      return op;
    }

    String type() {
      return type;
    }

    List<Edge> inputs() {
      return inputs;
    }

    List<Edge> consumers() {
      return consumers;
    }

    boolean isOnPath() {
      return isOnPath;
    }

    /** Whether TensorFlow will ask for the gradient of this operation. */
    boolean isDifferentiated() {
      return receivesGradient && isConnected && connectedFrom != null;
    }

    /** Names from a variable through this operation to the loss. */
    List<String> path() {
      Deque<String> names = new ArrayDeque<>();
      boolean differentiable = isOnPath;
      for (Node node = this;
          node != null;
          node = differentiable ? node.pathFrom : node.connectedFrom) {
        names.addFirst(node.op.name());
      }
      for (Node node = towardsLoss; node != null; node = node.towardsLoss) {
        names.addLast(node.op.name());
      }
      return List.copyOf(names);
    }
  }

  private final Map<GraphOperation, Node> nodes = new LinkedHashMap<>();
  private final List<TrainableVariable> reached = new ArrayList<>();

  GradientPaths(Output<?> loss, List<TrainableVariable> variables) {
    this(List.of(loss), variables);
  }

  /** The part of a graph between variables and the sum of several losses. */
  GradientPaths(List<Output<?>> losses, List<TrainableVariable> variables) {
    followGradients(collect(losses));
    List<Node> sources = new ArrayList<>();
    for (TrainableVariable variable : variables) {
      Node node = nodes.get((GraphOperation) variable.handle().op());
      if (node != null && node.receivesGradient) {
        reached.add(variable);
        sources.add(node);
      }
    }
    connect(sources);
    followPaths(sources);
  }

  /** The variables to which a differentiable path leads, in the order given. */
  List<TrainableVariable> reached() {
    return reached;
  }

  /** The node of a variable that is reached. */
  Node node(TrainableVariable variable) {
    return nodes.get((GraphOperation) variable.handle().op());
  }

  /** The operations whose gradient TensorFlow will ask for, from the variables to the loss. */
  List<Node> differentiated() {
    List<Node> found = new ArrayList<>();
    for (Node node : nodes.values()) {
      if (node.isDifferentiated()) {
        found.add(node);
      }
    }
    Collections.reverse(found);
    return found;
  }

  /** The variables from which any data leads to an operation, in the order given. */
  List<TrainableVariable> behind(Node operation) {
    Set<Node> seen = new HashSet<>(List.of(operation));
    Deque<Node> queue = new ArrayDeque<>(seen);
    while (!queue.isEmpty()) {
      for (Edge edge : queue.remove().inputs) {
        if (seen.add(edge.from)) {
          queue.add(edge.from);
        }
      }
    }
    return reached.stream().filter(variable -> seen.contains(node(variable))).toList();
  }

  private List<Node> collect(List<Output<?>> losses) {
    for (Output<?> loss : losses) {
      GraphOperation operation = (GraphOperation) loss.op();
      nodes.putIfAbsent(operation, new Node(operation));
    }
    List<Node> roots = List.copyOf(nodes.values());
    Deque<Node> queue = new ArrayDeque<>(roots);
    while (!queue.isEmpty()) {
      Node node = queue.remove();
      int inputs = node.op.numInputs();
      for (int i = 0; i < inputs; i++) {
        Output<?> tensor = node.op.input(i);
        GraphOperation producer = (GraphOperation) tensor.op();
        Node from = nodes.get(producer);
        if (from == null) {
          from = new Node(producer);
          nodes.put(producer, from);
          queue.add(from);
        }
        Edge edge = new Edge(from, node, i, tensor);
        node.inputs.add(edge);
        from.consumers.add(edge);
      }
    }
    return roots;
  }

  private static void followGradients(List<Node> roots) {
    roots.forEach(root -> root.receivesGradient = true);
    Deque<Node> queue = new ArrayDeque<>(roots);
    while (!queue.isEmpty()) {
      Node node = queue.remove();
      for (Edge edge : node.inputs) {
        if (!edge.from.receivesGradient && edge.carriesGradient()) {
          edge.from.receivesGradient = true;
          edge.from.towardsLoss = node;
          queue.add(edge.from);
        }
      }
    }
  }

  private static void connect(Collection<Node> sources) {
    forward(
        sources,
        edge -> !edge.to.isConnected,
        node -> node.isConnected = true,
        (node, from) -> node.connectedFrom = from);
  }

  private static void followPaths(Collection<Node> sources) {
    forward(
        sources,
        edge -> !edge.to.isOnPath && edge.to.receivesGradient && edge.carriesGradient(),
        node -> node.isOnPath = true,
        (node, from) -> node.pathFrom = from);
  }

  private static void forward(
      Collection<Node> sources,
      Predicate<Edge> follows,
      Consumer<Node> mark,
      BiConsumer<Node, Node> link) {
    Deque<Node> queue = new ArrayDeque<>(sources);
    sources.forEach(mark);
    while (!queue.isEmpty()) {
      Node node = queue.remove();
      for (Edge edge : node.consumers) {
        if (follows.test(edge)) {
          mark.accept(edge.to);
          link.accept(edge.to, node);
          queue.add(edge.to);
        }
      }
    }
  }
}
