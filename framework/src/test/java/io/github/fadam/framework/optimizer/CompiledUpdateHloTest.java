package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import io.github.fadam.ops.xla.HloDump;
import io.github.fadam.ops.xla.HloModule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/** What XLA makes of an update. */
class CompiledUpdateHloTest {

  /** Large enough for sums to be cut into pieces. */
  private static final Shape MATRIX = Shape.of(128, 64);

  @Test
  void oneModuleUpdatesEveryVariableAndSlotInPlace() throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Map<Operand<?>, Shape> fed = new LinkedHashMap<>();
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      for (Shape shape : List.of(MATRIX, Shape.of(32))) {
        Ops init = tf.withInitScope();
        TrainableVariable variable =
            TrainableVariable.create(
                tf,
                Kind.RESOURCE,
                "variable" + fed.size(),
                init.fill(init.constant(shape.asArray()), init.constant(0.5f)));
        Placeholder<TFloat32> gradient = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
        fed.put(gradient, shape);
        pairs.add(FedStep.pair(gradient, variable));
      }
      FAdam optimizer = FAdam.builder(graph).kernel(Kernel.XLA).build();
      Op step = optimizer.applyGradients(pairs, "step");
      List<HloModule> modules = HloDump.of(graph, fed, List.of(step.op()));
      assertEquals(1, modules.size());
      HloModule module = modules.get(0);
      // Two variables with f and m each, and the step counter; the multiplier does not change.
      assertEquals(7, module.aliases().size(), module.text());
      assertEquals(List.of(), module.hostTransfers());
      assertTrue(module.fusions() > 0 && module.fusions() <= 40, "fusions " + module.fusions());
      // f, 1 / d, m and theta, and no intermediate value besides.
      assertEquals(4, results(module, "f32[128,64]"), module.text());
      // What of the matrix is squared and summed for the two clips is an eighth of it.
      assertEquals(2, results(module, "f64[16,64]"), module.text());
      assertEquals(0, results(module, "f64[128,64]"), module.text());
    }
  }

  /** Number of values of a shape that the module stores. */
  private static long results(HloModule module, String shape) {
    String entry = module.text().substring(module.text().indexOf("ENTRY"));
    return entry
        .lines()
        .filter(line -> line.contains(" = " + shape) && !line.contains(" parameter("))
        .count();
  }
}
