package io.github.fadam.tpu;

import io.github.fadam.savedmodel.training.Device;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What {@link ModelCheck} found out about one signature.
 *
 * @param model the model's directory
 * @param signature key of the signature
 * @param tensorflow version of the TensorFlow that ran
 * @param devices for each device whether the signature is ready for it, and how this is known
 * @param trial what became of compiling the whole signature for this machine's CPU
 * @param step whether a compiled function can train the signature
 * @param gradients whether the gradients of the trainable variables can be built
 * @param ops the types of operations that the inlined signature has, the most frequent first
 * @param variables the variables that the signature reads, in the order of the model
 * @param shapes the shapes that are open until something is fed, or that change from run to run
 * @param changes what to change or to know, in the order of importance; empty if nothing is left
 */
public record CheckReport(
    String model,
    String signature,
    String tensorflow,
    Map<Device, Readiness> devices,
    Trial trial,
    Step step,
    Gradients gradients,
    List<Op> ops,
    List<Variable> variables,
    List<OpenShape> shapes,
    List<String> changes) {

  /**
   * Copies the collections, keeping their order.
   *
   * @param model see the record
   * @param signature see the record
   * @param tensorflow see the record
   * @param devices see the record
   * @param trial see the record
   * @param step see the record
   * @param gradients see the record
   * @param ops see the record
   * @param variables see the record
   * @param shapes see the record
   * @param changes see the record
   */
  public CheckReport {
    devices = Collections.unmodifiableMap(new EnumMap<>(devices));
    ops = List.copyOf(ops);
    variables = List.copyOf(variables);
    shapes = List.copyOf(shapes);
    changes = List.copyOf(changes);
  }

  /**
   * Whether the signature can be compiled as a whole and trained, on all of some devices.
   *
   * @param wanted the devices
   * @return true if it is ready for each of them
   */
  public boolean isReady(Set<Device> wanted) {
    return wanted.stream().allMatch(device -> devices.get(device).ready());
  }

  /**
   * Whether a signature is ready for a device.
   *
   * @param ready whether the whole signature compiles and its gradients can be built
   * @param evidence how this is known: {@code ran here} or {@code table}
   * @param source where the knowledge about the device's operations comes from, with its version
   */
  public record Readiness(boolean ready, String evidence, String source) {}

  /** What became of a trial. */
  public enum Outcome {
    /** It worked. */
    OK,
    /** TensorFlow, or a check before it, refused and said why. */
    REFUSED,
    /** It could not be tried: the model could not be run with what was fed. */
    NOT_RUN,
    /** The process that tried it ended without an answer. */
    CRASHED
  }

  /**
   * The whole signature, compiled as one function for this machine's CPU and run once beside the
   * plain one.
   *
   * @param outcome what became of it
   * @param message what TensorFlow said where it did not work; empty where it did
   * @param seconds compiling and the first run together; NaN where it did not work
   * @param largestDifference largest absolute difference of a float32 output to the plain run's;
   *     NaN where there is none to compare
   * @param fed signature input key to the shape that was fed: random numbers in [0, 1) for floating
   *     point inputs, zeros for integers, empty strings
   */
  public record Trial(
      Outcome outcome,
      String message,
      double seconds,
      double largestDifference,
      Map<String, List<Long>> fed) {

    /**
     * Copies the map, keeping its order.
     *
     * @param outcome see the record
     * @param message see the record
     * @param seconds see the record
     * @param largestDifference see the record
     * @param fed see the record
     */
    public Trial {
      fed = Collections.unmodifiableMap(new LinkedHashMap<>(fed));
    }
  }

  /**
   * Whether what a trained variable has a part in can be compiled, with the rest left in front.
   *
   * @param outcome {@link Outcome#OK} if it can
   * @param message what stands in the way; empty where nothing does
   * @param inFront operations that are not compiled and run on the CPU before the compiled part,
   *     inputs and variables not counted
   */
  public record Step(Outcome outcome, String message, List<String> inFront) {

    /**
     * Copies the list.
     *
     * @param outcome see the record
     * @param message see the record
     * @param inFront see the record
     */
    public Step {
      inFront = List.copyOf(inFront);
    }
  }

  /**
   * Whether the outputs can be differentiated by the trainable variables.
   *
   * @param outcome {@link Outcome#OK} if the gradients were built, or there is nothing to train
   * @param message what stands in the way; empty where nothing does
   * @param unreached trainable variables that no differentiable path connects with the outputs
   */
  public record Gradients(Outcome outcome, String message, List<String> unreached) {

    /**
     * Copies the list.
     *
     * @param outcome see the record
     * @param message see the record
     * @param unreached see the record
     */
    public Gradients {
      unreached = List.copyOf(unreached);
    }
  }

  /**
   * A type of operation.
   *
   * @param op its type, such as {@code Conv2D}
   * @param count number of operations of this type
   * @param example name of one of them, which is its path
   * @param gradient where its gradient comes from: a {@link
   *     io.github.fadam.ops.gradient.GradientSource}
   * @param gradientNote what the gradient does not cover, or why there is none; may be empty
   * @param trained whether a trained variable has a part in one of them at least, so that a
   *     gradient is needed
   * @param devices for each device whether it compiles all of them
   */
  public record Op(
      String op,
      int count,
      String example,
      String gradient,
      String gradientNote,
      boolean trained,
      Map<Device, Answer> devices) {

    /**
     * Copies the map.
     *
     * @param op see the record
     * @param count see the record
     * @param example see the record
     * @param gradient see the record
     * @param gradientNote see the record
     * @param trained see the record
     * @param devices see the record
     */
    public Op {
      devices = Collections.unmodifiableMap(new EnumMap<>(devices));
    }
  }

  /**
   * Whether a device compiles a type of operation.
   *
   * @param compiles whether it does
   * @param evidence how this is known: {@code ran here} or {@code table}
   * @param note what stands in the way and what to do, or what to keep in mind; may be empty
   */
  public record Answer(boolean compiles, String evidence, String note) {}

  /**
   * A variable.
   *
   * @param name the name that patterns and reports use
   * @param dtype dtype, as Python names it
   * @param shape its dimensions
   * @param kind {@code resource} or {@code reference}
   * @param trains whether it is trained where nothing else is said
   * @param why what says so
   */
  public record Variable(
      String name, String dtype, List<Long> shape, String kind, boolean trains, String why) {

    /**
     * Copies the list.
     *
     * @param name see the record
     * @param dtype see the record
     * @param shape see the record
     * @param kind see the record
     * @param trains see the record
     * @param why see the record
     */
    public Variable {
      shape = List.copyOf(shape);
    }
  }

  /**
   * A shape that is not fixed.
   *
   * @param what the input or operation
   * @param shape its shape as text, open dimensions as {@code ?}
   * @param why why it is open
   * @param remedy what to do
   */
  public record OpenShape(String what, String shape, String why, String remedy) {}
}
