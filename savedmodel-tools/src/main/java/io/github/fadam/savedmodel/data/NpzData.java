package io.github.fadam.savedmodel.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Examples from a {@code .npz} file, as {@code numpy.savez} and {@code numpy.savez_compressed}
 * write it.
 *
 * <p>Every array is a column, its first dimension the rows. Read are float16, float32, float64,
 * int8 to int64, uint8 to uint64, booleans, unicode and byte strings (as UTF-8 and as they are,
 * without the zeros that NumPy pads them with), in either byte order and in C or Fortran order.
 * Arrays of Python objects are pickles and are refused.
 */
public final class NpzData {

  private static final String SUFFIX = ".npy";
  private static final int BUFFER = 1 << 16;

  private NpzData() {}

  /**
   * Reads all arrays into memory and checks them against their checksums.
   *
   * @param file the file
   * @return its arrays as columns
   * @throws IOException if the file cannot be read, is not a zip file, is damaged, or holds an
   *     array of another kind; the message names file and array
   * @throws IllegalArgumentException if the arrays differ in their first dimension
   */
  public static DataSource read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(
          "Expected an npz file at " + file + ", found none; check the path.");
    }
    Map<String, ColumnValues> columns = new LinkedHashMap<>();
    try (ZipFile zip = open(file)) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        String array = arrayName(file, entry);
        ColumnValues values = read(zip, entry, "array " + array + " of " + file);
        if (columns.put(array, values) != null) {
          throw new IOException(
              "Expected each array of "
                  + file
                  + " once, found "
                  + array
                  + " twice; write the file with numpy.savez.");
        }
      }
    }
    return new ColumnTable(file.toString(), columns);
  }

  private static ZipFile open(Path file) throws IOException {
    try {
      return new ZipFile(file.toFile());
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      throw new IOException(
          "Expected an npz file (zip) at "
              + file
              + ", found damaged or other data"
              + (e.getMessage() == null ? "" : " (" + e.getMessage() + ")")
              + "; write it with numpy.savez or copy it again.",
          e);
    }
  }

  private static String arrayName(Path file, ZipEntry entry) throws IOException {
    if (entry.isDirectory() || !entry.getName().endsWith(SUFFIX)) {
      throw new IOException(
          "Expected only arrays (*.npy) in "
              + file
              + ", found "
              + entry.getName()
              + "; write the file with numpy.savez.");
    }
    return entry.getName().substring(0, entry.getName().length() - SUFFIX.length());
  }

  private static ColumnValues read(ZipFile zip, ZipEntry entry, String label) throws IOException {
    CRC32 checksum = new CRC32();
    try (InputStream raw = zip.getInputStream(entry);
        CheckedInputStream in =
            new CheckedInputStream(new BufferedInputStream(raw, BUFFER), checksum)) {
      ColumnValues values = NpyReader.read(label, in, entry.getSize());
      if (entry.getCrc() >= 0 && checksum.getValue() != entry.getCrc()) {
        throw NpyHeader.corrupt(label, "another checksum than the file says");
      }
      return values;
    } catch (ZipException | EOFException e) {
      throw NpyHeader.corrupt(label, "data that does not unpack (" + e.getMessage() + ")");
    }
  }
}
