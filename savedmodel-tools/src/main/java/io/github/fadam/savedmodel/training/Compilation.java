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

  /** More products with one matrix than layers share it by hand. */
  private static final int TIME_STEPS = 3;

  /**
   * XLA computes the gradient of a cell's state again for each time step behind it, T * T of them:
   * 8 steps were measured to take longer compiled, and more so 16 and 32.
   */
  private static final int MOST_TIME_STEPS = 7;

  /** What a choice means for a model's operations on a device. */
  static Compilation choose(Xla xla, Optional<Device> device, InlinePlan plan) {
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
              : automatic(plan);
    };
  }

  /** A choice, before anything was run. */
  static Compilation of(boolean compiled, String reason) {
    return new Compilation(compiled, reason, "", List.of(), 0, Map.of());
  }

  private static Compilation automatic(InlinePlan plan) {
    if (has(plan, CONVOLUTIONS)) {
      return of(false, "convolutions are several times slower compiled for a CPU");
    }
    long products = mostProducts(plan);
    if (products > MOST_TIME_STEPS) {
      return of(
          false,
          "a recurrent layer of more than "
              + MOST_TIME_STEPS
              + " time steps is slower compiled for a CPU, the more the longer it is");
    }
    return products >= TIME_STEPS
        ? of(true, "a recurrent layer of few time steps is unrolled, which is faster compiled")
        : of(false, "only short recurrent layers were measured to be faster compiled for a CPU");
  }

  /**
   * How often one matrix is multiplied, at most: the time steps of a recurrent layer written out.
   */
  private static long mostProducts(InlinePlan plan) {
    Map<String, NodeDef> nodes =
        plan.nodes().stream().collect(Collectors.toMap(NodeDef::getName, Function.identity()));
    return plan.nodes().stream()
        .filter(node -> PRODUCTS.contains(node.getOp()))
        .collect(
            Collectors.groupingBy(node -> origin(nodes, node.getInput(1)), Collectors.counting()))
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .max()
        .orElse(0);
  }

  private static String origin(Map<String, NodeDef> nodes, String tensor) {
    String found = tensor;
    NodeDef node = nodes.get(found.split(":", 2)[0]);
    while (node != null && READS.contains(node.getOp())) {
      found = node.getInput(0);
      node = nodes.get(found.split(":", 2)[0]);
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
