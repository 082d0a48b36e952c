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

  @Test
  void oneModuleUpdatesEveryVariableAndSlotInPlace() throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Map<Operand<?>, Shape> fed = new LinkedHashMap<>();
      List<GradAndVar<? extends TType>> pairs = new ArrayList<>();
      for (Shape shape : List.of(Shape.of(64, 32), Shape.of(32))) {
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
    }
  }
}
