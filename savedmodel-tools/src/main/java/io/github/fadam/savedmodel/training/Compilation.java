package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
 */
public record Compilation(
    boolean compiled, String reason, String smallerBatches, List<String> shapes, double seconds) {

  /**
   * Copies the list.
   *
   * @param compiled see the record
   * @param reason see the record
   * @param smallerBatches see the record
   * @param shapes see the record
   * @param seconds see the record
   */
  public Compilation {
    shapes = List.copyOf(shapes);
  }

  private static final Set<String> CONVOLUTIONS =
      Set.of(
          "Conv2D", "Conv3D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "FusedBatchNormV3");

  private static final Set<String> STEPS_OF_A_LOOP =
      Set.of("TensorListGetItem", "TensorListSetItem");

  /** What a choice means for a model's operations on a device. */
  static Compilation choose(Xla xla, Optional<Device> device, InlinePlan plan) {
    return switch (xla) {
      case OFF -> not("as it was asked for");
      case STEP -> new Compilation(true, "as it was asked for", "", List.of(), 0);
      case AUTO ->
          switch (device.orElseGet(() -> Device.GPU.isAvailable() ? Device.GPU : Device.CPU)) {
            case CPU -> automatic(plan);
            case GPU -> not("nothing was measured on a GPU");
            case TPU -> new Compilation(true, "a TPU runs nothing else", "", List.of(), 0);
          };
    };
  }

  /** A step that is not compiled. */
  static Compilation not(String reason) {
    return new Compilation(false, reason, "", List.of(), 0);
  }

  private static Compilation automatic(InlinePlan plan) {
    boolean convolves = has(plan, CONVOLUTIONS);
    boolean loops = has(plan, STEPS_OF_A_LOOP);
    if (loops && !convolves) {
      return new Compilation(
          true, "a recurrent layer is unrolled, which is faster compiled", "", List.of(), 0);
    }
    return not(
        convolves
            ? "convolutions are several times slower compiled for a CPU"
            : "only unrolled recurrent layers were measured to be faster compiled for a CPU");
  }

  private static boolean has(InlinePlan plan, Set<String> ops) {
    return plan.nodes().stream().map(NodeDef::getOp).anyMatch(ops::contains);
  }

  /** This and one more combination of shapes. */
  Compilation and(String shape, double first) {
    List<String> all = new ArrayList<>(shapes);
    all.add(shape);
    return new Compilation(compiled, reason, smallerBatches, all, seconds + first);
  }

  /** This where smaller batches are filled up with rows that do not count. */
  Compilation filledUp() {
    return new Compilation(
        compiled, reason, "filled up with rows that do not count", shapes, seconds);
  }

  /** This where smaller batches stay as they are. */
  Compilation notFilledUp(String why) {
    return new Compilation(
        compiled, reason, "compiled for once more, because " + why, shapes, seconds);
  }
}
