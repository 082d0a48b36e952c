package io.github.fadam.savedmodel.data;

import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.BooleanNdArray;
import org.tensorflow.ndarray.ByteNdArray;
import org.tensorflow.ndarray.DoubleNdArray;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.IntNdArray;
import org.tensorflow.ndarray.LongNdArray;
import org.tensorflow.ndarray.NdArray;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.ShortNdArray;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.family.TType;

/**
 * Examples from arrays in memory.
 *
 * <pre>{@code
 * DataSource training = ArrayData.builder()
 *     .column("image", images)          // float[n][28][28][1]
 *     .column("labels", labels)         // int[n]
 *     .build();
 * }</pre>
 *
 * <p>Everything is copied: later changes of the arrays have no effect, tensors may be closed.
 */
public final class ArrayData {

  private ArrayData() {}

  /**
   * Starts with no columns.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects columns. */
  public static final class Builder {

    private final Map<String, ColumnValues> columns = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Adds a column from a Java array whose first dimension is the examples.
     *
     * @param name name of a signature's input, or of the labels
     * @param array an array, of any number of dimensions and the same lengths everywhere, of {@code
     *     float}, {@code double}, {@code byte} (int8), {@code short}, {@code int}, {@code long},
     *     {@code boolean} or {@code String}
     * @return this builder
     * @throws IllegalArgumentException if it is no such array or the name is taken
     */
    public Builder column(String name, Object array) {
      Shape shape = shapeOf(name, array);
      return add(name, array, shape);
    }

    /**
     * Adds a column from a flat array.
     *
     * @param name name of a signature's input, or of the labels
     * @param flat a one-dimensional array of the same kinds, row after row
     * @param rowShape shape of one row, fully known
     * @return this builder
     * @throws IllegalArgumentException if the array is not flat, its length is not a multiple of
     *     the row's size, or the name is taken
     */
    public Builder column(String name, Object flat, Shape rowShape) {
      Shape shape = shapeOf(name, flat);
      long size = rowShape.size();
      if (shape.numDimensions() != 1 || size <= 0 || shape.get(0) % size != 0) {
        throw new IllegalArgumentException(
            "Expected a flat array of whole rows of shape "
                + rowShape
                + " for column "
                + name
                + ", found an array of shape "
                + shape
                + "; check the row shape.");
      }
      return add(name, flat, rowShape.prepend(shape.get(0) / size));
    }

    /**
     * Adds a column from an n-dimensional array or a tensor whose first dimension is the examples.
     *
     * @param name name of a signature's input, or of the labels
     * @param array a tensor of any numeric dtype, booleans or strings; or an ndarray of the element
     *     types that {@link #column(String, Object)} takes
     * @return this builder
     * @throws IllegalArgumentException if it is a scalar, its elements are of another type, or the
     *     name is taken
     */
    public Builder column(String name, NdArray<?> array) {
      if (array.shape().numDimensions() == 0) {
        throw notRows(name, "a scalar");
      }
      if (array instanceof TType tensor && ElementType.of(tensor.dataType()).isPresent()) {
        return put(name, copy(name, tensor));
      }
      return add(name, flatten(name, array), array.shape());
    }

    /**
     * Makes the data.
     *
     * @return the columns as a source of batches
     * @throws IllegalArgumentException if there is no column or the numbers of rows differ
     */
    public DataSource build() {
      return new ColumnTable("the arrays", columns);
    }

    private Builder add(String name, Object array, Shape shape) {
      Shape rowShape = shape.tail();
      long rows = shape.get(0);
      Class<?> element = elementType(array);
      if (element == String.class) {
        List<byte[]> strings = new ArrayList<>();
        collect(name, array, strings);
        return put(name, new StringColumn(name, strings.toArray(byte[][]::new), rows, rowShape));
      }
      Kind kind = kind(name, element);
      NumberColumn column = new NumberColumn(name, kind.type(), rows, rowShape);
      new Filler(column, kind.leaf()).copy(array);
      return put(name, column);
    }

    private Builder put(String name, ColumnValues values) {
      if (columns.putIfAbsent(name, values) != null) {
        throw new IllegalArgumentException(
            "Expected a new column, found " + name + " twice; give each column once.");
      }
      return this;
    }
  }

  /** Writes the innermost arrays of a nested array one after the other. */
  private static final class Filler {
    private final NumberColumn column;
    private final Leaf leaf;
    private long position;

    Filler(NumberColumn column, Leaf leaf) {
      this.column = column;
      this.leaf = leaf;
    }

    void copy(Object array) {
      if (array instanceof Object[] outer) {
        for (Object inner : outer) {
          copy(inner);
        }
        return;
      }
      int size = column.type().size();
      int rowElements = column.rowBytes() / size;
      for (int i = 0, length = Array.getLength(array); i < length; i++, position++) {
        long row = position / rowElements;
        int offset = column.offsetOf(row) + (int) (position % rowElements) * size;
        leaf.put(array, i, column.blockOf(row), offset);
      }
    }
  }

  /** Copies one element of an innermost array. */
  private interface Leaf {
    void put(Object array, int index, byte[] to, int offset);
  }

  private record Kind(ElementType type, Leaf leaf) {}

  private static Kind kind(String name, Class<?> element) {
    if (element == float.class) {
      ElementType type = ElementType.FLOAT32;
      return new Kind(type, (array, i, to, o) -> type.putFloating(((float[]) array)[i], to, o));
    } else if (element == double.class) {
      ElementType type = ElementType.FLOAT64;
      return new Kind(type, (array, i, to, o) -> type.putFloating(((double[]) array)[i], to, o));
    } else if (element == byte.class) {
      ElementType type = ElementType.INT8;
      return new Kind(type, (array, i, to, o) -> type.putInteger(((byte[]) array)[i], to, o));
    } else if (element == short.class) {
      ElementType type = ElementType.INT16;
      return new Kind(type, (array, i, to, o) -> type.putInteger(((short[]) array)[i], to, o));
    } else if (element == int.class) {
      ElementType type = ElementType.INT32;
      return new Kind(type, (array, i, to, o) -> type.putInteger(((int[]) array)[i], to, o));
    } else if (element == long.class) {
      ElementType type = ElementType.INT64;
      return new Kind(type, (array, i, to, o) -> type.putInteger(((long[]) array)[i], to, o));
    } else if (element == boolean.class) {
      ElementType type = ElementType.BOOL;
      return new Kind(
          type, (array, i, to, o) -> type.putInteger(((boolean[]) array)[i] ? 1 : 0, to, o));
    }
    throw notRows(name, "elements of " + element.getName());
  }

  /** Shape of a nested array, after making sure that it has one. */
  private static Shape shapeOf(String name, Object array) {
    if (array == null || !array.getClass().isArray()) {
      throw notRows(name, array == null ? "null" : array.getClass().getName());
    }
    Shape shape = Shape.of(Array.getLength(array));
    if (array instanceof Object[] outer && !(array instanceof String[])) {
      Shape inner = null;
      for (Object element : outer) {
        Shape found = shapeOf(name, element);
        if (inner != null && !inner.equals(found)) {
          throw notRows(name, "lengths that differ (" + inner + " and " + found + ")");
        }
        inner = found;
      }
      if (inner == null) {
        throw notRows(name, "an empty array, whose shape is not known");
      }
      return inner.prepend(shape.get(0));
    }
    return shape;
  }

  private static Class<?> elementType(Object array) {
    Class<?> type = array.getClass();
    while (type.isArray()) {
      type = type.getComponentType();
    }
    return type;
  }

  private static void collect(String name, Object array, List<byte[]> strings) {
    for (Object element : (Object[]) array) {
      if (element instanceof String string) {
        strings.add(string.getBytes(StandardCharsets.UTF_8));
      } else if (element == null) {
        throw notRows(name, "null in place of a string");
      } else {
        collect(name, element, strings);
      }
    }
  }

  private static Object flatten(String name, NdArray<?> array) {
    int size = Math.toIntExact(array.size());
    if (array instanceof FloatNdArray floats) {
      float[] flat = new float[size];
      floats.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof DoubleNdArray doubles) {
      double[] flat = new double[size];
      doubles.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof IntNdArray ints) {
      int[] flat = new int[size];
      ints.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof LongNdArray longs) {
      long[] flat = new long[size];
      longs.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof ShortNdArray shorts) {
      short[] flat = new short[size];
      shorts.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof ByteNdArray bytes) {
      byte[] flat = new byte[size];
      bytes.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    } else if (array instanceof BooleanNdArray booleans) {
      boolean[] flat = new boolean[size];
      booleans.copyTo(DataBuffers.of(flat, false, false));
      return flat;
    }
    return strings(name, array, size);
  }

  private static String[] strings(String name, NdArray<?> array, int size) {
    String[] flat = new String[size];
    int[] next = {0};
    array
        .scalars()
        .forEach(
            scalar -> {
              if (!(scalar.getObject() instanceof String string)) {
                throw notRows(name, "elements of " + array.getClass().getSimpleName());
              }
              flat[next[0]++] = string;
            });
    return flat;
  }

  /** Copies a numeric tensor with its dtype, which the types of Java cannot always tell. */
  private static NumberColumn copy(String name, TType tensor) {
    ElementType type = ElementType.of(tensor.dataType()).orElseThrow();
    Shape shape = tensor.shape();
    NumberColumn column = new NumberColumn(name, type, shape.get(0), shape.tail());
    ByteDataBuffer from = tensor.asRawTensor().data();
    long position = 0;
    for (int i = 0; i < column.blocks(); i++) {
      byte[] block = column.block(i);
      if (block.length > 0) {
        from.offset(position).read(block);
      }
      position += block.length;
    }
    return column;
  }

  private static IllegalArgumentException notRows(String name, String found) {
    return new IllegalArgumentException(
        "Expected an array of numbers, booleans or strings with a row per example for column "
            + name
            + ", found "
            + found
            + "; its first dimension must be the examples and all rows of one shape.");
  }
}
