package io.github.fadam.savedmodel.data;

import java.util.Locale;
import java.util.regex.Pattern;

/** What a cell of a csv file looks like. */
enum CsvCell {
  EMPTY,
  INTEGER,
  NUMBER,
  BOOLEAN,
  TEXT;

  private static final Pattern INTEGERS = Pattern.compile("[+-]?\\d+");
  private static final Pattern NUMBERS =
      Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?");
  private static final Pattern NOT_FINITE =
      Pattern.compile("[+-]?(nan|inf|infinity)", Pattern.CASE_INSENSITIVE);

  static CsvCell of(String cell) {
    String text = cell.strip();
    if (text.isEmpty()) {
      return EMPTY;
    } else if (INTEGERS.matcher(text).matches()) {
      return INTEGER;
    } else if (NUMBERS.matcher(text).matches() || NOT_FINITE.matcher(text).matches()) {
      return NUMBER;
    }
    return text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false") ? BOOLEAN : TEXT;
  }

  /** Writes a cell that {@link #of} found to fit the type. */
  static void put(String cell, ElementType type, byte[] to, int offset) {
    String text = cell.strip();
    switch (type) {
      case BOOL -> type.putInteger(Boolean.parseBoolean(text) ? 1 : 0, to, offset);
      case INT64 -> type.putInteger(Long.parseLong(text), to, offset);
      default -> type.putFloating(number(text), to, offset);
    }
  }

  /** Whether an {@link #INTEGER} has too many digits for int64. */
  static boolean overflows(String cell) {
    try {
      Long.parseLong(cell.strip());
      return false;
    } catch (NumberFormatException e) {
      return true;
    }
  }

  private static double number(String text) {
    if (!NOT_FINITE.matcher(text).matches()) {
      return Double.parseDouble(text);
    }
    String lower = text.toLowerCase(Locale.ROOT);
    if (lower.endsWith("nan")) {
      return Double.NaN;
    }
    return lower.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }
}
