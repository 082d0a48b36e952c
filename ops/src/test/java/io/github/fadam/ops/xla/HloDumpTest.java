package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** What XLA makes of a function, seen in another process. */
class HloDumpTest {

  private static List<HloModule> modules(Kind kind) throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1)));
      Operand<TFloat32> initial = tf.withInitScope().constant(new float[64]);
      TrainableVariable a = TrainableVariable.create(tf, kind, "a", initial);
      TrainableVariable b = TrainableVariable.create(tf, kind, "b", initial);
      Operand<TFloat32> sum = tf.math.tanh(tf.math.add(x, tf.math.exp(x)));
      Op step =
          tf.withControlDependencies(List.of(a.assignSub(tf, sum), b.assignSub(tf, sum)))
              .withName("step")
              .noOp();
      try (XlaGraph compiled = XlaGraph.of(graph).target(step).build()) {
        return HloDump.of(
            compiled.graph(),
            Map.of(compiled.output(x), Shape.of(64)),
            List.of(compiled.operation(step)));
      }
    }
  }

  @Test
  void resourceVariablesAreUpdatedInPlaceInOneModule() throws IOException {
    List<HloModule> modules = modules(Kind.RESOURCE);
    assertEquals(1, modules.size());
    HloModule module = modules.get(0);
    assertEquals(2, module.aliases().size(), module.text());
    assertEquals(List.of(), module.hostTransfers());
    assertTrue(module.fusions() >= 1, module.text());
    // The values of reference variables come out beside them.
    assertEquals(List.of(), modules(Kind.REFERENCE).get(0).aliases());
  }

  @Test
  void waitsForTheHostAreSeen() {
    String text =
        """
        HloModule some, is_scheduled=true

        ENTRY main {
          x = f32[2]{0} parameter(0)
          sent = (f32[2]{0}, u32[], token[]) send(x, token), channel_id=1
          ROOT sum = f32[2]{0} fusion(x), kind=kLoop
        }
        """;
    List<String> transfers = new HloModule("some", text).hostTransfers();
    assertEquals(1, transfers.size());
    assertTrue(transfers.get(0).startsWith("sent ="), transfers.toString());
  }

  @Test
  void whatFailsThereIsReportedHere() {
    IOException failed =
        assertThrows(
            IOException.class,
            () -> HloDump.ofProcess(HloProcess.class.getName(), List.of("no-such-file")));
    assertTrue(failed.getMessage().contains("no-such-file"), failed.getMessage());
  }
}
