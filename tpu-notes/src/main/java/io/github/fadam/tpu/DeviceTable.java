package io.github.fadam.tpu;

import io.github.fadam.ops.xla.XlaOps;
import io.github.fadam.savedmodel.data.Dtypes;
import io.github.fadam.savedmodel.training.Device;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/** What each device compiles: {@link XlaOps} and the table of what GPU and TPU do otherwise. */
final class DeviceTable {

  private static final String TABLE = "devices.tsv";

  private static final String CPU_SOURCE =
      "kernels registered for XLA_CPU_JIT in TensorFlow 2.18.0 (TF_GetAllRegisteredKernels after"
          + " the first compilation)";

  /** These are not values: a compiled function keeps them in variables and lists of its own. */
  private static final Set<DataType> NO_VALUES =
      EnumSet.of(DataType.DT_RESOURCE, DataType.DT_VARIANT);

  private record Lack(String op, String attribute, DataType type) {}

  private static final class Lines {
    private String source = "";
    private final List<Lack> lacks = new ArrayList<>();
    private final Set<DataType> types = EnumSet.noneOf(DataType.class);
    private final Map<String, String> notes = new HashMap<>();
  }

  private static final Map<Device, Lines> DEVICES = load();

  private DeviceTable() {}

  /** Where the knowledge about a device comes from, with the version. */
  static String source(Device device) {
    return device == Device.CPU ? CPU_SOURCE : DEVICES.get(device).source;
  }

  /** What to keep in mind with an operation that the device compiles. */
  static Optional<String> note(Device device, String op) {
    return device == Device.CPU
        ? Optional.empty()
        : Optional.ofNullable(DEVICES.get(device).notes.get(op));
  }

  /** Why the device cannot compile a node, or should not; empty if nothing is known to. */
  static Optional<String> problem(Device device, NodeDef node) {
    return XlaOps.problem(node)
        .or(() -> device == Device.CPU ? Optional.empty() : other(device, node));
  }

  private static Optional<String> other(Device device, NodeDef node) {
    Lines lines = DEVICES.get(device);
    for (String attribute : XlaOps.types(node.getOp()).keySet()) {
      for (DataType type : types(node.getAttrMap().get(attribute))) {
        boolean lacking =
            lines.lacks.contains(new Lack(node.getOp(), attribute, type))
                || (!lines.types.isEmpty()
                    && !lines.types.contains(type)
                    && !NO_VALUES.contains(type));
        if (lacking) {
          return Optional.of(
              "no kernel of "
                  + node.getOp()
                  + " for "
                  + Dtypes.name(type)
                  + " on a "
                  + device
                  + "; cast to a type that it has");
        }
      }
    }
    return Optional.empty();
  }

  private static List<DataType> types(AttrValue value) {
    if (value == null) {
      return List.of();
    }
    List<DataType> types =
        value.hasList() ? value.getList().getTypeList() : List.of(value.getType());
    return types.stream().filter(type -> type != DataType.DT_INVALID).toList();
  }

  private static Map<Device, Lines> load() {
    Map<Device, Lines> devices = new EnumMap<>(Device.class);
    devices.put(Device.GPU, new Lines());
    devices.put(Device.TPU, new Lines());
    try (InputStream stream = DeviceTable.class.getResourceAsStream(TABLE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          List<String> cells = List.of(line.split("\t", -1));
          add(devices.get(Device.valueOf(cells.get(0).toUpperCase(Locale.ROOT))), cells);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + TABLE, e);
    }
    return devices;
  }

  private static void add(Lines lines, List<String> cells) {
    switch (cells.get(1)) {
      case "source" -> lines.source = cells.get(2);
      case "lacks" -> lines.lacks.add(new Lack(cells.get(2), cells.get(3), type(cells.get(4))));
      case "types" ->
          List.of(cells.get(2).split(" ", -1)).stream()
              .filter(DeviceTable::isKnown)
              .forEach(name -> lines.types.add(type(name)));
      case "note" -> lines.notes.put(cells.get(2), cells.get(3));
      default -> throw new IllegalStateException("Unknown line in " + TABLE + ": " + cells);
    }
  }

  /** The protocol buffers of TensorFlow-Java may be older than the library's newest types. */
  private static boolean isKnown(String name) {
    return List.of(DataType.values()).stream().anyMatch(type -> type.name().equals(constant(name)));
  }

  private static DataType type(String name) {
    return DataType.valueOf(constant(name));
  }

  private static String constant(String name) {
    return "DT_" + name.toUpperCase(Locale.ROOT);
  }
}
