package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.NodeDef;

/**
 * Whether a training step was compiled, why, and what that has cost.
 *
 * @param compiled whether the step is one function that XLA compiles
 * @param reason what the choice follows from, for a person
 * @param smallerBatches what becomes of a batch with fewer rows than the others, for a person;
 *     empty where the step is not compiled
 * @param shapes the combinations of the inputs' shapes that were fed so far; XLA compiles once for
 *     each of them, nothing where the step is not compiled
 * @param seconds wall time of the first step with each of these combinations, added up: the time to
 *     compile, and a step each
 * @param measured median seconds of a step, {@code plain} and {@code compiled}; empty where they
 *     were not measured here
 */
public record Compilation(
    boolean compiled,
    String reason,
    String smallerBatches,
    List<String> shapes,
    double seconds,
    Map<String, Double> measured) {

  /**
   * Copies list and map.
   *
   * @param compiled see the record
   * @param reason see the record
   * @param smallerBatches see the record
   * @param shapes see the record
   * @param seconds see the record
   * @param measured see the record
   */
  public Compilation {
    shapes = List.copyOf(shapes);
    measured = Collections.unmodifiableMap(new LinkedHashMap<>(measured));
  }

  private static final Set<String> CONVOLUTIONS =
      Set.of(
          "Conv2D", "Conv3D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "FusedBatchNormV3");

  private static final Set<String> PRODUCTS = Set.of("MatMul", "BatchMatMulV2");

  /** What may stand between a variable and where it is used. */
  private static final Set<String> READS = Set.of("ReadVariableOp", "Identity", "Cast");

  /** A GRU's three matrices are one; an LSTM's are four, other cells' one. */
  private static final int GATES = 3;

  /** Time steps that were measured. Of fewer there may be layers that share a matrix by hand. */
  private static final int FEWEST_TIME_STEPS = 4;

  private static final int MOST_TIME_STEPS = 32;

  /**
   * What a choice means for a model's operations on a device.
   *
   * @param shapes operation that holds a variable to the variable's shape
   */
  static Compilation choose(
      Xla xla, Optional<Device> device, InlinePlan plan, Map<String, Shape> shapes) {
    if (xla != Xla.OFF && xla != Xla.STEP && device.equals(Optional.of(Device.TPU))) {
      return of(true, "a TPU runs nothing else");
    }
    return switch (xla) {
      case OFF -> of(false, "as it was asked for");
      case STEP -> of(true, "as it was asked for");
      case MEASURE -> of(false, "both are measured when training begins");
      case AUTO ->
          device.orElseGet(() -> Device.GPU.isAvailable() ? Device.GPU : Device.CPU) == Device.GPU
              ? of(false, "nothing was measured on a GPU")
              : automatic(plan, shapes);
    };
  }

  /** A choice, before anything was run. */
  static Compilation of(boolean compiled, String reason) {
    return new Compilation(compiled, reason, "", List.of(), 0, Map.of());
  }

  private static Compilation automatic(InlinePlan plan, Map<String, Shape> shapes) {
    if (has(plan, CONVOLUTIONS)) {
      return of(false, "convolutions are several times slower compiled for a CPU");
    }
    long steps = mostProducts(plan, shapes);
    if (steps > MOST_TIME_STEPS) {
      return of(false, "no GRU of more than " + MOST_TIME_STEPS + " time steps was measured");
    }
    return steps >= FEWEST_TIME_STEPS
        ? of(true, "a GRU, written out step by step, is faster compiled")
        : of(false, "only GRUs were measured to be faster compiled for a CPU");
  }

  /**
   * How often one matrix of a GRU's form is multiplied, at most: the time steps of a layer written
   * out.
   */
  private static long mostProducts(InlinePlan plan, Map<String, Shape> shapes) {
    Map<String, NodeDef> nodes =
        plan.nodes().stream().collect(Collectors.toMap(NodeDef::getName, Function.identity()));
    return plan.nodes().stream()
        .filter(node -> PRODUCTS.contains(node.getOp()))
        .map(node -> origin(nodes, node.getInput(1)))
        .filter(matrix -> isOfGru(shapes.getOrDefault(matrix, Shape.scalar())))
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()))
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .max()
        .orElse(0);
  }

  /** The matrix that takes the state to what the gates see. */
  private static boolean isOfGru(Shape shape) {
    return shape.numDimensions() == 2 && shape.get(1) == GATES * shape.get(0);
  }

  /** The operation that a matrix comes from. */
  private static String origin(Map<String, NodeDef> nodes, String tensor) {
    String found = tensor.split(":", 2)[0];
    NodeDef node = nodes.get(found);
    while (node != null && READS.contains(node.getOp())) {
      found = node.getInput(0).split(":", 2)[0];
      node = nodes.get(found);
    }
    return found;
  }

  private static boolean has(InlinePlan plan, Set<String> ops) {
    return plan.nodes().stream().map(NodeDef::getOp).anyMatch(ops::contains);
  }

  /** This and one more combination of shapes. */
  Compilation and(String shape, double first) {
    List<String> all = new ArrayList<>(shapes);
    all.add(shape);
    return new Compilation(compiled, reason, smallerBatches, all, seconds + first, measured);
  }

  /** This for another reason. */
  Compilation because(String other) {
    return new Compilation(compiled, other, smallerBatches, shapes, seconds, measured);
  }

  /** This, which follows from what was measured. */
  Compilation because(StepTimes times) {
    return new Compilation(
        compiled, times.toString(), smallerBatches, shapes, seconds, times.seconds());
  }

  /** This where smaller batches are filled up with rows that do not count. */
  Compilation filledUp() {
    return smaller("filled up with rows that do not count");
  }

  /** This where smaller batches stay as they are. */
  Compilation notFilledUp(String why) {
    return smaller("compiled for once more, because " + why);
  }

  private Compilation smaller(String batches) {
    return new Compilation(compiled, reason, batches, shapes, seconds, measured);
  }
}
