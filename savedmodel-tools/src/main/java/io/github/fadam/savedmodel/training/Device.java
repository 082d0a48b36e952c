package io.github.fadam.savedmodel.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** A kind of device that training steps run on and XLA compiles for. */
public enum Device {

  /** The processor, whatever else there is. */
  CPU("it always is there where TensorFlow runs"),

  /** An NVIDIA GPU. */
  GPU(
      "build with -Pgpu, which takes TensorFlow-Java's binaries for NVIDIA GPUs, on a machine with"
          + " one and its driver"),

  /** A TPU, which runs compiled steps only. */
  TPU(
      "TensorFlow-Java's public binaries register no TPU device and no kernels to compile for one,"
          + " and do not load libtpu; tpu-notes/README.md says how a TPU is reached");

  private static final int MOST_DEVICES = 16;

  private final String missing;

  Device(String missing) {
    this.missing = missing;
  }

  /**
   * The devices that a session can place an operation on, found by doing so.
   *
   * @return kind and number of each, such as {@code CPU:0}
   */
  public static List<String> available() {
    List<String> devices = new ArrayList<>();
    for (Device device : values()) {
      for (int i = 0; i < MOST_DEVICES && runsOn(device.spec(i)); i++) {
        devices.add(device + ":" + i);
      }
    }
    return devices;
  }

  /**
   * Reads what {@link #key} writes.
   *
   * @param key {@code cpu}, {@code gpu} or {@code tpu}
   * @return the kind
   * @throws IllegalArgumentException if there is none of that name, with those there are
   */
  public static Device of(String key) {
    return Arrays.stream(values())
        .filter(device -> device.key().equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Expected one of "
                        + Arrays.stream(values()).map(Device::key).collect(Collectors.joining(", "))
                        + " for device, found "
                        + key));
  }

  /**
   * Its name as an option's value.
   *
   * @return the name in lower case
   */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isAvailable() {
    return runsOn(spec(0));
  }

  /**
   * Refuses a device that is not there.
   *
   * @throws IllegalArgumentException if the running TensorFlow lists none, with what it lists
   */
  void require() {
    if (!isAvailable()) {
      throw new IllegalArgumentException(
          "Expected a "
              + this
              + " for --device "
              + key()
              + " (device), found "
              + String.join(", ", available())
              + ": "
              + missing
              + ". Or leave out the device.");
    }
  }

  /** Where the first of its kind is. */
  DeviceSpec spec() {
    return spec(0);
  }

  private DeviceSpec spec(int index) {
    DeviceSpec.DeviceType type =
        switch (this) {
          case CPU -> DeviceSpec.DeviceType.CPU;
          case GPU -> DeviceSpec.DeviceType.GPU;
          case TPU -> DeviceSpec.DeviceType.TPU;
        };
    return DeviceSpec.newBuilder().deviceType(type).deviceIndex(index).build();
  }

  private static boolean runsOn(DeviceSpec device) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Operand<TFloat32> one = Ops.create(graph).withDevice(device).constant(1f);
      session.runner().fetch(one).run().close();
      return true;
    } catch (TensorFlowException | IllegalArgumentException e) {
      // "was explicitly assigned to ... but available devices are" comes as the latter.
      return false;
    }
  }
}
