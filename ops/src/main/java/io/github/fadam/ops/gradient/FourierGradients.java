package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TensorTypes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Fourier transforms of the last one, two or three dimensions. A transform is linear: its gradient
 * is its adjoint, which is the inverse transform times the number of elements.
 */
final class FourierGradients {

  private FourierGradients() {}

  static Map<String, GradientBuilder.Formula> formulas() {
    Map<String, GradientBuilder.Formula> formulas = new HashMap<>();
    for (int i = 1; i <= 3; i++) {
      int rank = i;
      String suffix = rank == 1 ? "FFT" : "FFT" + rank + "D";
      formulas.put(suffix, g -> transform(g, "I" + suffix, rank, true));
      formulas.put("I" + suffix, g -> transform(g, suffix, rank, false));
      formulas.put("R" + suffix, g -> ofReal(g, "I" + suffix));
      formulas.put("IR" + suffix, g -> toReal(g, "R" + suffix));
    }
    return formulas;
  }

  private static List<Output<?>> transform(
      GradientBuilder g, String inverse, int rank, boolean forward) {
    Output<?> shape = g.shape(g.x(0));
    Output<?> sizes =
        g.add(
            "Slice",
            shape,
            g.reshape(g.minus(g.add("Rank", g.x(0)), g.integer(rank)), g.integers(1)),
            g.integers(rank));
    Output<?> count = count(g, sizes, g.dy(0).dataType());
    Output<?> transformed = g.add(inverse, g.dy(0));
    return List.of(forward ? g.times(transformed, count) : g.add("RealDiv", transformed, count));
  }

  /**
   * Inputs: real tensor, sizes that it is cut or padded to. The output's second half, which the
   * operation leaves out, has no gradient of its own.
   */
  private static List<Output<?>> ofReal(GradientBuilder g, String inverse) {
    Output<?> sizes = g.x(1);
    Output<?> last = g.reshape(g.lastOf(sizes), g.integers(1));
    Output<?> half = g.shape(g.dy(0));
    Output<?> full = g.concatenate(g.head(half), last);
    Output<?> padded = fit(g, g.dy(0), full);
    Output<?> sum = g.times(g.add(inverse, padded), count(g, sizes, g.dy(0).dataType()));
    Output<?> real = g.operation("Real").attr("Tout", TensorTypes.base(g.x(0).dataType())).of(sum);
    return List.of(fit(g, real, g.shape(g.x(0))), g.zeros(1));
  }

  /**
   * Inputs: first half of a spectrum, sizes of the result. An element stands for itself and for its
   * mirror image, but for the first and, of an even size, the last.
   */
  private static List<Output<?>> toReal(GradientBuilder g, String forward) {
    Output<?> sizes = g.x(1);
    DataType complex = TensorTypes.base(g.x(0).dataType());
    Output<?> spectrum = g.operation(forward).attr("Tcomplex", complex).of(g.dy(0), sizes);
    Output<?> n = g.lastOf(sizes);
    Output<?> places = g.add("Range", g.integer(0), g.lastOf(g.shape(spectrum)), g.integer(1));
    Output<?> alone =
        g.add(
            "LogicalOr",
            g.add("Equal", places, g.integer(0)),
            g.add("Equal", g.plus(places, places), n));
    Output<?> weights = g.add("SelectV2", alone, g.integer(1), g.integer(2));
    Output<?> weighed =
        g.add("RealDiv", g.times(spectrum, complex(g, weights, complex)), count(g, sizes, complex));
    return List.of(fit(g, weighed, g.shape(g.x(0))), g.zeros(1));
  }

  private static Output<?> count(GradientBuilder g, Output<?> sizes, DataType complex) {
    return complex(g, g.add("Prod", sizes, g.integer(0)), complex);
  }

  private static Output<?> complex(GradientBuilder g, Output<?> integers, DataType complex) {
    return g.cast(g.cast(integers, DataType.DT_DOUBLE), complex);
  }

  /** Cuts a tensor, or pads it with zeros at the end, to a shape. */
  private static Output<?> fit(GradientBuilder g, Output<?> value, Output<?> shape) {
    Output<?> size = g.add("Minimum", g.shape(value), shape);
    Output<?> cut = g.add("Slice", value, g.add("ZerosLike", size), size);
    Output<?> missing = g.minus(shape, size);
    Output<?> paddings =
        g.operation("Pack")
            .attr("axis", 1)
            .ofList(new Output<?>[] {g.add("ZerosLike", missing), missing});
    return g.add("Pad", cut, paddings);
  }
}
