package io.github.fadam.savedmodel.model;

import java.util.List;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * A variable of a SavedModel as its author knows it.
 *
 * <p>A Keras 3 export stores every variable twice; both copies are one variable here, with two
 * handles and two checkpoint keys.
 *
 * @param name the name that patterns and reports use: {@code SavedVariable.name}, or the TF1
 *     variable's name; where several share it, {@code @} and the checkpoint path are appended
 * @param dataType dtype of the value
 * @param shape shape of the value
 * @param trainable whether the author meant it to be trained
 * @param trainableSource what says so: {@code trainable_variables} of the root object, the
 *     variable's flag, or a TF1 collection
 * @param handle name of the operation in the main graph whose value the signature reads
 * @param copies names of the main graph's other operations that hold a copy of the value and have
 *     to be given the same value before saving
 * @param checkpointKeys the keys under which the checkpoint stores the value, {@code handle}'s
 *     first
 */
public record ModelVariable(
    String name,
    DataType dataType,
    Shape shape,
    boolean trainable,
    String trainableSource,
    String handle,
    List<String> copies,
    List<String> checkpointKeys) {

  /**
   * Copies the lists.
   *
   * @param name see the record
   * @param dataType see the record
   * @param shape see the record
   * @param trainable see the record
   * @param trainableSource see the record
   * @param handle see the record
   * @param copies see the record
   * @param checkpointKeys see the record
   */
  public ModelVariable {
    copies = List.copyOf(copies);
    checkpointKeys = List.copyOf(checkpointKeys);
  }
}
