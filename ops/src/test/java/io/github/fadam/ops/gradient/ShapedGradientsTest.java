package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Short gradients against TensorFlow's own: the same bits, by fewer operations. */
class ShapedGradientsTest {

  private static final long OPEN = Shape.UNKNOWN_SIZE;

  /**
   * Two tensors that are broadcast.
   *
   * @param left known shape of the first, whose open size is fed
   * @param right known shape of the second
   */
  private record Pair(String op, Shape left, Shape right) {}

  /**
   * A tensor that is reduced.
   *
   * @param input its known shape
   */
  private record Reduction(String op, Shape input, List<Long> axes, boolean kept) {

    long[] places() {
      return axes.stream().mapToLong(Long::longValue).toArray();
    }
  }

  static Stream<Pair> pairs() {
    return ShapedGradients.broadcasting().stream()
        .flatMap(
            op ->
                Stream.of(
                    new Pair(op, Shape.of(OPEN, 3, 2), Shape.of(2)),
                    new Pair(op, Shape.of(2), Shape.of(OPEN, 3, 2)),
                    new Pair(op, Shape.of(OPEN, 1, 1, 2), Shape.of(2)),
                    new Pair(op, Shape.of(OPEN, 3, 2), Shape.of(1, 1, 2)),
                    new Pair(op, Shape.of(OPEN, 3, 2), Shape.scalar()),
                    new Pair(op, Shape.of(OPEN, 1, 2), Shape.of(1, 3, 1)),
                    new Pair(op, Shape.of(4, 3), Shape.of(4, 3)),
                    new Pair(op, Shape.scalar(), Shape.scalar())));
  }

  static Stream<Reduction> reductions() {
    return ShapedGradients.reducing().stream()
        .flatMap(
            op ->
                Stream.of(true, false)
                    .flatMap(
                        kept ->
                            Stream.of(
                                new Reduction(op, Shape.of(OPEN, 3, 2), List.of(1L, 2L), kept),
                                new Reduction(op, Shape.of(OPEN, 3, 2), List.of(-1L), kept),
                                new Reduction(op, Shape.of(3, 2), List.of(0L, 1L), kept),
                                new Reduction(op, Shape.of(3, 2), List.of(), kept))));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aBroadcastHasTensorFlowsGradients(Pair pair) {
    String known = ShapedGradients.broadcast(pair.left(), pair.right()).orElseThrow();
    for (long rows : new long[] {1, 5}) {
      compare(pair.op(), List.of(pair.left(), pair.right()), List.of(), rows, known, true);
    }
  }

  @Test
  void tensorsOfOneShapeAreNotSummed() {
    Shape open = Shape.of(OPEN, OPEN);
    compare("Mul", List.of(open, open), List.of(), 4, ShapedGradients.sameShape(), true);
  }

  @ParameterizedTest
  @MethodSource("reductions")
  void aReductionHasTensorFlowsGradient(Reduction reduction) {
    String known =
        ShapedGradients.reduction(reduction.input(), reduction.places(), reduction.kept())
            .orElseThrow();
    int[] axes = reduction.axes().stream().mapToInt(Long::intValue).toArray();
    for (long rows : new long[] {1, 5}) {
      compare(
          reduction.op(), List.of(reduction.input()), List.of(axes), rows, known, reduction.kept());
    }
  }

  /** What two sizes that are open may be to each other is known in the run only. */
  @Test
  void whatDependsOnOpenSizesIsLeftToTensorFlow() {
    Shape rows = Shape.of(OPEN, 2);
    assertEquals(Optional.empty(), ShapedGradients.broadcast(rows, rows));
    assertEquals(Optional.empty(), ShapedGradients.broadcast(rows, Shape.of(7, 2)));
    assertEquals(Optional.empty(), ShapedGradients.broadcast(Shape.unknown(), Shape.of(2)));
    assertEquals(Optional.empty(), ShapedGradients.broadcast(Shape.of(1, 2), Shape.of(3, 4, 2)));
    assertEquals(Optional.empty(), ShapedGradients.reduction(rows, new long[] {0}, true));
    assertEquals(Optional.empty(), ShapedGradients.reduction(rows, new long[] {2}, true));
    assertEquals(
        Optional.empty(),
        ShapedGradients.reduction(Shape.of(OPEN, OPEN, 2), new long[] {2}, false));
    assertEquals(
        Optional.empty(), ShapedGradients.reduction(Shape.unknown(), new long[] {0}, true));
  }

  /** What is told wrongly shows: the comparison can fail. */
  @Test
  void anotherShapesAttributeGivesAnotherGradient() {
    try (Run run = new Run("Mul", List.of(Shape.of(3, 2), Shape.of(2)), List.of(), 3)) {
      String wrong = ShapedGradients.broadcast(Shape.of(3, 2), Shape.of(1, 2)).orElseThrow();
      List<Output<?>> gradients = run.gradients(run.identity(wrong, true));
      assertEquals(Shape.of(1, 2), gradients.get(1).shape());
    }
  }

  private static void compare(
      String op, List<Shape> shapes, List<int[]> axes, long rows, String known, boolean kept) {
    try (Run run = new Run(op, shapes, axes, rows)) {
      List<Output<?>> expected = run.gradients(run.value(kept));
      int before = run.count();
      List<Output<?>> found = run.gradients(run.identity(known, kept));
      assertFalse(run.typesSince(before).contains("BroadcastGradientArgs"));
      assertFalse(run.typesSince(before).contains("DynamicStitch"));
      for (int i = 0; i < expected.size(); i++) {
        assertArrayEquals(run.values(expected.get(i)), run.values(found.get(i)));
      }
    }
  }

  /** One operation, and its gradients weighted by other numbers for each element. */
  private static final class Run implements AutoCloseable {

    private final Graph graph = new Graph();
    private final Session session = new Session(graph);
    private final Ops tf = Ops.create(graph);
    private final String op;
    private final List<Operand<?>> inputs = new ArrayList<>();
    private final List<TrainableVariable> variables = new ArrayList<>();

    Run(String op, List<Shape> shapes, List<int[]> axes, long rows) {
      this.op = op;
      Random random = new Random(3);
      for (Shape shape : shapes) {
        long[] sizes = shape.asArray();
        for (int i = 0; i < sizes.length; i++) {
          sizes[i] = sizes[i] == OPEN ? rows : sizes[i];
        }
        Shape fed = Shape.of(sizes);
        float[] values = new float[(int) fed.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian();
        }
        TrainableVariable variable =
            TrainableVariable.create(
                tf,
                TrainableVariable.Kind.RESOURCE,
                "w" + inputs.size(),
                tf.constant(fed, DataBuffers.of(values)));
        variables.add(variable);
        // A default for a placeholder: only what the test says is known of the shape.
        inputs.add(Raw.op(tf, "PlaceholderWithDefault").attr("shape", shape).in(variable.read(tf)));
      }
      axes.forEach(list -> inputs.add(tf.constant(list)));
      session.initialize();
    }

    Output<?> value(boolean kept) {
      Raw node = Raw.op(tf, op);
      if (ShapedGradients.reducing().contains(op)) {
        node.attr("keep_dims", kept);
      }
      return node.in(inputs.toArray(Operand<?>[]::new));
    }

    Output<?> identity(String known, boolean kept) {
      List<Operand<?>> all = new ArrayList<>();
      all.add(Raw.of(tf, "StopGradient", value(kept)));
      all.addAll(inputs);
      return Raw.op(tf, "IdentityN")
          .list(all.toArray(Operand<?>[]::new))
          .attr(RepairedGradients.TYPE, op)
          .attr(RepairedGradients.PREFIX + "keep_dims", kept)
          .attr(ShapedGradients.KNOWN, known)
          .in();
    }

    List<Output<?>> gradients(Output<?> y) {
      return new ArrayList<>(Gradients.of(Raw.of(tf, "Sin", y), variables).gradients().values());
    }

    int count() {
      return types().size();
    }

    /** Types of the operations added since. */
    List<String> typesSince(int count) {
      List<String> types = types();
      return types.subList(count, types.size());
    }

    private List<String> types() {
      List<String> types = new ArrayList<>();
      for (Iterator<GraphOperation> all = graph.operations(); all.hasNext(); ) {
        Operation operation = all.next();
        types.add(operation.type());
      }
      return types;
    }

    float[] values(Output<?> tensor) {
      try (Result result = session.runner().fetch(tensor).run()) {
        TFloat32 values = (TFloat32) result.get(0);
        float[] read = new float[(int) values.size()];
        values.copyTo(NdArrays.wrap(values.shape(), DataBuffers.of(read, false, false)));
        return read;
      }
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }
}
