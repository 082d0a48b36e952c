package io.github.fadam.tpu;

import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;

/** What a trial feeds to a signature. */
final class TrialInputs {

  private static final long BATCH = 2;
  private static final long OTHER = 16;
  private static final long[] SEED = {1, 2};

  private TrialInputs() {}

  /**
   * The shapes to feed: those given, and for open dimensions 2 in front and 16 elsewhere.
   *
   * @param given signature input key to shape
   * @throws IllegalArgumentException if a given shape does not fit the signature, or the rank of an
   *     input is unknown and no shape is given
   */
  static Map<String, Shape> shapes(SavedSignature signature, Map<String, Shape> given) {
    requireFit(signature, given);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    signature
        .inputs()
        .forEach((key, spec) -> shapes.put(key, shape(key, spec.shape(), given.get(key))));
    return shapes;
  }

  /** Refuses shapes of inputs that the signature does not have or that contradict it. */
  static void requireFit(SavedSignature signature, Map<String, Shape> given) {
    for (String key : given.keySet()) {
      if (!signature.inputs().containsKey(key)) {
        throw new IllegalArgumentException(
            "Expected shapes of the inputs "
                + signature.inputs().keySet()
                + " of signature "
                + signature.key()
                + ", found one of '"
                + key
                + "'.");
      }
    }
    given.forEach(
        (key, shape) -> {
          Shape declared = signature.inputs().get(key).shape();
          if (!declared.isCompatibleWith(shape)) {
            throw new IllegalArgumentException(
                "Expected a shape of input '"
                    + key
                    + "' that fits the signature's "
                    + declared
                    + ", found "
                    + shape
                    + ".");
          }
        });
  }

  private static Shape shape(String key, Shape declared, Shape given) {
    if (given == null && declared.isUnknown()) {
      throw new IllegalArgumentException(
          "Expected a shape to try for input '"
              + key
              + "', whose rank the signature leaves open; give one: --shape "
              + key
              + "=2,16");
    }
    long[] sizes = (given == null ? declared : given).asArray().clone();
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] == Shape.UNKNOWN_SIZE) {
        sizes[i] = i == 0 ? BATCH : OTHER;
      }
    }
    return Shape.of(sizes);
  }

  /**
   * Values of an input: random numbers in [0, 1) for floating point dtypes, zeros, false or empty
   * strings for others. The caller closes them.
   */
  static Tensor values(TensorSpec input, Shape shape) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Output<?> values;
      if (input.dataType() == DataType.DT_STRING) {
        values = tf.fill(tf.constant(shape), tf.constant("")).asOutput();
      } else {
        Output<TFloat32> uniform =
            tf.random
                .statelessRandomUniform(tf.constant(shape), tf.constant(SEED), TFloat32.class)
                .asOutput();
        boolean floating =
            switch (input.dataType()) {
              case DT_HALF, DT_BFLOAT16, DT_FLOAT, DT_DOUBLE -> true;
              default -> false;
            };
        // A cast to integers cuts towards zero; a cast to bool would not.
        values =
            graph
                .opBuilder("Cast", "values", graph.baseScope())
                .addInput(floating ? uniform : tf.math.floor(uniform).asOutput())
                .setAttr("DstT", input.dataType())
                .build()
                .output(0);
      }
      return session.runner().fetch(values).run().get(0);
    }
  }
}
