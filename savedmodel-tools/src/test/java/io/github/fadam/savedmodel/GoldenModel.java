package io.github.fadam.savedmodel;

import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.tensorflow.ndarray.Shape;

/**
 * A model of the test resources with what Python computed from it, see make_models.py.
 *
 * <p>It reads its arrays itself: a test of training should not lean on the reader that users' data
 * goes through.
 */
public final class GoldenModel {

  private static final Path MODELS = Path.of("src/test/resources/models");
  private static final Pattern SHAPE = Pattern.compile("'shape': \\(([^)]*)\\)");
  private static final Pattern TYPE = Pattern.compile("'descr': '([^']*)'");

  @SuppressWarnings("ArrayRecordComponent") // private, never compared
  private record Values(String type, long[] shape, ByteBuffer bytes) {

    double[] numbers() {
      int count = (int) Shape.of(shape).size();
      double[] numbers = new double[count];
      ByteBuffer from = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < count; i++) {
        numbers[i] =
            switch (type) {
              case "<f4" -> from.getFloat();
              case "<f8" -> from.getDouble();
              case "<i4" -> from.getInt();
              case "<i8" -> from.getLong();
              case "|b1" -> from.get();
              default -> throw new IllegalStateException("no reader for " + type);
            };
      }
      return numbers;
    }

    List<String> strings() {
      int width = 4 * Integer.parseInt(type.substring(2));
      int count = bytes.remaining() / width;
      byte[] all = new byte[bytes.remaining()];
      bytes.duplicate().get(all);
      return Stream.iterate(0, i -> i < count, i -> i + 1)
          .map(i -> Arrays.copyOfRange(all, i * width, (i + 1) * width))
          .map(b -> new String(b, Charset.forName("UTF-32LE")).replace("\0", ""))
          .toList();
    }
  }

  private final Path directory;
  private final Map<String, Values> arrays = new LinkedHashMap<>();

  private GoldenModel(Path directory) {
    this.directory = directory;
    try (ZipFile zip = new ZipFile(directory.resolve("golden.npz").toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        byte[] bytes = zip.getInputStream(entry).readAllBytes();
        arrays.put(entry.getName().replaceAll("\\.npy$", ""), parse(bytes));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A model by the name of its folder. */
  public static GoldenModel named(String name) {
    return new GoldenModel(MODELS.resolve(name));
  }

  private static Values parse(byte[] bytes) {
    int length = (bytes[8] & 0xff) | (bytes[9] & 0xff) << 8;
    String header = new String(bytes, 10, length, StandardCharsets.US_ASCII);
    Matcher shape = SHAPE.matcher(header);
    Matcher type = TYPE.matcher(header);
    if (!shape.find() || !type.find()) {
      throw new IllegalStateException("unexpected header " + header);
    }
    long[] dimensions =
        Arrays.stream(shape.group(1).split(","))
            .filter(part -> !part.isBlank())
            .mapToLong(part -> Long.parseLong(part.trim()))
            .toArray();
    return new Values(
        type.group(1),
        dimensions,
        ByteBuffer.wrap(bytes, 10 + length, bytes.length - 10 - length).slice());
  }

  /** The model's directory. */
  public Path directory() {
    return directory;
  }

  /** The signature that Python trained. */
  public String signature() {
    return arrays.get("signature").strings().get(0);
  }

  /** Names of the losses as Keras calls them, {@code OUTPUT=NAME} where there are several. */
  public List<String> losses() {
    return arrays.get("loss").strings();
  }

  /** The output that Python trained, or null where there is only one or all are. */
  public String lossOutput() {
    return arrays.containsKey("loss_output") ? arrays.get("loss_output").strings().get(0) : null;
  }

  /** Whether the outputs are logits. */
  public boolean fromLogits() {
    return numbers("from_logits")[0] != 0;
  }

  /** Learning rate of Python's five steps. */
  public double learningRate() {
    return numbers("learning_rate")[0];
  }

  /** Names of the variables that Python trained. */
  public List<String> trainable() {
    return arrays.get("trainable").strings();
  }

  /** Elements of an array: {@code output:KEY}, {@code initial:NAME}, {@code weight:NAME}. */
  public double[] numbers(String array) {
    return arrays.get(array).numbers();
  }

  /** Names of the arrays with a prefix, without the prefix. */
  public List<String> names(String prefix) {
    return arrays.keySet().stream()
        .filter(name -> name.startsWith(prefix))
        .map(name -> name.substring(prefix.length()))
        .toList();
  }

  /** Inputs and labels as data. */
  public DataSource data() {
    ArrayData.Builder data = ArrayData.builder();
    arrays.forEach(
        (name, values) -> {
          boolean column =
              values.shape().length > 0
                  && !name.matches("(output|initial|weight):.*")
                  && !List.of("losses", "trainable", "loss").contains(name);
          if (column) {
            double[] numbers = values.numbers();
            Shape row = Shape.of(values.shape()).tail();
            if (values.type().startsWith("<i")) {
              data.column(name, Arrays.stream(numbers).mapToLong(n -> (long) n).toArray(), row);
            } else {
              float[] floats = new float[numbers.length];
              for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) numbers[i];
              }
              data.column(name, floats, row);
            }
          }
        });
    return data.build();
  }

  /** Number of rows of the data. */
  public int rows() {
    return (int) data().rows();
  }
}
