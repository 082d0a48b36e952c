package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.List;
import java.util.Map;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Lists of tensors ({@code TensorList*}), which the loops of recurrent layers, {@code map_fn} and
 * {@code scan} fill and read. The gradient by a list is a list of gradients.
 *
 * <p>An element that was never set is zeros of a shape that only its reader knows: whoever takes an
 * element out of a list of gradients says the shape of the forward element.
 */
final class ListGradients {

  private ListGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    return Map.ofEntries(
        Map.entry("TensorListConcat", ListGradients::concat),
        Map.entry("TensorListConcatV2", ListGradients::concat),
        Map.entry("TensorListFromTensor", ListGradients::fromTensor),
        Map.entry("TensorListGather", ListGradients::gather),
        Map.entry("TensorListGetItem", ListGradients::getItem),
        Map.entry("TensorListPopBack", ListGradients::popBack),
        Map.entry("TensorListPushBack", ListGradients::pushBack),
        Map.entry("TensorListResize", ListGradients::resize),
        Map.entry("TensorListScatter", ListGradients::scatter),
        Map.entry("TensorListScatterIntoExistingList", ListGradients::scatterInto),
        Map.entry("TensorListScatterV2", ListGradients::scatter),
        Map.entry("TensorListSetItem", ListGradients::setItem),
        Map.entry("TensorListSplit", ListGradients::split),
        Map.entry("TensorListStack", ListGradients::stack));
  }

  /** Inputs: tensor, element shape. */
  private static List<Output<?>> fromTensor(GradientBuilder g) {
    Output<?> element = g.tail(g.shape(g.x(0)), 1);
    return List.of(of(g, "TensorListStack", 0).of(g.dy(0), element), g.zeros(1));
  }

  /** Inputs: list, element shape. */
  private static List<Output<?>> stack(GradientBuilder g) {
    return List.of(listOf(g, g.dy(0)), g.zeros(1));
  }

  /** Inputs: list, index, element shape. */
  private static List<Output<?>> getItem(GradientBuilder g) {
    Output<?> empty =
        of(g, "TensorListReserve", g.dy(0))
            .of(elementShape(g, 0), g.add("TensorListLength", g.x(0)));
    return List.of(g.add("TensorListSetItem", empty, g.x(1), g.dy(0)), g.zeros(1), g.zeros(2));
  }

  /** Inputs: list, index, item. */
  private static List<Output<?>> setItem(GradientBuilder g) {
    Output<?> item = g.x(2);
    return List.of(
        g.add("TensorListSetItem", g.dy(0), g.x(1), g.zeros(2)),
        g.zeros(1),
        of(g, "TensorListGetItem", item).of(g.dy(0), g.x(1), g.shape(item)));
  }

  /** Inputs: list, indices, element shape. An element that is taken twice gets the sum. */
  private static List<Output<?>> gather(GradientBuilder g) {
    Output<?> sums =
        g.add("UnsortedSegmentSum", g.dy(0), g.x(1), g.add("TensorListLength", g.x(0)));
    return List.of(listOf(g, sums), g.zeros(1), g.zeros(2));
  }

  /** Inputs: tensor, indices, element shape, and in version 2 the number of elements. */
  private static List<Output<?>> scatter(GradientBuilder g) {
    Output<?> byTensor = gathered(g, g.x(0), g.x(1));
    return g.inputs() == 3
        ? List.of(byTensor, g.zeros(1), g.zeros(2))
        : List.of(byTensor, g.zeros(1), g.zeros(2), g.zeros(3));
  }

  /** Inputs: list, tensor, indices. */
  private static List<Output<?>> scatterInto(GradientBuilder g) {
    return List.of(
        g.add("TensorListScatterIntoExistingList", g.dy(0), g.zeros(1), g.x(2)),
        gathered(g, g.x(1), g.x(2)),
        g.zeros(2));
  }

  private static Output<?> gathered(GradientBuilder g, Output<?> tensor, Output<?> indices) {
    return of(g, "TensorListGather", tensor).of(g.dy(0), indices, g.tail(g.shape(tensor), 1));
  }

  /** Inputs: list, tensor. */
  private static List<Output<?>> pushBack(GradientBuilder g) {
    GraphOperation popped = of(g, "TensorListPopBack", g.x(1)).build(g.dy(0), g.shape(g.x(1)));
    return List.of(popped.output(0), popped.output(1));
  }

  /** Inputs: list, element shape; outputs: the shorter list, the element. */
  private static List<Output<?>> popBack(GradientBuilder g) {
    return List.of(g.add("TensorListPushBack", g.dy(0), g.dy(1)), g.zeros(1));
  }

  /** Inputs: list, size. */
  private static List<Output<?>> resize(GradientBuilder g) {
    Output<?> length = g.add("TensorListLength", g.x(0));
    return List.of(g.add("TensorListResize", g.dy(0), length), g.zeros(1));
  }

  /** Outputs: tensor, lengths. Inputs: list, and in version 2 element shape, leading sizes. */
  private static List<Output<?>> concat(GradientBuilder g) {
    Output<?> byList = g.add("TensorListSplit", g.dy(0), elementShape(g, 0), g.y(1));
    return g.inputs() == 1 ? List.of(byList) : List.of(byList, g.zeros(1), g.zeros(2));
  }

  /** Inputs: tensor, element shape, lengths. */
  private static List<Output<?>> split(GradientBuilder g) {
    Output<?> element = g.concatenate(g.integers(-1), g.tail(g.shape(g.x(0)), 1));
    return List.of(
        of(g, "TensorListConcatV2", g.x(0)).of(g.dy(0), element, g.x(2)), g.zeros(1), g.zeros(2));
  }

  /** A list of the slices of a tensor along its first dimension. */
  private static Output<?> listOf(GradientBuilder g, Output<?> tensor) {
    return g.add("TensorListFromTensor", tensor, g.tail(g.shape(tensor), 1));
  }

  private static Output<?> elementShape(GradientBuilder g, int list) {
    return g.operation("TensorListElementShape")
        .attr("shape_type", DataType.DT_INT32)
        .of(g.x(list));
  }

  private static GradientBuilder.Node of(GradientBuilder g, String type, int input) {
    return of(g, type, g.x(input));
  }

  /** An operation on a list whose elements have the dtype of a tensor. */
  private static GradientBuilder.Node of(GradientBuilder g, String type, Output<?> element) {
    return g.operation(type).attr("element_dtype", TensorTypes.base(element.dataType()));
  }
}
