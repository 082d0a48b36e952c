package io.github.fadam.framework.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

/** A model's first step takes as long as its graph is large: what no rule asks for is left out. */
class StepNodesTest {

  @ParameterizedTest
  @EnumSource(Kind.class)
  void ofManyVariablesHyperParametersAreCastOnce(Kind kind) {
    assertEquals(count(Sgd::new, kind, 1, "Cast"), count(Sgd::new, kind, 5, "Cast"));
  }

  @Test
  void squaresAreForRulesThatAskForThem() {
    assertEquals(0, count(Sgd::new, Kind.RESOURCE, 5, "Square"));
    assertEquals(
        5 * count(Adam::new, Kind.RESOURCE, 1, "Square"),
        count(Adam::new, Kind.RESOURCE, 5, "Square"));
    assertNotEquals(0, count(Adam::new, Kind.RESOURCE, 1, "Square"));
  }

  @SuppressWarnings("unchecked") // the variables are float32
  private static long count(
      Function<Graph, RuleOptimizer> optimizer, Kind kind, int variables, String type) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> loss = tf.constant(0f);
      for (int i = 0; i < variables; i++) {
        TrainableVariable variable =
            TrainableVariable.create(tf, kind, "v" + i, tf.withInitScope().constant(i + 1f));
        loss = tf.math.add(loss, (Operand<TFloat32>) variable.read(tf));
      }
      optimizer.apply(graph).minimize(loss);
      Map<String, Long> types =
          graph.toGraphDef().getNodeList().stream()
              .collect(Collectors.groupingBy(NodeDef::getOp, Collectors.counting()));
      return types.getOrDefault(type, 0L);
    }
  }
}
