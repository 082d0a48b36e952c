package io.github.fadam.ops.gradient;

import java.util.List;
import org.tensorflow.Output;

/**
 * The gradient of a dilated Conv2D of stride 1, NHWC. TensorFlow's kernels for it know no dilation
 * on most processors, the forward kernel does; and with it both gradients can be written:
 *
 * <ul>
 *   <li>by the input: dy, padded, convolved with the filter turned around, with the same dilation;
 *   <li>by the filter: the padded input convolved with dy, where examples are channels and the
 *       dilation is the stride.
 * </ul>
 */
final class DilatedConvolution {

  private final GradientBuilder g;
  private final long[] dilations;
  private final Output<?> reach;
  private final Output<?> before;
  private final Output<?> after;

  private DilatedConvolution(GradientBuilder g) {
    this.g = g;
    dilations = g.integersAttribute("dilations");
    Output<?> kernel = g.add("Slice", g.shape(g.x(1)), g.integers(0), g.integers(2));
    Output<?> steps = g.integers(Math.toIntExact(dilations[1]), Math.toIntExact(dilations[2]));
    reach = g.times(steps, g.minus(kernel, g.integer(1)));
    switch (g.textAttribute("padding")) {
      case "SAME" -> {
        before = g.add("FloorDiv", reach, g.integer(2));
        after = g.minus(reach, before);
      }
      case "EXPLICIT" -> {
        long[] pads = g.integersAttribute("explicit_paddings");
        before = g.integers(Math.toIntExact(pads[2]), Math.toIntExact(pads[4]));
        after = g.integers(Math.toIntExact(pads[3]), Math.toIntExact(pads[5]));
      }
      default -> {
        before = g.integers(0, 0);
        after = before;
      }
    }
  }

  static List<Output<?>> gradients(GradientBuilder g) {
    DilatedConvolution convolution = new DilatedConvolution(g);
    return List.of(convolution.byInput(), convolution.byFilter());
  }

  private Output<?> byInput() {
    Output<?> padded = padded(g.dy(0), g.minus(reach, before), g.minus(reach, after));
    Output<?> turned = g.add("ReverseV2", g.x(1), g.integers(0, 1));
    Output<?> filter = g.add("Transpose", turned, g.integers(0, 1, 3, 2));
    return g.operation("Conv2D")
        .attr("strides", 1, 1, 1, 1)
        .attr("dilations", dilations)
        .attr("padding", "VALID")
        .of(padded, filter);
  }

  private Output<?> byFilter() {
    Output<?> padded = padded(g.x(0), before, after);
    Output<?> images = g.add("Transpose", padded, g.integers(3, 1, 2, 0));
    Output<?> filter = g.add("Transpose", g.dy(0), g.integers(1, 2, 0, 3));
    Output<?> sums =
        g.operation("Conv2D")
            .attr("strides", dilations)
            .attr("padding", "VALID")
            .of(images, filter);
    return g.add("Transpose", sums, g.integers(1, 2, 0, 3));
  }

  private Output<?> padded(Output<?> image, Output<?> before, Output<?> after) {
    Output<?> none = g.integers(0);
    Output<?>[] sides = {
      g.concatenate(none, before, none), g.concatenate(none, after, none),
    };
    return g.add("Pad", image, g.operation("Pack").attr("axis", 1).ofList(sides));
  }
}
