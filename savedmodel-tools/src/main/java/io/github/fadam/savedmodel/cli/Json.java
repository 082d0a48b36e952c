package io.github.fadam.savedmodel.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.github.fadam.framework.file.WholeFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/** How the command line writes JSON: indented, numbers that are not finite as {@code null}. */
public final class Json {

  private static final ObjectWriter WRITER =
      JsonMapper.builder()
          .addModule(
              new SimpleModule()
                  .addSerializer(Double.class, new NumberOrNull())
                  .addSerializer(Double.TYPE, new NumberOrNull()))
          .build()
          .writerWithDefaultPrettyPrinter();

  /** JSON has no NaN, and readers of a list of numbers expect no text in it. */
  private static final class NumberOrNull extends JsonSerializer<Double> {
    @Override
    public void serialize(Double value, JsonGenerator json, SerializerProvider serializers)
        throws IOException {
      if (Double.isFinite(value)) {
        json.writeNumber(value);
      } else {
        json.writeNull();
      }
    }
  }

  private Json() {}

  /**
   * Writes a report.
   *
   * @param value records, maps, lists, numbers and text
   * @return the JSON text, without a line break at its end
   */
  public static String text(Object value) {
    try {
      return WRITER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A report that JSON cannot hold: " + e.getMessage(), e);
    }
  }

  static void write(Path file, Object value) throws IOException {
    byte[] bytes = (text(value) + "\n").getBytes(StandardCharsets.UTF_8);
    WholeFile.write(file, out -> out.write(bytes));
  }

  /** Dimensions, -1 for open ones; null for a shape of unknown rank. */
  static List<Long> shape(Shape shape) {
    if (shape.isUnknown()) {
      return null;
    }
    List<Long> dimensions = new ArrayList<>();
    for (long dimension : shape.asArray()) {
      dimensions.add(dimension);
    }
    return dimensions;
  }
}
