package io.github.fadam.savedmodel;

import io.github.fadam.framework.loss.Losses;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.training.FineTuner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ObjDoubleConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

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

  /** An array of a {@code .npz}. */
  @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
  public record Values(String type, long[] shape, ByteBuffer bytes) {

    /** The elements, as double. */
    public double[] numbers() {
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

    Tensor tensor(DataType dataType) {
      Shape size = Shape.of(shape);
      return switch (dataType) {
        case DT_STRING -> {
          var words = NdArrays.ofObjects(String.class, size);
          Iterator<String> next = strings().iterator();
          words.scalars().forEach(word -> word.setObject(next.next()));
          yield TString.tensorOf(words);
        }
        case DT_FLOAT ->
            TFloat32.tensorOf(size, t -> fill((v, n) -> v.setFloat((float) n), t.scalars()));
        case DT_INT32 -> TInt32.tensorOf(size, t -> fill((v, n) -> v.setInt((int) n), t.scalars()));
        case DT_INT64 ->
            TInt64.tensorOf(size, t -> fill((v, n) -> v.setLong((long) n), t.scalars()));
        default -> throw new IllegalStateException("no tensor of " + dataType);
      };
    }

    private <T> void fill(ObjDoubleConsumer<T> set, Iterable<T> scalars) {
      double[] numbers = numbers();
      int i = 0;
      for (T scalar : scalars) {
        set.accept(scalar, numbers[i++]);
      }
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
  private final Map<String, Values> arrays;

  private GoldenModel(Path directory) {
    this.directory = directory;
    arrays = read(directory.resolve("golden.npz"));
  }

  /** All arrays of a {@code .npz}. */
  public static Map<String, Values> read(Path file) {
    Map<String, Values> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        byte[] bytes = zip.getInputStream(entry).readAllBytes();
        arrays.put(entry.getName().replaceAll("\\.npy$", ""), parse(bytes));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return arrays;
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

  /** All models: the committed ones, and those that make_models.py put into another directory. */
  public static Stream<GoldenModel> all(Optional<Path> made) {
    return Stream.concat(inside(MODELS), made.map(GoldenModel::inside).orElseGet(Stream::empty));
  }

  private static Stream<GoldenModel> inside(Path directory) {
    try (Stream<Path> children = Files.list(directory)) {
      return children
          .filter(child -> Files.exists(child.resolve("golden.npz")))
          .sorted()
          .map(GoldenModel::new)
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The name of the model's folder. */
  @Override
  public String toString() {
    return directory.getFileName().toString();
  }

  /** The model's directory. */
  public Path directory() {
    return directory;
  }

  /** The signature that Python trained. */
  public String signature() {
    return arrays.get("signature").strings().get(0);
  }

  /** Shapes of the inputs of which the signature leaves more open than the batch's size. */
  public Map<String, Shape> openSizes() {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    SavedModel.read(directory)
        .signature(signature())
        .inputs()
        .forEach(
            (key, spec) -> {
              Shape found = Shape.of(arrays.get(key).shape());
              if (!spec.shape().isUnknown() && spec.shape().tail().hasUnknownDimension()) {
                shapes.put(key, Shape.of(Shape.UNKNOWN_SIZE).append(found.tail()));
              }
            });
    return shapes;
  }

  /** Names of the losses as Keras calls them, {@code OUTPUT=NAME} where there are several. */
  public List<String> losses() {
    return arrays.get("loss").strings();
  }

  /** The output that Python trained, or null where there is only one or all are. */
  public String lossOutput() {
    return arrays.containsKey("loss_output") ? arrays.get("loss_output").strings().get(0) : null;
  }

  /** Tells a tuner the losses that Python trained with, each of its output. */
  public void giveLosses(FineTuner.Builder builder) {
    for (String loss : losses()) {
      String[] parts = loss.split("=", 2);
      if (parts.length == 2) {
        builder.loss(parts[0], Losses.named(parts[1], fromLogits()));
      } else {
        builder.loss(Losses.named(loss, fromLogits()));
      }
    }
    if (lossOutput() != null) {
      builder.output(lossOutput());
    }
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

  /** How far losses (relative) and weights may be from Python's, where it is not the usual. */
  public OptionalDouble tolerance() {
    return arrays.containsKey("tolerance")
        ? OptionalDouble.of(numbers("tolerance")[0])
        : OptionalDouble.empty();
  }

  /** How far Python's losses and outputs are from each other by rounding alone. */
  public double spread() {
    return arrays.containsKey("spread") ? numbers("spread")[0] : 0;
  }

  /** Whether it is one of the repository's. */
  public boolean isCommitted() {
    return directory.startsWith(MODELS);
  }

  /** Whether XLA compiles parts of the model. */
  public boolean compiled() {
    return arrays.containsKey("compiled");
  }

  /** Of all elements of a variable those that {@code initial:} and {@code weight:} have. */
  public double[] stored(double[] all) {
    if (!arrays.containsKey("sampled")) {
      return all;
    }
    int most = (int) numbers("sampled")[0];
    int stride = Math.max(1, (all.length + most - 1) / most);
    return IntStream.iterate(0, i -> i < all.length, i -> i + stride)
        .mapToDouble(i -> all[i])
        .toArray();
  }

  /** The inputs of the signature, to be closed. */
  public Map<String, Tensor> inputs(SavedSignature signature) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    signature
        .inputs()
        .forEach((key, spec) -> tensors.put(key, arrays.get(key).tensor(spec.dataType())));
    return tensors;
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
            Shape row = Shape.of(values.shape()).tail();
            if (values.type().startsWith("<U")) {
              data.column(name, values.strings().toArray(String[]::new), row);
              return;
            }
            double[] numbers = values.numbers();
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
