package io.github.fadam.ops.gradient;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Output;

/**
 * Operations through which no gradient flows by definition, but whose gradient TensorFlow asks for
 * when they lie between a variable and the loss: steps, choices, tests, and what takes only a shape
 * from a variable, such as random numbers and empty lists.
 */
final class ZeroGradients {

  static final Set<String> TYPES =
      Set.of(
          "All",
          "Any",
          "ArgMax",
          "ArgMin",
          "Bucketize",
          "Ceil",
          "EmptyTensorList",
          "FloorDiv",
          "InTopK",
          "InTopKV2",
          "IsFinite",
          "IsInf",
          "IsNan",
          "LinSpace",
          "LogicalXor",
          "LowerBound",
          "Multinomial",
          "OnesLike",
          "RandomStandardNormal",
          "RandomUniform",
          "RandomUniformInt",
          "Range",
          "Rint",
          "Round",
          "StatelessMultinomial",
          "StatelessRandomNormal",
          "StatelessRandomNormalV2",
          "StatelessRandomUniform",
          "StatelessRandomUniformV2",
          "StatelessTruncatedNormal",
          "StatelessTruncatedNormalV2",
          "TensorListElementShape",
          "TensorListLength",
          "TensorListReserve",
          "TruncateDiv",
          "TruncatedNormal",
          "UpperBound",
          "Where");

  private ZeroGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    Map<String, GradientBuilder.Formula> formulas = new HashMap<>();
    TYPES.forEach(type -> formulas.put(type, ZeroGradients::zeros));
    return formulas;
  }

  private static List<Output<?>> zeros(GradientBuilder g) {
    List<Output<?>> zeros = new ArrayList<>();
    for (int i = 0; i < g.inputs(); i++) {
      zeros.add(g.zeros(i));
    }
    return zeros;
  }
}
