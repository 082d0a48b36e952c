package io.github.fadam.savedmodel.data;

import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.savedmodel.model.Suggestions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.LongStream;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.LongNdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/**
 * Data and the tensors that are to be fed from it, checked against each other before anything
 * starts: names, shapes, and that every value fits its dtype and is finite.
 *
 * <pre>{@code
 * DataBinding binding = DataBinding.of(data)
 *     .input("image", DataType.DT_FLOAT, Shape.of(-1, 28, 28, 1))
 *     .labels("labels", DataType.DT_INT64, Shape.unknown())
 *     .build();
 * Map<String, Tensor> batch = binding.tensors(rows);
 * }</pre>
 */
public final class DataBinding {

  private static final long CHUNK_ELEMENTS = 1 << 20;

  private final DataSource data;
  private final Map<String, Port> ports;

  private DataBinding(DataSource data, Map<String, Port> ports) {
    this.data = data;
    this.ports = Collections.unmodifiableMap(new LinkedHashMap<>(ports));
  }

  /** What is to be fed under one name; the shape has the batch dimension first. */
  private record Port(DataType dataType, Shape shape, boolean labels) {}

  /**
   * Starts with nothing to feed.
   *
   * @param data where the rows come from
   * @return a builder
   */
  public static Builder of(DataSource data) {
    return new Builder(data);
  }

  /** Collects what is to be fed. */
  public static final class Builder {
    private final DataSource data;
    private final Map<String, Port> ports = new LinkedHashMap<>();
    private final Map<String, Long> classes = new LinkedHashMap<>();
    private final Set<String> unused = new LinkedHashSet<>();

    private Builder(DataSource data) {
      this.data = data;
    }

    /**
     * Adds an input of a signature.
     *
     * @param name key of the input, which is the column's name
     * @param dataType dtype of the input
     * @param shape shape of the input, the batch dimension first; open dimensions and an unknown
     *     rank fit anything
     * @return this builder
     */
    public Builder input(String name, DataType dataType, Shape shape) {
      ports.put(name, new Port(dataType, shape, false));
      return this;
    }

    /**
     * Adds labels.
     *
     * @param name the column's name
     * @param dataType dtype that the loss takes
     * @param shape shape that the loss takes, the batch dimension first, or unknown; a last
     *     dimension of 1 may be missing or one too many
     * @return this builder
     */
    public Builder labels(String name, DataType dataType, Shape shape) {
      ports.put(name, new Port(dataType, shape, true));
      return this;
    }

    /**
     * Says that labels are numbers of classes.
     *
     * @param name the labels' column, of dtype int64
     * @param count number of classes; every label has to be from 0 to count - 1
     * @return this builder
     */
    public Builder classes(String name, long count) {
      classes.put(name, count);
      return this;
    }

    /**
     * Lets the data have a column that nothing is fed from. Columns called {@code labels} or {@code
     * labels:...} may always be left unused.
     *
     * @param name the column's name
     * @return this builder
     */
    public Builder unused(String name) {
      unused.add(name);
      return this;
    }

    /**
     * Checks everything, which reads all rows once.
     *
     * @return the binding
     * @throws IllegalArgumentException if a column is missing or one too many, a shape or value
     *     does not fit, a number is NaN or infinite, or there is no row; the message names all that
     *     is wrong with names and shapes, else the first value with its row
     */
    public DataBinding build() {
      check();
      DataBinding binding = new DataBinding(data, ports);
      ports.keySet().forEach(name -> binding.requireValues(name, classes.get(name)));
      return binding;
    }

    /**
     * Checks names and shapes, which reads no row.
     *
     * @throws IllegalArgumentException if a column is missing or one too many, a shape does not
     *     fit, or there is no row, with all that is wrong
     */
    public void check() {
      List<String> problems = new ArrayList<>(wrongNames());
      if (data.rows() == 0) {
        problems.add("Expected at least one row in " + data.name() + ", found none.");
      }
      ports.forEach(
          (name, port) -> {
            if (data.columns().containsKey(name)) {
              wrongShape(name, port).ifPresent(problems::add);
            }
          });
      if (!problems.isEmpty()) {
        throw new IllegalArgumentException(String.join("\n", problems));
      }
    }

    private List<String> wrongNames() {
      Set<String> columns = data.columns().keySet();
      List<String> missing = ports.keySet().stream().filter(p -> !columns.contains(p)).toList();
      List<String> extra = columns.stream().filter(column -> !mayBe(column)).toList();
      if (!missing.isEmpty()) {
        List<String> free = extra.isEmpty() ? List.copyOf(columns) : extra;
        List<String> renames = new ArrayList<>();
        for (String name : missing) {
          Suggestions.near(name, free).stream()
              .findFirst()
              .ifPresent(
                  near ->
                      renames.add(
                          "rename "
                              + near
                              + " to "
                              + name
                              + (ports.get(name).labels()
                                  ? ", or say --labels " + near + " (labels)?"
                                  : "?")));
        }
        return List.of(
            "Expected the column"
                + (missing.size() == 1 ? " " : "s ")
                + String.join(", ", missing)
                + " in "
                + data.name()
                + ", found "
                + String.join(", ", columns)
                + "; "
                + (renames.isEmpty()
                    ? "name the columns as the signature's inputs and the labels."
                    : String.join(" ", renames)));
      }
      return extra.isEmpty()
          ? List.of()
          : List.of(
              "Expected only the columns "
                  + String.join(", ", ports.keySet())
                  + " in "
                  + data.name()
                  + ", found also "
                  + String.join(", ", extra)
                  + ", which the signature does not take; remove "
                  + (extra.size() == 1 ? "it." : "them."));
    }

    private boolean mayBe(String column) {
      return ports.containsKey(column)
          || unused.contains(column)
          || column.equals("labels")
          || column.startsWith("labels:");
    }

    private Optional<String> wrongShape(String name, Port port) {
      Shape wanted = port.shape();
      Shape row = data.columns().get(name).rowShape();
      if (wanted.isUnknown()) {
        return Optional.empty();
      }
      if (wanted.numDimensions() == 0) {
        return Optional.of(
            "Expected inputs with a batch dimension, found the scalar "
                + name
                + "; choose a signature without it: data gives a value per row.");
      }
      Shape wantedRow = wanted.tail();
      boolean fits =
          fits(wantedRow, row)
              || (port.labels()
                  ? fits(wantedRow, row.append(1)) || fits(wantedRow.append(1), row)
                  : isVectorOfOne(wantedRow, row));
      if (!fits) {
        return Optional.of(
            "Expected rows of shape "
                + text(wantedRow)
                + " in column "
                + name
                + " of "
                + data.name()
                + ", found "
                + text(row)
                + "; "
                + remedy(wantedRow, row));
      }
      return Optional.empty();
    }

    private static String remedy(Shape wanted, Shape row) {
      int rank = wanted.numDimensions();
      if (rank == row.numDimensions() + 1 && wanted.get(rank - 1) == 1) {
        return "add a last dimension of 1, for example array[..., None].";
      } else if (rank == row.numDimensions()) {
        return "resize or reshape the array as the model was trained.";
      }
      return "reshape the array; its first dimension must be the examples.";
    }

    private static boolean fits(Shape wanted, Shape row) {
      if (wanted.numDimensions() != row.numDimensions()) {
        return false;
      }
      for (int i = 0; i < wanted.numDimensions(); i++) {
        if (wanted.get(i) != Shape.UNKNOWN_SIZE && wanted.get(i) != row.get(i)) {
          return false;
        }
      }
      return true;
    }

    private static String text(Shape shape) {
      List<String> dimensions = new ArrayList<>();
      for (long dimension : shape.asArray()) {
        dimensions.add(dimension == Shape.UNKNOWN_SIZE ? "?" : Long.toString(dimension));
      }
      return "[" + String.join(", ", dimensions) + "]";
    }
  }

  /**
   * Number of rows of the data.
   *
   * @return the number
   */
  public long rows() {
    return data.rows();
  }

  /**
   * The batch size that the inputs prescribe.
   *
   * @return the size where an input's batch dimension is fixed, else empty
   */
  public OptionalLong fixedBatchSize() {
    return ports.values().stream()
        .map(Port::shape)
        .filter(shape -> !shape.isUnknown() && shape.get(0) != Shape.UNKNOWN_SIZE)
        .mapToLong(shape -> shape.get(0))
        .findFirst();
  }

  /**
   * Copies some rows of everything that is fed.
   *
   * @param rows numbers of the rows, in the wanted order
   * @return name to tensor, of the dtype and rank that was asked for, owned by the caller
   * @throws IndexOutOfBoundsException if there is no such row
   */
  public Map<String, Tensor> tensors(long[] rows) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      for (String name : ports.keySet()) {
        tensors.put(name, tensor(name, rows));
      }
      return tensors;
    } catch (RuntimeException e) {
      tensors.values().forEach(Tensor::close);
      throw e;
    }
  }

  private Tensor tensor(String name, long[] rows) {
    Port port = ports.get(name);
    Tensor tensor = data.tensor(name, rows, port.dataType());
    Shape row = data.columns().get(name).rowShape();
    if (port.labels() || port.shape().isUnknown() || !isVectorOfOne(port.shape().tail(), row)) {
      return tensor;
    }
    try (tensor) {
      return reshaped(tensor, Shape.of(rows.length, 1));
    }
  }

  /** A number per row also serves an input that takes a vector of one number. */
  private static boolean isVectorOfOne(Shape wanted, Shape row) {
    return row.numDimensions() == 0
        && wanted.numDimensions() == 1
        && (wanted.get(0) == 1 || wanted.get(0) == Shape.UNKNOWN_SIZE);
  }

  private static Tensor reshaped(Tensor tensor, Shape shape) {
    if (tensor instanceof TString strings) {
      byte[][] elements = new byte[Math.toIntExact(strings.size())][];
      strings.asBytes().copyTo(DataBuffers.of(elements, false, false));
      return TString.tensorOfBytes(shape, DataBuffers.of(elements, true, false));
    }
    Class<? extends TType> type = TensorTypes.of(tensor.dataType()).orElseThrow();
    return Tensor.of(type, shape, tensor.asRawTensor().data());
  }

  /** Converts every row once, so that no value can stop a training half-way. */
  private void requireValues(String name, Long classes) {
    DataType dataType = ports.get(name).dataType();
    long elements = Math.max(1, data.columns().get(name).rowShape().size());
    long chunk = Math.max(1, CHUNK_ELEMENTS / elements);
    for (long start = 0; start < data.rows(); start += chunk) {
      long end = Math.min(data.rows(), start + chunk);
      try (Tensor tensor = data.tensor(name, LongStream.range(start, end).toArray(), dataType)) {
        if (ElementType.of(dataType).filter(ElementType::isFloating).isPresent()) {
          requireFinite(name, tensor, start, elements);
        }
        if (classes != null) {
          requireClasses(name, (TInt64) tensor, classes, start, elements);
        }
      }
    }
  }

  private void requireClasses(
      String name, TInt64 labels, long classes, long firstRow, long rowElements) {
    long place = 0;
    for (LongNdArray label : labels.scalars()) {
      long number = label.getLong();
      if (number < 0 || number >= classes) {
        throw new IllegalArgumentException(
            "Expected labels from 0 to "
                + (classes - 1)
                + ", since the output has "
                + classes
                + " classes, found "
                + number
                + " in row "
                + (firstRow + place / rowElements)
                + " of column "
                + name
                + " of "
                + data.name()
                + "; correct the labels, or check that this is the right output.");
      }
      place++;
    }
  }

  private void requireFinite(String name, Tensor tensor, long firstRow, long rowElements) {
    ElementType type = ElementType.of(tensor.dataType()).orElseThrow();
    byte[] bytes = new byte[Math.toIntExact(tensor.numBytes())];
    if (bytes.length == 0) {
      return;
    }
    tensor.asRawTensor().data().read(bytes);
    for (int offset = 0; offset < bytes.length; offset += type.size()) {
      if (!type.isFinite(bytes, offset)) {
        throw new IllegalArgumentException(
            "Expected finite numbers in column "
                + name
                + " of "
                + data.name()
                + ", found "
                + type.text(bytes, offset)
                + " in row "
                + (firstRow + offset / type.size() / rowElements)
                + "; remove or fill such rows.");
      }
    }
  }
}
