package io.github.fadam.savedmodel.testing;

import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

/** The committed models and what tests do with them. */
public final class Models {

  private static final String[] WORDS = {"red", "green", "blue", "nothing", "unheard of"};

  private Models() {}

  /** Names of all committed models that this module's tests run. */
  public static Stream<String> all() {
    try (Stream<Path> models = Files.list(directory("."))) {
      return models
          .filter(Files::isDirectory)
          .map(path -> path.getFileName().toString())
          .sorted()
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The directory of a committed model. Not to be written to. */
  public static Path directory(String name) {
    try {
      return Path.of(Models.class.getResource("/models").toURI()).resolve(name).normalize();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Copies a committed model to where a test may damage it. */
  public static Path copy(String name, Path to) throws IOException {
    Path from = directory(name);
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
    return to;
  }

  /** Random inputs for a signature, the same for the same seed; the caller closes them. */
  public static Map<String, Tensor> inputs(SavedSignature signature, long seed) {
    Map<String, Tensor> inputs = new LinkedHashMap<>();
    Random random = new Random(seed);
    for (TensorSpec spec : signature.inputs().values()) {
      Shape shape = spec.shape().isUnknown() ? Shape.of(2, 3, 4) : spec.shape();
      long[] sizes =
          Arrays.stream(shape.asArray())
              .map(size -> size == Shape.UNKNOWN_SIZE ? 5 : size)
              .toArray();
      inputs.put(spec.name(), random(spec.dataType(), Shape.of(sizes), random));
    }
    return inputs;
  }

  private static Tensor random(DataType type, Shape shape, Random random) {
    return switch (type) {
      case DT_FLOAT ->
          TFloat32.tensorOf(
              shape, data -> data.scalars().forEach(x -> x.setFloat(random.nextFloat())));
      case DT_INT32 ->
          TInt32.tensorOf(shape, data -> data.scalars().forEach(x -> x.setInt(random.nextInt(4))));
      case DT_INT64 ->
          TInt64.tensorOf(shape, data -> data.scalars().forEach(x -> x.setLong(random.nextInt(4))));
      case DT_STRING -> {
        var words = NdArrays.ofObjects(String.class, shape);
        words.scalars().forEach(x -> x.setObject(WORDS[random.nextInt(WORDS.length)]));
        yield TString.tensorOf(words);
      }
      default -> throw new IllegalArgumentException("No random values of " + type);
    };
  }

  /** Runs a signature as it was saved: through the call of its function in the main graph. */
  public static Map<String, byte[]> runOriginal(
      Session session, SavedSignature signature, Map<String, Tensor> inputs) {
    var runner = session.runner();
    signature.inputs().forEach((key, spec) -> runner.feed(spec.tensorName(), inputs.get(key)));
    signature.outputs().values().forEach(spec -> runner.fetch(spec.tensorName()));
    return bytes(List.copyOf(signature.outputs().keySet()), runner);
  }

  /** Runs tensors of a graph. */
  public static Map<String, byte[]> run(
      Session session,
      Map<String, Output<?>> feeds,
      Map<String, Tensor> inputs,
      Map<String, ? extends Operand<?>> fetches) {
    var runner = session.runner();
    feeds.forEach((key, output) -> runner.feed(output, inputs.get(key)));
    fetches.values().forEach(runner::fetch);
    return bytes(List.copyOf(fetches.keySet()), runner);
  }

  private static Map<String, byte[]> bytes(List<String> keys, Session.Runner runner) {
    Map<String, byte[]> values = new LinkedHashMap<>();
    try (var results = runner.run()) {
      for (int i = 0; i < keys.size(); i++) {
        values.put(keys.get(i), bytes(results.get(i)));
      }
    }
    return values;
  }

  /** The bits of a tensor. */
  public static byte[] bytes(Tensor tensor) {
    ByteDataBuffer data = tensor.asRawTensor().data();
    byte[] bytes = new byte[Math.toIntExact(data.size())];
    data.read(bytes);
    return bytes;
  }
}
