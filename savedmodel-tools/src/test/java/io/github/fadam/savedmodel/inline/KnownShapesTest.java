package io.github.fadam.savedmodel.inline;

import static io.github.fadam.savedmodel.inline.VariableModel.add;
import static io.github.fadam.savedmodel.inline.VariableModel.node;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;

/** Gradients of models whose batches have any number of rows: what of their shapes is known. */
class KnownShapesTest {

  private static final Shape OPEN = Shape.of(Shape.UNKNOWN_SIZE, 6, 6, 3);
  private static final Shape IMAGES = Shape.of(2, 6, 6, 3);

  @TempDir Path folder;

  /**
   * A model.
   *
   * @param found how many broadcasts and reductions its gradient measures in every step, besides
   *     that of the loss
   */
  private record Case(VariableModel model, long found) {

    @Override
    public String toString() {
      return model.name();
    }
  }

  private static Case of(String name, long found, BiFunction<Ops, Operand<?>[], Operand<?>> body) {
    return new Case(new VariableModel(name, OPEN, Shape.of(3), body), found);
  }

  static Stream<Case> cases() {
    return Stream.of(
        of(
            "a scale and an offset",
            0,
            (tf, x) -> add(tf, "AddV2", add(tf, "Mul", x[0], x[1]), x[1])),
        of("a difference", 0, (tf, x) -> add(tf, "Sub", x[1], x[0])),
        of(
            "silu",
            0,
            (tf, x) -> {
              Output<?> y = add(tf, "Mul", x[0], x[1]);
              Output<?> scaled = add(tf, "Mul", tf.constant(1.5f), y);
              return add(tf, "Mul", y, add(tf, "Sigmoid", scaled));
            }),
        of("a mean", 0, (tf, x) -> reduced(tf, "Mean", x, false, 1, 2)),
        of("a mean that keeps its dimensions", 0, (tf, x) -> reduced(tf, "Mean", x, true, -1)),
        of("a sum", 0, (tf, x) -> reduced(tf, "Sum", x, false, 3)),
        of("a mean over rows", 1, (tf, x) -> reduced(tf, "Mean", x, true, 0)),
        of(
            "rows and rows",
            1,
            (tf, x) -> add(tf, "Mul", add(tf, "Mul", x[0], x[1]), reduced(tf, "Mean", x, true, 1))),
        of(
            "a mean along what is no constant",
            1,
            (tf, x) -> {
              Output<?> axis = add(tf, "Sub", tf.constant(3), tf.constant(1));
              return add(tf, "Mean", add(tf, "Mul", x[0], x[1]), axis);
            }));
  }

  private static Output<?> reduced(
      Ops tf, String op, Operand<?>[] x, boolean kept, int... dimensions) {
    return node(tf, op, add(tf, "Mul", x[0], x[1]), tf.constant(dimensions))
        .setAttr("keep_dims", kept)
        .build()
        .output(0);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void onlyWhatIsOpenIsMeasured(Case tried) throws IOException {
    tried.model().write(folder);
    try (InlinedModel inlined = new InlinedModel(folder, IMAGES)) {
      long before = measuring(inlined);
      assertArrayEquals(inlined.bytes(inlined.original()), inlined.bytes(inlined.output()));
      float slope = inlined.slope(inlined.output());
      long ofLoss = 2; // its product and its sum
      assertEquals(tried.found(), measuring(inlined) - before - ofLoss);
      assertEquals(inlined.difference(inlined.original()), slope, 1e-2 * Math.abs(slope) + 1e-3);
    }
  }

  private static long measuring(InlinedModel inlined) {
    return ((Graph) inlined.tf.scope().env())
        .toGraphDef().getNodeList().stream()
            .filter(
                node ->
                    node.getOp().equals("BroadcastGradientArgs")
                        || node.getOp().equals("DynamicStitch"))
            .count();
  }
}
