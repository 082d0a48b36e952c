package io.github.fadam.savedmodel.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/** Opens data files by the ending of their names. */
public final class DataFiles {

  private DataFiles() {}

  /**
   * Reads a {@code .npz} or {@code .csv} file.
   *
   * @param file the file
   * @return its columns
   * @throws IOException if the file cannot be read or is not what its name says
   * @throws IllegalArgumentException if its name ends with neither
   * @see NpzData
   * @see CsvData
   */
  public static DataSource open(Path file) throws IOException {
    return open(file, Set.of());
  }

  /**
   * Reads a {@code .npz} or {@code .csv} file.
   *
   * @param file the file
   * @param text for a {@code .csv} file, names of columns to keep as strings even where all cells
   *     look like numbers: those of the signature's string inputs
   * @return its columns
   * @throws IOException if the file cannot be read or is not what its name says
   * @throws IllegalArgumentException if its name ends with neither
   */
  public static DataSource open(Path file, Set<String> text) throws IOException {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".npz")) {
      return NpzData.read(file);
    } else if (name.endsWith(".csv")) {
      return CsvData.read(file, text);
    }
    throw new IllegalArgumentException(
        "Expected a .npz or .csv file, found " + file + "; save the arrays with numpy.savez.");
  }
}
