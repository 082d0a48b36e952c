package io.github.fadam.savedmodel.inline;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.NodeDef;

/**
 * Takes elements of tensor lists, and stacks them, without the lists, where every index follows
 * from the graph.
 *
 * <p>Recurrent layers keep their inputs and outputs in lists, one element for each time step. Once
 * the loop is written out, each step reads a known element. A gradient through the list would make
 * a list as long for every one of them and add these up, which takes the square of the number of
 * steps; a tensor that is split once has its parts' gradients put together once.
 */
final class UnrolledLists {

  private final UnaryOperator<String> uniqueName;
  private final StaticValues values;
  private final Map<String, Contents> lists = new HashMap<>();
  private final List<NodeDef> rewritten = new ArrayList<>();

  /**
   * What a list holds.
   *
   * @param size number of elements
   * @param parts node whose outputs the elements were at first; null where there were none
   * @param stacked the tensor that was split; null where there was none
   * @param set tensors that were put in their places
   */
  private record Contents(long size, String parts, String stacked, Map<Long, String> set) {

    String element(long index) {
      String tensor = set.get(index);
      return tensor != null || parts == null ? tensor : parts + ":" + index;
    }

    boolean has(OptionalLong index) {
      return index.isPresent() && index.getAsLong() >= 0 && index.getAsLong() < size;
    }

    Contents with(long index, String tensor) {
      Map<Long, String> all = new LinkedHashMap<>(set);
      all.put(index, tensor);
      return new Contents(size, parts, stacked, all);
    }
  }

  private UnrolledLists(UnaryOperator<String> uniqueName, StaticValues values) {
    this.uniqueName = uniqueName;
    this.values = values;
  }

  /**
   * The nodes with elements in place of lists; what nobody needs any more is still there.
   *
   * @param nodes a plan's nodes, each after those it needs
   * @param uniqueName makes a new node's name unique and reserves it
   * @param values knows the indices and sizes
   */
  static List<NodeDef> in(
      List<NodeDef> nodes, UnaryOperator<String> uniqueName, StaticValues values) {
    UnrolledLists lists = new UnrolledLists(uniqueName, values);
    nodes.forEach(lists::add);
    return lists.rewritten;
  }

  private void add(NodeDef node) {
    switch (node.getOp()) {
      case "TensorListFromTensor" -> split(node);
      case "TensorListReserve" -> reserve(node);
      case "TensorListSetItem" -> set(node);
      case "TensorListGetItem" -> get(node);
      case "TensorListStack" -> stack(node);
      case "Identity" -> pass(node);
      default -> rewritten.add(node);
    }
  }

  private void pass(NodeDef node) {
    rewritten.add(node);
    know(node, lists.get(node.getInput(0)));
  }

  private void know(NodeDef list, Contents contents) {
    if (contents != null) {
      lists.put(list.getName() + ":0", contents);
    }
  }

  private void split(NodeDef node) {
    rewritten.add(node);
    Shape shape = values.shape(node.getInput(0));
    if (shape.isUnknown() || shape.numDimensions() == 0 || shape.get(0) < 1) {
      return;
    }
    String parts = uniqueName.apply(node.getName() + "/elements");
    rewritten.add(
        NodeDef.newBuilder()
            .setName(parts)
            .setOp("Unpack")
            .addInput(node.getInput(0))
            .addAllInput(NodeWriter.controls(node))
            .putAttr("num", NodeWriter.integer(shape.get(0)))
            .putAttr("axis", NodeWriter.integer(0))
            .putAttr("T", dtype(node))
            .build());
    know(node, new Contents(shape.get(0), parts, node.getInput(0), Map.of()));
  }

  private void reserve(NodeDef node) {
    rewritten.add(node);
    OptionalLong size = values.of(node.getInput(1));
    if (size.isPresent() && size.getAsLong() > 0) {
      know(node, new Contents(size.getAsLong(), null, null, Map.of()));
    }
  }

  private void set(NodeDef node) {
    rewritten.add(node);
    Contents contents = lists.get(node.getInput(0));
    if (contents != null) {
      OptionalLong index = values.of(node.getInput(1));
      if (contents.has(index)) {
        know(node, contents.with(index.getAsLong(), node.getInput(2)));
      }
    }
  }

  private void get(NodeDef node) {
    Contents contents = lists.get(node.getInput(0));
    OptionalLong index = contents == null ? OptionalLong.empty() : values.of(node.getInput(1));
    String element =
        contents != null && contents.has(index) ? contents.element(index.getAsLong()) : null;
    rewritten.add(element == null ? node : same(node, element));
  }

  private void stack(NodeDef node) {
    Contents contents = lists.get(node.getInput(0));
    if (contents == null) {
      rewritten.add(node);
      return;
    }
    if (contents.set().isEmpty() && contents.stacked() != null) {
      rewritten.add(same(node, contents.stacked()));
      return;
    }
    List<String> elements = new ArrayList<>();
    LongStream.range(0, contents.size()).forEach(i -> elements.add(contents.element(i)));
    // An element that was never set is zeros of a shape that the list does not tell.
    rewritten.add(
        elements.contains(null)
            ? node
            : replaced(node, "Pack", elements)
                .putAttr("N", NodeWriter.integer(elements.size()))
                .putAttr("axis", NodeWriter.integer(0))
                .build());
  }

  private static NodeDef same(NodeDef node, String tensor) {
    return replaced(node, "Identity", List.of(tensor)).build();
  }

  private static NodeDef.Builder replaced(NodeDef node, String op, List<String> inputs) {
    return NodeDef.newBuilder()
        .setName(node.getName())
        .setOp(op)
        .addAllInput(inputs)
        .addAllInput(NodeWriter.controls(node))
        .putAttr("T", dtype(node));
  }

  private static AttrValue dtype(NodeDef node) {
    return OpDefinitions.attribute(node, "element_dtype");
  }
}
