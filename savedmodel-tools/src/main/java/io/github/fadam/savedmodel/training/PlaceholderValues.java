package io.github.fadam.savedmodel.training;

import com.google.protobuf.ByteString;
import io.github.fadam.savedmodel.model.ModelPlaceholder;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.Suggestions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** What placeholders hold that are no inputs of the signature: in training steps, and else. */
final class PlaceholderValues {

  /**
   * A value that a user gives.
   *
   * @param inference empty where it follows from the placeholder's default or, of a truth value,
   *     from the other
   */
  record Fed(Object training, Optional<Object> inference) {}

  private final Map<String, TensorProto> training = new LinkedHashMap<>();
  private final Map<String, TensorProto> inference = new LinkedHashMap<>();
  private final Map<String, Fed> fed;

  private PlaceholderValues(Map<String, Fed> fed) {
    this.fed = fed;
  }

  /**
   * Converts what was given to the placeholders' dtypes.
   *
   * @throws IllegalArgumentException with all names that are no placeholders' and all values that
   *     do not fit
   */
  static PlaceholderValues of(SavedModel model, String signature, Map<String, Fed> fed) {
    Map<String, ModelPlaceholder> known =
        model.placeholdersOf(signature).stream()
            .collect(
                Collectors.toMap(
                    ModelPlaceholder::name, Function.identity(), (a, b) -> a, LinkedHashMap::new));
    PlaceholderValues values = new PlaceholderValues(fed);
    known
        .values()
        .forEach(p -> p.defaultValue().ifPresent(value -> values.inference.put(p.name(), value)));
    List<String> problems = new ArrayList<>();
    fed.forEach(
        (name, value) -> {
          ModelPlaceholder placeholder = known.get(name);
          if (placeholder == null) {
            problems.add(unknown(model, signature, name, known));
            return;
          }
          tensor(placeholder, value.training(), problems)
              .ifPresent(t -> values.training.put(name, t));
          Optional<Object> other =
              value.inference().or(() -> opposite(placeholder, value.training()));
          other
              .flatMap(o -> tensor(placeholder, o, problems))
              .ifPresent(t -> values.inference.put(name, t));
        });
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected values for placeholders of signature "
              + signature
              + ", found "
              + String.join("; ", problems)
              + ".");
    }
    return values;
  }

  private static String unknown(
      SavedModel model, String signature, String name, Map<String, ModelPlaceholder> known) {
    if (model.signature(signature).inputs().containsKey(name)) {
      return name + ", an input of the signature, which is a column of the data";
    }
    return name
        + (known.isEmpty()
            ? ", while it depends on none but its inputs"
            : ", which it does not depend on (there are " + texts(known.values()) + ")")
        + Suggestions.didYouMean(name, known.keySet());
  }

  /** Names, dtypes and defaults, for messages. */
  static String texts(Iterable<ModelPlaceholder> placeholders) {
    List<String> texts = new ArrayList<>();
    for (ModelPlaceholder placeholder : placeholders) {
      texts.add(
          placeholder.name()
              + " ("
              + placeholder.dataType().name().substring(3).toLowerCase(Locale.ROOT)
              + (placeholder.defaultValue().isPresent() ? ", has a default)" : ", no default)"));
    }
    return String.join(", ", texts);
  }

  /** Whether values were given. */
  boolean areFed() {
    return !fed.isEmpty();
  }

  /** Whether every value that was given has one for inference next to it. */
  boolean decideInference() {
    return fed.values().stream().allMatch(value -> value.inference().isPresent());
  }

  /** Values by placeholder where the model infers. */
  Map<String, TensorProto> inference() {
    return inference;
  }

  /** Values by placeholder in the steps of a training. */
  Map<String, TensorProto> training() {
    Map<String, TensorProto> all = new LinkedHashMap<>(inference);
    all.putAll(training);
    return all;
  }

  /**
   * Refuses loops of TensorFlow 1 that depend on a value: they stay in the model's own graph, where
   * it is not known.
   *
   * @param external nodes of the model's graph that are used as they are
   */
  void requireNotBehindLoops(Set<String> external, Map<String, NodeDef> nodes) {
    Deque<String> open =
        new ArrayDeque<>(
            external.stream().filter(name -> nodes.get(name).getOp().endsWith("Exit")).toList());
    Set<String> seen = new HashSet<>(open);
    while (!open.isEmpty()) {
      String name = open.pop();
      if (fed.containsKey(name)) {
        throw new IllegalArgumentException(
            "Expected placeholders outside of loops of TensorFlow 1, found "
                + name
                + " in front of one; save the model with control flow v2"
                + " (tf.compat.v1.enable_control_flow_v2()).");
      }
      for (String input : nodes.get(name).getInputList()) {
        String producer = input.replaceFirst("^\\^", "").replaceFirst(":.*", "");
        if (nodes.containsKey(producer) && seen.add(producer)) {
          open.push(producer);
        }
      }
    }
  }

  /** What a checkpoint remembers of the values. */
  String text() {
    return fed.entrySet().stream()
        .map(entry -> entry.getKey() + "=" + entry.getValue().training())
        .sorted()
        .collect(Collectors.joining(","));
  }

  private static Optional<Object> opposite(ModelPlaceholder placeholder, Object training) {
    if (placeholder.dataType() != DataType.DT_BOOL || placeholder.defaultValue().isPresent()) {
      return Optional.empty();
    }
    return Optional.of(training.toString().equals("false"));
  }

  private static Optional<TensorProto> tensor(
      ModelPlaceholder placeholder, Object value, List<String> problems) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDtype(placeholder.dataType())
            .setTensorShape(TensorShapeProto.getDefaultInstance());
    String text = value.toString();
    try {
      switch (placeholder.dataType()) {
        case DT_BOOL -> {
          if (!text.equals("true") && !text.equals("false")) {
            throw new NumberFormatException();
          }
          tensor.addBoolVal(text.equals("true"));
        }
        case DT_FLOAT -> tensor.addFloatVal(Float.parseFloat(text));
        case DT_DOUBLE -> tensor.addDoubleVal(Double.parseDouble(text));
        case DT_INT32 -> tensor.addIntVal(Integer.parseInt(text));
        case DT_INT64 -> tensor.addInt64Val(Long.parseLong(text));
        case DT_STRING -> tensor.addStringVal(ByteString.copyFromUtf8(text));
        default -> throw new NumberFormatException();
      }
    } catch (NumberFormatException e) {
      problems.add(text + " for " + texts(List.of(placeholder)));
      return Optional.empty();
    }
    if (!placeholder.shape().isUnknown() && placeholder.shape().numDimensions() > 0) {
      problems.add(
          text + " for " + placeholder.name() + ", which takes a shape of " + placeholder.shape());
      return Optional.empty();
    }
    return Optional.of(tensor.build());
  }
}
