package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.GradientBuilder.Formula;
import io.github.fadam.ops.runtime.RegisteredOps;
import io.github.fadam.ops.variable.TensorTypes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.tensorflow.Output;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * Right gradients for operations to which TensorFlow's C++ side gives wrong ones.
 *
 * <p>A registered gradient cannot be replaced. So whoever builds the graph puts an {@code
 * IdentityN} behind such an operation, in which its outputs and its inputs come together:
 *
 * <pre>
 * y0 = Conv2D(x, w)
 * y, _, _ = IdentityN(StopGradient(y0), x, w)
 * </pre>
 *
 * <p>with the attribute {@link #TYPE} = "Conv2D" and the attributes of Conv2D, each under its name
 * with {@link #PREFIX} before it. The value is that of the operation. The gradient by y goes, by
 * the formula for Conv2D that is registered here for such an {@code IdentityN}, to x and w, and
 * none to y0. What stands around the operation computes nothing, and XLA compiles it.
 */
public final class RepairedGradients {

  /** Attribute of the {@code IdentityN}: type of the operation whose gradient it has. */
  public static final String TYPE = "_fadam_gradient";

  /** What stands before the names of the operation's attributes on the {@code IdentityN}. */
  public static final String PREFIX = "_fadam_gradient_";

  private static final String[] CONVOLUTION = {
    "strides", "padding", "explicit_paddings", "data_format", "dilations"
  };

  /**
   * One repair.
   *
   * @param needed whether TensorFlow's gradient is wrong, or may be, for a node's attributes
   * @param formula the right one; x and y are the operation's inputs and outputs
   */
  private record Repair(Predicate<NodeDef> needed, Formula formula) {}

  private static final Map<String, Repair> REPAIRS =
      Map.ofEntries(
          Map.entry(
              "Angle", new Repair(isOf("T", DataType.DT_COMPLEX128), RepairedGradients::angle)),
          Map.entry("Atan2", new Repair(RepairedGradients::always, RepairedGradients::atan2)),
          Map.entry(
              "Complex", new Repair(isOf("T", DataType.DT_DOUBLE), RepairedGradients::complex)),
          Map.entry(
              "Conv2D",
              new Repair(
                  node -> isPlainlyDilated(node) || (isExplicitlyPadded(node) && !isDilated(node)),
                  RepairedGradients::conv2d)),
          Map.entry(
              "DepthToSpace",
              new Repair(RepairedGradients::hasChannelsFirst, g -> blocks(g, "SpaceToDepth"))),
          Map.entry(
              "DepthwiseConv2dNative",
              new Repair(
                  node -> isExplicitlyPadded(node) && !isDilated(node),
                  RepairedGradients::depthwise)),
          Map.entry("Imag", new Repair(isOf("T", DataType.DT_COMPLEX128), g -> part(g, true))),
          Map.entry("LRN", new Repair(RepairedGradients::always, RepairedGradients::localResponse)),
          Map.entry(
              "MaxPool",
              new Repair(RepairedGradients::isExplicitlyPadded, RepairedGradients::maxPool)),
          Map.entry(
              "QuantizeAndDequantizeV4",
              new Repair(RepairedGradients::always, RepairedGradients::quantization)),
          Map.entry("Real", new Repair(isOf("T", DataType.DT_COMPLEX128), g -> part(g, false))),
          Map.entry(
              "SoftmaxCrossEntropyWithLogits",
              new Repair(RepairedGradients::always, RepairedGradients::softmaxCrossEntropy)),
          Map.entry(
              "SpaceToDepth",
              new Repair(RepairedGradients::hasChannelsFirst, g -> blocks(g, "DepthToSpace"))));

  private RepairedGradients() {}

  /**
   * The types of operations that may need a repair.
   *
   * @return sorted types
   */
  public static Set<String> types() {
    return new TreeSet<>(REPAIRS.keySet());
  }

  /**
   * Whether TensorFlow's gradient of a node is, or may be, wrong and a right one is known.
   *
   * @param node a node with all of its attributes but those that have their default
   * @return whether to put an {@code IdentityN} behind it; false on Windows, where no gradient can
   *     be registered
   */
  public static boolean isNeeded(NodeDef node) {
    Repair repair = REPAIRS.get(node.getOp());
    return repair != null && GradientRegistry.isAvailable() && repair.needed.test(node);
  }

  static Formula formula(String type) {
    Repair repair = REPAIRS.get(type);
    return repair != null
        ? repair.formula
        : ShapedGradients.formula(type)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "Expected one of "
                            + types()
                            + ", "
                            + ShapedGradients.broadcasting()
                            + ", "
                            + ShapedGradients.reducing()
                            + " in the attribute "
                            + TYPE
                            + ", found "
                            + type
                            + "."));
  }

  /**
   * The formula's by the operation's inputs. By its outputs, which come first, anything will do:
   * they stop gradients.
   */
  static List<Output<?>> ofIdentity(GradientBuilder g) {
    GradientBuilder repaired = g.ofRepaired();
    int outputs = g.inputs() - repaired.inputs();
    List<Output<?>> gradients = new ArrayList<>(g.allDy().subList(0, outputs));
    gradients.addAll(formula(repaired.type()).apply(repaired));
    return gradients;
  }

  private static OpDef definition(String type) {
    return RegisteredOps.find(type).orElseThrow();
  }

  /** Number of the inputs of a type of operation that can need a repair: none takes a list. */
  static int inputs(String type) {
    return definition(type).getInputArgCount();
  }

  /** Value of an attribute of a node: from the node, or its default. */
  private static AttrValue attribute(NodeDef node, String name) {
    AttrValue value = node.getAttrMap().get(name);
    return value != null
        ? value
        : definition(node.getOp()).getAttrList().stream()
            .filter(attribute -> attribute.getName().equals(name))
            .findFirst()
            .map(OpDef.AttrDef::getDefaultValue)
            .orElse(AttrValue.getDefaultInstance());
  }

  private static boolean always(NodeDef node) {
    return true;
  }

  private static Predicate<NodeDef> isOf(String attribute, DataType type) {
    return node -> attribute(node, attribute).getType() == type;
  }

  private static boolean isDilated(NodeDef node) {
    return attribute(node, "dilations").getList().getIList().stream().anyMatch(size -> size != 1);
  }

  /** Stride 1 in the order NHWC: Keras allows no other stride with a dilation either. */
  private static boolean isPlainlyDilated(NodeDef node) {
    return isDilated(node)
        && !hasChannelsFirst(node)
        && attribute(node, "strides").getList().getIList().stream().allMatch(size -> size == 1);
  }

  private static boolean isExplicitlyPadded(NodeDef node) {
    return attribute(node, "padding").getS().toStringUtf8().equals("EXPLICIT");
  }

  private static boolean hasChannelsFirst(NodeDef node) {
    return !attribute(node, "data_format").getS().toStringUtf8().equals("NHWC");
  }

  private static List<Output<?>> conv2d(GradientBuilder g) {
    if (Arrays.stream(g.integersAttribute("dilations")).anyMatch(size -> size != 1)) {
      return DilatedConvolution.gradients(g);
    }
    return List.of(
        g.operation("Conv2DBackpropInput").copy(CONVOLUTION).of(g.shape(g.x(0)), g.x(1), g.dy(0)),
        g.operation("Conv2DBackpropFilter").copy(CONVOLUTION).of(g.x(0), g.shape(g.x(1)), g.dy(0)));
  }

  private static List<Output<?>> depthwise(GradientBuilder g) {
    return List.of(
        g.operation("DepthwiseConv2dNativeBackpropInput")
            .copy(CONVOLUTION)
            .of(g.shape(g.x(0)), g.x(1), g.dy(0)),
        g.operation("DepthwiseConv2dNativeBackpropFilter")
            .copy(CONVOLUTION)
            .of(g.x(0), g.shape(g.x(1)), g.dy(0)));
  }

  private static List<Output<?>> maxPool(GradientBuilder g) {
    return List.of(
        g.operation("MaxPoolGrad")
            .copy("ksize", "strides", "padding", "explicit_paddings", "data_format")
            .of(g.x(0), g.y(0), g.dy(0)));
  }

  private static List<Output<?>> localResponse(GradientBuilder g) {
    return List.of(
        g.operation("LRNGrad")
            .copy("depth_radius", "bias", "alpha", "beta")
            .of(g.dy(0), g.x(0), g.y(0)));
  }

  /** The other way round puts every element back. */
  private static List<Output<?>> blocks(GradientBuilder g, String inverse) {
    return List.of(g.operation(inverse).copy("block_size", "data_format").of(g.dy(0)));
  }

  private static List<Output<?>> quantization(GradientBuilder g) {
    var by =
        g.operation("QuantizeAndDequantizeV4Grad")
            .copy("axis")
            .build(g.dy(0), g.x(0), g.x(1), g.x(2));
    return List.of(by.output(0), by.output(1), by.output(2));
  }

  /** atan2(y, x): by y it is x / (x^2 + y^2), by x it is -y / (x^2 + y^2). */
  private static List<Output<?>> atan2(GradientBuilder g) {
    Output<?> y = g.x(0);
    Output<?> x = g.x(1);
    Output<?> share = g.add("RealDiv", g.dy(0), g.plus(g.square(x), g.square(y)));
    return List.of(
        g.unbroadcast(g.times(share, x), 0, 1), g.unbroadcast(g.minus(g.times(share, y)), 1, 0));
  }

  /**
   * Inputs: logits, labels, either broadcast along the batch; outputs: loss, softmax - labels. By
   * the labels it is -log softmax; where output 1 is itself used, see the sparse operation.
   */
  private static List<Output<?>> softmaxCrossEntropy(GradientBuilder g) {
    Output<?> weights = g.add("ExpandDims", g.dy(0), g.integer(-1));
    Output<?> softmax = g.plus(g.y(1), g.x(1));
    Output<?> byLogits = g.times(weights, g.y(1));
    Output<?> byLabels = g.minus(g.times(weights, g.add("LogSoftmax", g.x(0))));
    if (g.isUsed(1)) {
      Output<?> along =
          g.operation("Sum").attr("keep_dims", true).of(g.times(softmax, g.dy(1)), g.integer(-1));
      byLogits = g.plus(byLogits, g.times(softmax, g.minus(g.dy(1), along)));
      byLabels = g.minus(byLabels, g.dy(1));
    }
    return List.of(
        g.unbroadcast(byLogits, g.x(0), g.y(1)), g.unbroadcast(byLabels, g.x(1), g.y(1)));
  }

  private static List<Output<?>> complex(GradientBuilder g) {
    return List.of(
        g.unbroadcast(realPart(g, "Real"), 0, 1), g.unbroadcast(realPart(g, "Imag"), 1, 0));
  }

  private static Output<?> realPart(GradientBuilder g, String type) {
    return g.operation(type).attr("Tout", TensorTypes.base(g.x(0).dataType())).of(g.dy(0));
  }

  private static List<Output<?>> part(GradientBuilder g, boolean imaginary) {
    Output<?> zero = g.add("ZerosLike", g.dy(0));
    Output<?> real = imaginary ? zero : g.dy(0);
    return List.of(complexOf(g, real, imaginary ? g.dy(0) : zero));
  }

  /** The angle of z = a + ib: by a it is -b / |z|^2, by b it is a / |z|^2. */
  private static List<Output<?>> angle(GradientBuilder g) {
    DataType type = TensorTypes.base(g.dy(0).dataType());
    Output<?> a = g.operation("Real").attr("Tout", type).of(g.x(0));
    Output<?> b = g.operation("Imag").attr("Tout", type).of(g.x(0));
    Output<?> share = g.add("RealDiv", g.dy(0), g.plus(g.square(a), g.square(b)));
    return List.of(complexOf(g, g.minus(g.times(share, b)), g.times(share, a)));
  }

  private static Output<?> complexOf(GradientBuilder g, Output<?> real, Output<?> imaginary) {
    return g.operation("Complex")
        .attr("Tout", TensorTypes.base(g.x(0).dataType()))
        .of(real, imaginary);
  }
}
