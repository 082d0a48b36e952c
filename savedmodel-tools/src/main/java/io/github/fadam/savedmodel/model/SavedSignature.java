package io.github.fadam.savedmodel.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * A function that the model offers to its callers.
 *
 * @param key the key under which the model offers it, for example {@code serving_default}
 * @param methodName what kind of function it is, for example {@code tensorflow/serving/predict};
 *     may be empty
 * @param inputs the inputs by key, in alphabetical order
 * @param outputs the outputs by key, in alphabetical order
 */
public record SavedSignature(
    String key,
    String methodName,
    Map<String, TensorSpec> inputs,
    Map<String, TensorSpec> outputs) {

  /**
   * Copies the maps, keeping their order.
   *
   * @param key see the record
   * @param methodName see the record
   * @param inputs see the record
   * @param outputs see the record
   */
  public SavedSignature {
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
  }

  /**
   * The same signature for inputs about whose shapes more is known.
   *
   * @param shapes input key to shape, the batch dimension first; {@link Shape#UNKNOWN_SIZE} and
   *     unknown shapes say nothing
   * @return a signature whose inputs have these shapes where they were open
   * @throws IllegalArgumentException if a key is not that of an input or a shape contradicts it
   */
  public SavedSignature withInputShapes(Map<String, Shape> shapes) {
    Map<String, TensorSpec> narrowed = new LinkedHashMap<>(inputs);
    shapes.forEach(
        (input, shape) -> {
          TensorSpec spec = inputs.get(input);
          if (spec == null) {
            throw new IllegalArgumentException(
                "Expected shapes of inputs of the signature '"
                    + key
                    + "', found one of '"
                    + input
                    + "'"
                    + Suggestions.didYouMean(input, inputs.keySet()));
          }
          narrowed.put(
              input,
              new TensorSpec(
                  spec.name(),
                  spec.tensorName(),
                  spec.dataType(),
                  joined(input, spec.shape(), shape)));
        });
    return new SavedSignature(key, methodName, narrowed, outputs);
  }

  private static Shape joined(String input, Shape declared, Shape given) {
    if (declared.isUnknown() || given.isUnknown()) {
      return declared.isUnknown() ? given : declared;
    }
    long[] sizes = declared.asArray().clone();
    boolean fits = sizes.length == given.numDimensions();
    for (int i = 0; fits && i < sizes.length; i++) {
      long size = given.get(i);
      fits = sizes[i] == Shape.UNKNOWN_SIZE || size == Shape.UNKNOWN_SIZE || sizes[i] == size;
      sizes[i] = size == Shape.UNKNOWN_SIZE ? sizes[i] : size;
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "Expected a shape of input '"
              + input
              + "' that fits the signature's "
              + declared
              + ", found "
              + given
              + "; -1 leaves a size open.");
    }
    return Shape.of(sizes);
  }

  static SavedSignature of(String key, SignatureDef definition) {
    return new SavedSignature(
        key,
        definition.getMethodName(),
        specs(definition.getInputsMap()),
        specs(definition.getOutputsMap()));
  }

  private static Map<String, TensorSpec> specs(Map<String, TensorInfo> tensors) {
    Map<String, TensorSpec> specs = new LinkedHashMap<>();
    new TreeMap<>(tensors)
        .forEach(
            (name, info) ->
                specs.put(
                    name,
                    new TensorSpec(
                        name,
                        info.getName(),
                        info.getDtype(),
                        ProtoShapes.of(info.getTensorShape()))));
    return specs;
  }
}
