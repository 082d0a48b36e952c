package io.github.fadam.savedmodel.data;

import io.github.fadam.framework.file.WholeFile;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TString;

/**
 * Writes tensors to a {@code .npz} file that {@code numpy.load} reads.
 *
 * <p>Dtypes stay, with two exceptions: bfloat16, which NumPy lacks, becomes float32, and strings
 * become byte strings of one length.
 */
public final class NpzWriter {

  /** A header is padded so that the elements begin at a multiple of this. */
  private static final int ALIGNMENT = 64;

  private static final int CHUNK = 1 << 20;

  private NpzWriter() {}

  /**
   * Writes one array per tensor.
   *
   * @param file the file, replaced if it exists
   * @param arrays array name to tensor, which stays open
   * @throws IOException if the file cannot be written; then it is as it was before
   * @throws IllegalArgumentException if NumPy has no such dtype
   */
  public static void write(Path file, Map<String, ? extends Tensor> arrays) throws IOException {
    Map<String, List<Tensor>> parts = new LinkedHashMap<>();
    arrays.forEach((name, tensor) -> parts.put(name, List.of(tensor)));
    writeBatches(file, parts);
  }

  /**
   * Writes arrays whose rows come in several tensors, one after the other.
   *
   * @param file the file, replaced if it exists
   * @param arrays array name to at least one tensor, all of one dtype and of one shape but for the
   *     first dimension; they stay open
   * @throws IOException if the file cannot be written; then it is as it was before
   * @throws IllegalArgumentException if the tensors of an array do not fit together, or NumPy has
   *     no such dtype
   */
  public static void writeBatches(Path file, Map<String, ? extends List<? extends Tensor>> arrays)
      throws IOException {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    arrays.forEach((name, parts) -> shapes.put(name, joined(name, parts)));
    WholeFile.write(
        file,
        out -> {
          ZipOutputStream zip = new ZipOutputStream(out);
          for (Map.Entry<String, ? extends List<? extends Tensor>> array : arrays.entrySet()) {
            zip.putNextEntry(new ZipEntry(array.getKey() + ".npy"));
            writeArray(zip, array.getValue(), shapes.get(array.getKey()));
            zip.closeEntry();
          }
          zip.finish();
        });
  }

  private static Shape joined(String name, List<? extends Tensor> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one tensor for array " + name + ", found none; leave the array out.");
    }
    Tensor first = parts.get(0);
    descr(name, first);
    if (parts.size() == 1) {
      return first.shape();
    }
    long rows = 0;
    for (Tensor part : parts) {
      boolean fits =
          part.dataType() == first.dataType()
              && part.shape().numDimensions() > 0
              && part.shape().numDimensions() == first.shape().numDimensions()
              && part.shape().tail().equals(first.shape().tail());
      if (!fits) {
        throw new IllegalArgumentException(
            "Expected rows like those of "
                + describe(first)
                + " for array "
                + name
                + ", found "
                + describe(part)
                + "; write tensors that differ in another dimension as arrays of their own.");
      }
      rows += part.shape().get(0);
    }
    return first.shape().tail().prepend(rows);
  }

  private static String describe(Tensor tensor) {
    return Dtypes.name(tensor.dataType()) + " " + tensor.shape();
  }

  private static String descr(String name, Tensor tensor) {
    return switch (tensor.dataType()) {
      case DT_HALF -> "<f2";
      case DT_FLOAT, DT_BFLOAT16 -> "<f4";
      case DT_DOUBLE -> "<f8";
      case DT_INT32 -> "<i4";
      case DT_INT64 -> "<i8";
      case DT_UINT8 -> "|u1";
      case DT_UINT16 -> "<u2";
      case DT_BOOL -> "|b1";
      case DT_STRING -> "|S";
      default ->
          throw new IllegalArgumentException(
              "Expected numbers, booleans or strings for array "
                  + name
                  + ", found "
                  + Dtypes.name(tensor.dataType())
                  + "; cast the output or leave it out.");
    };
  }

  private static void writeArray(ZipOutputStream zip, List<? extends Tensor> parts, Shape shape)
      throws IOException {
    Tensor first = parts.get(0);
    if (first.dataType() == DataType.DT_STRING) {
      writeStrings(zip, parts, shape);
      return;
    }
    writeHeader(zip, descr("", first), shape);
    for (Tensor part : parts) {
      writeNumbers(zip, part);
    }
  }

  private static void writeHeader(ZipOutputStream zip, String descr, Shape shape)
      throws IOException {
    String dimensions =
        Arrays.stream(shape.asArray()).mapToObj(d -> d + ",").collect(Collectors.joining(" "));
    String header =
        "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + dimensions + "), }";
    int prefix = 10;
    int padding = ALIGNMENT - (prefix + header.length() + 1) % ALIGNMENT;
    byte[] text = (header + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII);
    DataOutputStream out = new DataOutputStream(zip);
    out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    out.writeShort(Short.reverseBytes((short) text.length));
    out.write(text);
    out.flush();
  }

  private static void writeNumbers(ZipOutputStream zip, Tensor tensor) throws IOException {
    if (tensor.shape().size() == 0) {
      return;
    }
    ByteDataBuffer data = tensor.asRawTensor().data();
    byte[] chunk = new byte[CHUNK];
    for (long position = 0; position < data.size(); position += CHUNK) {
      int length = (int) Math.min(CHUNK, data.size() - position);
      data.offset(position).read(chunk, 0, length);
      if (tensor.dataType() == DataType.DT_BFLOAT16) {
        zip.write(widened(chunk, length));
      } else {
        zip.write(chunk, 0, length);
      }
    }
  }

  private static byte[] widened(byte[] bfloats, int length) {
    byte[] floats = new byte[2 * length];
    for (int i = 0; i < length; i += 2) {
      ElementType.BFLOAT16.convert(bfloats, i, ElementType.FLOAT32, floats, 2 * i);
    }
    return floats;
  }

  private static void writeStrings(ZipOutputStream zip, List<? extends Tensor> parts, Shape shape)
      throws IOException {
    int[] longest = {1};
    for (Tensor part : parts) {
      ((TString) part)
          .asBytes()
          .scalars()
          .forEach(text -> longest[0] = Math.max(longest[0], text.getObject().length));
    }
    writeHeader(zip, "|S" + longest[0], shape);
    for (Tensor part : parts) {
      for (var text : ((TString) part).asBytes().scalars()) {
        zip.write(Arrays.copyOf(text.getObject(), longest[0]));
      }
    }
  }
}
