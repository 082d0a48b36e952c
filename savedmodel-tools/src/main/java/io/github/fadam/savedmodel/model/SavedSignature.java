package io.github.fadam.savedmodel.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
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
