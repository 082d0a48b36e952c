package io.github.fadam.ops.xla;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * What XLA compiles for the CPU and the GPU, as TensorFlow 2.18.0 has it registered ({@code
 * TF_GetAllRegisteredKernels}, device {@code XLA_CPU_JIT}; {@code XLA_GPU_JIT} has the same
 * operations). A test compares the table with the running library.
 */
public final class XlaOps {

  private static final String TABLE = "xla-ops.tsv";

  /** Operation to attribute to the types that it may have. */
  private static final Map<String, Map<String, Set<DataType>>> COMPILED = load();

  /**
   * Operations whose result has as many elements as the values say. XLA would give them a size
   * limit, and a shape that changes between runs.
   */
  private static final Set<String> DYNAMIC =
      Set.of(
          "Where",
          "Unique",
          "UniqueV2",
          "UniqueWithCounts",
          "UniqueWithCountsV2",
          "ListDiff",
          "DynamicPartition",
          "NonMaxSuppression",
          "NonMaxSuppressionV2",
          "NonMaxSuppressionV3",
          "NonMaxSuppressionV4",
          "SparseReshape",
          "BooleanMask");

  /** XLA compiles it to nothing, and a check that is not made is worse than one that is missing. */
  private static final Set<String> LEFT_OUT = Set.of("Assert", "CheckNumerics", "CheckNumericsV2");

  /**
   * Of several elements that are the largest, TensorFlow's kernel gives each the whole gradient,
   * and XLA one of them. Behind a rectifier there are many.
   */
  private static final String OTHER_TIES = "MaxPool3DGrad";

  private XlaOps() {}

  /**
   * Names of all operations that XLA compiles, for one type at least.
   *
   * @return the names
   */
  public static Set<String> names() {
    return COMPILED.keySet();
  }

  /**
   * The types that XLA compiles an operation for.
   *
   * @param op name of an operation
   * @return attribute to types, for those attributes that name types; empty if it is not compiled
   */
  public static Map<String, Set<DataType>> types(String op) {
    return COMPILED.getOrDefault(op, Map.of());
  }

  /**
   * Whether the shape of an operation's result depends on values, which no compiled program can
   * have.
   *
   * @param op name of an operation
   * @return true for {@code Where} and the like
   */
  public static boolean isDynamic(String op) {
    return DYNAMIC.contains(op);
  }

  /**
   * Why XLA cannot compile a node, or should not.
   *
   * @param node the node with all its attributes
   * @return what stands in the way and what to do; empty if nothing is known to
   */
  public static Optional<String> problem(NodeDef node) {
    String op = node.getOp();
    Map<String, Set<DataType>> attributes = COMPILED.get(op);
    if (attributes == null) {
      return Optional.of("XLA does not compile " + op + "; leave it out of what is compiled");
    }
    if (DYNAMIC.contains(op)) {
      return Optional.of(
          "the shape of the result of "
              + op
              + " depends on values, which XLA would have to compile anew or pad; compute a result"
              + " of fixed shape, a mask for example");
    }
    if (LEFT_OUT.contains(op)) {
      return Optional.of(
          "XLA would leave out the check "
              + op
              + " without a word; make it on values that no trained variable has a part in, or"
              + " remove it");
    }
    if (op.equals(OTHER_TIES)) {
      return Optional.of(
          "where several elements are the largest, XLA computes other gradients than TensorFlow's"
              + " kernel; compile nothing, or pool in another way");
    }
    for (Map.Entry<String, Set<DataType>> attribute : attributes.entrySet()) {
      AttrValue value = node.getAttrOrDefault(attribute.getKey(), AttrValue.getDefaultInstance());
      List<DataType> types =
          value.hasList() ? value.getList().getTypeList() : List.of(value.getType());
      for (DataType type : types) {
        if (type != DataType.DT_INVALID && !attribute.getValue().contains(type)) {
          return Optional.of(
              "XLA does not compile "
                  + op
                  + " with "
                  + attribute.getKey()
                  + " "
                  + type
                  + ", only with "
                  + attribute.getValue()
                  + "; cast before it");
        }
      }
    }
    return Optional.empty();
  }

  private static Map<String, Map<String, Set<DataType>>> load() {
    Map<String, Set<DataType>> sets = new HashMap<>();
    Map<String, Map<String, Set<DataType>>> ops = new HashMap<>();
    try (InputStream stream = XlaOps.class.getResourceAsStream(TABLE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        List<String> cells = List.of(line.split("\t", -1));
        if (line.startsWith("=")) {
          sets.put(cells.get(0).substring(1), types(cells.get(1).split(" ", -1)));
        } else if (!line.startsWith("#")) {
          Map<String, Set<DataType>> attributes = new HashMap<>();
          for (String cell : cells.subList(1, cells.size())) {
            int equals = cell.indexOf('=');
            attributes.put(cell.substring(0, equals), sets.get(cell.substring(equals + 1)));
          }
          ops.put(cells.get(0), Map.copyOf(attributes));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot read " + TABLE, e);
    }
    return Map.copyOf(ops);
  }

  private static Set<DataType> types(String... names) {
    Set<String> known =
        Arrays.stream(DataType.values()).map(DataType::name).collect(Collectors.toSet());
    Set<DataType> types = EnumSet.noneOf(DataType.class);
    for (String name : names) {
      String constant = "DT_" + name.toUpperCase(Locale.ROOT);
      // The protocol buffers of TensorFlow-Java may be older than the library's newest types.
      if (known.contains(constant)) {
        types.add(DataType.valueOf(constant));
      }
    }
    return types;
  }
}
