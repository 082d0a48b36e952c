package io.github.fadam.savedmodel.data;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.ndarray.Shape;

/**
 * The header of a {@code .npy} file, format versions 1 to 3.
 *
 * @param kind NumPy's letter: {@code f i u b U S}
 * @param size bytes per number; characters per string for {@code U}, bytes for {@code S}
 * @param bigEndian whether numbers and characters have their high byte first
 * @param fortran whether the first index runs fastest
 * @param shape the array's shape
 */
record NpyHeader(char kind, int size, boolean bigEndian, boolean fortran, Shape shape) {

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MAX_HEADER = 1 << 20;
  private static final Pattern DESCR =
      Pattern.compile("['\"]descr['\"]\\s*:\\s*['\"]([^'\"]*)['\"]");
  private static final Pattern ORDER =
      Pattern.compile("['\"]fortran_order['\"]\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("['\"]shape['\"]\\s*:\\s*\\(([^)]*)\\)");
  private static final Pattern TYPE = Pattern.compile("([<>|=])([a-zA-Z])(\\d*)(\\[.*])?");

  /**
   * Reads a header, leaving the stream at the first element.
   *
   * @param label what messages call the array
   */
  static NpyHeader read(String label, InputStream stream) throws IOException {
    DataInputStream in = new DataInputStream(stream);
    try {
      byte[] start = in.readNBytes(MAGIC.length);
      if (!Arrays.equals(start, MAGIC)) {
        throw new IOException(
            "Expected an array in the npy format in "
                + label
                + ", found other data; write the file with numpy.savez.");
      }
      int version = in.readUnsignedByte();
      in.readUnsignedByte();
      if (version < 1 || version > 3) {
        throw new IOException(
            "Expected version 1, 2 or 3 of the npy format in "
                + label
                + ", found "
                + version
                + "; write the file with numpy.savez.");
      }
      long length =
          version == 1
              ? Short.toUnsignedInt(Short.reverseBytes(in.readShort()))
              : Integer.toUnsignedLong(Integer.reverseBytes(in.readInt()));
      if (length > MAX_HEADER) {
        throw corrupt(label, "a header of " + length + " bytes");
      }
      byte[] header = new byte[(int) length];
      in.readFully(header);
      return parse(
          label,
          new String(header, version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1));
    } catch (EOFException e) {
      throw corrupt(label, "its end within the header");
    }
  }

  static IOException corrupt(String label, String found) {
    return new IOException(
        "Expected a whole array in "
            + label
            + ", found "
            + found
            + "; the file is damaged or was cut off: write or copy it again.");
  }

  private static NpyHeader parse(String label, String header) throws IOException {
    Matcher order = ORDER.matcher(header);
    Matcher shape = SHAPE.matcher(header);
    if (!header.contains("descr") || !order.find() || !shape.find()) {
      throw corrupt(label, "the header " + header.strip());
    }
    Matcher descr = DESCR.matcher(header);
    Matcher type = descr.find() ? TYPE.matcher(descr.group(1)) : null;
    if (type == null || !type.matches() || type.group(4) != null) {
      throw unsupported(label, type == null ? "fields (a structured array)" : descr.group(1));
    }
    char kind = type.group(2).charAt(0);
    int size = type.group(3).isEmpty() ? 0 : parseSize(label, type.group(3));
    requireSupported(label, descr.group(1), kind, size);
    return new NpyHeader(
        kind,
        size,
        type.group(1).equals(">"),
        order.group(1).equals("True"),
        dimensions(label, shape.group(1)));
  }

  private static int parseSize(String label, String digits) throws IOException {
    try {
      return Integer.parseInt(digits);
    } catch (NumberFormatException e) {
      throw corrupt(label, "elements of " + digits + " bytes");
    }
  }

  private static void requireSupported(String label, String descr, char kind, int size)
      throws IOException {
    if (kind == 'O') {
      throw new IOException(
          "Expected numbers, booleans or strings in "
              + label
              + ", found Python objects (a pickle, which is never loaded); convert the array before"
              + " saving, for example with array.astype(str) or array.astype('float32').");
    }
    boolean supported =
        switch (kind) {
          case 'f' -> size == 2 || size == 4 || size == 8;
          case 'i', 'u' -> size == 1 || size == 2 || size == 4 || size == 8;
          case 'b' -> size == 1;
          case 'U', 'S' -> size <= 1 << 28;
          default -> false;
        };
    if (!supported) {
      throw unsupported(label, descr);
    }
  }

  private static IOException unsupported(String label, String found) {
    return new IOException(
        "Expected float16/32/64, int8..64, uint8..64, bool, unicode or byte strings in "
            + label
            + ", found "
            + found
            + "; convert the array with astype before saving.");
  }

  private static Shape dimensions(String label, String text) throws IOException {
    try {
      long[] shape =
          Arrays.stream(text.split(","))
              .map(String::strip)
              .filter(dimension -> !dimension.isEmpty())
              .mapToLong(dimension -> Long.parseLong(dimension.replaceFirst("L$", "")))
              .toArray();
      if (Arrays.stream(shape).anyMatch(dimension -> dimension < 0)) {
        throw corrupt(label, "the shape (" + text + ")");
      }
      return Shape.of(shape);
    } catch (NumberFormatException e) {
      throw corrupt(label, "the shape (" + text + ")");
    }
  }
}
