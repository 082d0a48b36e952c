package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.Suggestions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * What a SavedModel is measured or trained by: signature, outputs, losses, labels.
 *
 * @param <B> the concrete builder, which every setter returns
 */
public abstract sealed class ObjectiveBuilder<B extends ObjectiveBuilder<B>>
    permits BehaviourBuilder, ModelEvaluator.Builder {

  private final SavedModel model;
  private final Map<String, Loss> losses = new LinkedHashMap<>();
  private final Map<String, Shape> inputShapes = new LinkedHashMap<>();
  private final Map<String, PlaceholderValues.Fed> fed = new LinkedHashMap<>();
  private String signatureKey;
  private String output;
  private Loss loss;
  private String labels = "labels";
  private List<DataSource> data = List.of();

  ObjectiveBuilder(SavedModel model) {
    this.model = model;
  }

  /**
   * Sets the signature. Default: {@code serving_default}, or the only one.
   *
   * @param key the signature's key
   * @return this builder
   */
  public B signature(String key) {
    this.signatureKey = key;
    return self();
  }

  /**
   * Sets the loss of the only output, or of the one that {@link #output} names. Default: sparse
   * categorical cross-entropy behind a softmax, binary cross-entropy behind a sigmoid.
   *
   * @param loss the loss
   * @return this builder
   */
  public B loss(Loss loss) {
    this.loss = loss;
    return self();
  }

  /**
   * Sets the loss of one of several outputs. The losses are added up; the labels are in the column
   * {@code labels:OUTPUT}.
   *
   * @param output key of the output
   * @param loss its loss
   * @return this builder
   */
  public B loss(String output, Loss loss) {
    losses.put(output, loss);
    return self();
  }

  /**
   * Sets the output that the one loss is computed from. Default: the only one.
   *
   * @param output key of the output
   * @return this builder
   */
  public B output(String output) {
    this.output = output;
    return self();
  }

  /**
   * Sets the column of the data that holds the labels. Default: {@code labels}.
   *
   * @param column the column's name; {@code COLUMN:OUTPUT} where several outputs have a loss
   * @return this builder
   */
  public B labels(String column) {
    this.labels = column;
    return self();
  }

  /**
   * Says more about the shape of an input than the signature does. A loop over time steps whose
   * number the signature leaves open can only be trained through when this says how many there are;
   * all data has to have this shape then. Default: the signature's shapes.
   *
   * @param input key of the input
   * @param shape its shape, the batch dimension first, {@link Shape#UNKNOWN_SIZE} for what stays
   *     open: {@code Shape.of(-1, 20, 3)} for 20 time steps of 3 numbers
   * @return this builder
   */
  public B inputShape(String input, Shape shape) {
    inputShapes.put(input, shape);
    return self();
  }

  /**
   * Gives a placeholder of a TensorFlow 1 program that is no input of the signature a value for the
   * steps of a training. Wherever else the model runs it has its default, or is the opposite if it
   * is a truth value without one.
   *
   * @param placeholder the placeholder's name
   * @param training its value in training steps, a scalar: Boolean, Number or String, which is
   *     converted to the placeholder's dtype
   * @return this builder
   */
  public B feed(String placeholder, Object training) {
    fed.put(placeholder, new PlaceholderValues.Fed(training, Optional.empty()));
    return self();
  }

  /**
   * Gives a placeholder of a TensorFlow 1 program that is no input of the signature its values.
   *
   * @param placeholder the placeholder's name
   * @param training its value in training steps, as above
   * @param inference its value wherever else the model runs
   * @return this builder
   */
  public B feed(String placeholder, Object training, Object inference) {
    fed.put(placeholder, new PlaceholderValues.Fed(training, Optional.of(inference)));
    return self();
  }

  /**
   * Says which data the model will be given: columns that are missing, one too many or of another
   * shape are refused together with all else that is wrong, before the model is loaded. Default:
   * they are refused when the data are used.
   *
   * @param data all the data
   * @return this builder
   */
  public B data(DataSource... data) {
    this.data = Arrays.stream(data).distinct().toList();
    return self();
  }

  abstract B self();

  /**
   * Refuses what the model does not have, all of it at once.
   *
   * @throws IllegalArgumentException with every name, pattern and shape that is wrong
   * @throws io.github.fadam.savedmodel.model.SavedModelException if all that is wrong is the key of
   *     a signature
   */
  final void check() {
    Refusals refusals = new Refusals();
    checkSettings(refusals);
    if (refusals.pass(this::declared)) {
      SavedSignature signature = declared();
      boolean shaped = true;
      for (Map.Entry<String, Shape> shape : inputShapes.entrySet()) {
        shaped &= refusals.pass(() -> signature.withInputShapes(Map.ofEntries(shape)));
      }
      SavedSignature known = shaped ? signature() : signature;
      refusals.pass(this::objectives);
      data.forEach(source -> refusals.pass(() -> requireColumns(source, known)));
      checkSignature(refusals, refusals.pass(this::placeholders));
    } else {
      checkWithoutSignature(refusals);
    }
    refusals.raise();
  }

  /** Checks what can be checked whatever the signature. */
  void checkSettings(Refusals refusals) {}

  /** Checks what can be checked of the model where there is no such signature. */
  void checkWithoutSignature(Refusals refusals) {}

  /**
   * Checks what else there is of a signature that exists.
   *
   * @param fed whether the values for placeholders are right
   */
  void checkSignature(Refusals refusals, boolean fed) {}

  private void requireColumns(DataSource data, SavedSignature signature) {
    DataBinding.Builder columns = DataBinding.of(data);
    signature
        .inputs()
        .forEach((name, input) -> columns.input(name, input.dataType(), input.shape()));
    List<String> labelled =
        losses.isEmpty()
            ? List.of(labels)
            : losses.keySet().stream()
                .filter(signature.outputs()::containsKey)
                .map(this::labelsOf)
                .toList();
    labelled.forEach(column -> columns.labels(column, DataType.DT_FLOAT, Shape.unknown()));
    columns.check();
  }

  /** The column of the labels of an output that has a loss of its own. */
  private String labelsOf(String output) {
    return losses.size() == 1 ? labels : labels + ":" + output;
  }

  PlaceholderValues placeholders() {
    return PlaceholderValues.of(model, declared().key(), fed);
  }

  /** What training steps run, where it is not what everything else does. */
  Optional<RunGraph> steps(PlaceholderValues values) {
    return Optional.empty();
  }

  /** What will be needed and can be done while TensorFlow restores the variables. */
  void whileRestoring() {}

  /** The kind of device that is asked for. */
  Optional<Device> device() {
    return Optional.empty();
  }

  SavedModel model() {
    return model;
  }

  /** The chosen signature, with what was said about its inputs. */
  SavedSignature signature() {
    return declared().withInputShapes(inputShapes);
  }

  /** The chosen signature as the model has it. */
  SavedSignature declared() {
    return model.signature(signatureKey == null ? model.defaultSignatureKey() : signatureKey);
  }

  /** Input key to shape, as far as something was said. */
  Map<String, Shape> inputShapes() {
    return inputShapes;
  }

  /**
   * One objective for each output that has a loss.
   *
   * @throws IllegalArgumentException if it is open which output is meant, or there is none of that
   *     name
   */
  List<Objective> objectives() {
    Set<String> outputs = declared().outputs().keySet();
    if (losses.isEmpty()) {
      return List.of(new Objective(onlyOutput(outputs), Optional.ofNullable(loss), labels));
    }
    if (loss != null || output != null) {
      throw new IllegalArgumentException(
          "Expected either one loss or a loss for each output, found both; name the output of every"
              + " loss.");
    }
    Refusals.all(
        losses.keySet().stream().map(key -> (Runnable) () -> requireOutput(key, outputs)).toList());
    List<Objective> objectives = new ArrayList<>();
    losses.forEach(
        (key, value) -> {
          objectives.add(new Objective(key, Optional.of(value), labelsOf(key)));
        });
    return objectives;
  }

  private String onlyOutput(Set<String> outputs) {
    if (output != null) {
      requireOutput(output, outputs);
      return output;
    }
    if (outputs.size() != 1) {
      throw new IllegalArgumentException(
          "Expected the name of the output that the loss is computed from, since signature "
              + declared().key()
              + " has "
              + String.join(", ", outputs)
              + "; name one with --output (output), or a loss for each.");
    }
    return outputs.iterator().next();
  }

  private static void requireOutput(String key, Set<String> outputs) {
    if (!outputs.contains(key)) {
      throw new IllegalArgumentException(
          "Expected an output of "
              + String.join(", ", outputs)
              + ", found "
              + key
              + Suggestions.didYouMean(key, outputs));
    }
  }
}
