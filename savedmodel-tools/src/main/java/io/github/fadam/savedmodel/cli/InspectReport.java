package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.data.Dtypes;
import io.github.fadam.savedmodel.model.Asset;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.TensorSpec;
import io.github.fadam.savedmodel.training.Trainability;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What {@code fadam inspect} says; its fields are those of the JSON. */
record InspectReport(
    String model,
    List<String> tags,
    Map<String, Signature> signatures,
    List<Variable> variables,
    ParameterCount parameters,
    List<String> functions,
    Map<String, Map<String, Long>> ops,
    List<String> assets,
    List<VariableTree.Folder> folders,
    Map<String, Training> training) {

  record Tensors(String dtype, List<Long> shape) {
    static Tensors of(TensorSpec tensor) {
      return new Tensors(Dtypes.name(tensor.dataType()), Json.shape(tensor.shape()));
    }
  }

  record Signature(Map<String, Tensors> inputs, Map<String, Tensors> outputs) {
    static Signature of(SavedSignature signature) {
      return new Signature(tensors(signature.inputs()), tensors(signature.outputs()));
    }

    private static Map<String, Tensors> tensors(Map<String, TensorSpec> specs) {
      Map<String, Tensors> tensors = new LinkedHashMap<>();
      specs.forEach((name, tensor) -> tensors.put(name, Tensors.of(tensor)));
      return tensors;
    }
  }

  /** What becomes of a variable in a training of any signature. */
  enum State {
    /** It is meant to be trained and has a gradient. */
    TRAINS,
    /** The model's author, or its dtype, says that it does not train. */
    FROZEN,
    /** It is meant to be trained; an operation without gradient stands between it and the loss. */
    BLOCKED,
    /** It is meant to be trained; no output depends on it in a way that can be differentiated. */
    UNREACHED,
    /** It is meant to be trained; no signature reads it. */
    UNREAD,
    /** It is meant to be trained; the signatures that read it could not be looked at. */
    UNKNOWN
  }

  record Variable(
      String name,
      String dtype,
      List<Long> shape,
      boolean trainable,
      String trainableSource,
      long parameters,
      State state,
      List<String> signatures) {}

  /** An operation that stands in the way, and which variables it concerns. */
  record Obstacle(
      String op,
      String node,
      List<String> path,
      String problem,
      String remedy,
      String kept,
      List<String> variables) {
    static Obstacle of(Trainability.Obstacle obstacle) {
      return new Obstacle(
          obstacle.reason().opType(),
          obstacle.reason().opName(),
          obstacle.reason().path(),
          obstacle.reason().problem(),
          obstacle.reason().remedy(),
          obstacle.kept().orElse(null),
          names(obstacle.variables()));
    }
  }

  /** What of a signature trains where nothing else is said, what cannot, and why. */
  record Training(
      boolean ready,
      long parameters,
      List<String> trains,
      List<String> unreached,
      List<Obstacle> obstacles,
      List<String> freeOutputs,
      String refusal) {
    static Training of(Trainability answer) {
      return new Training(
          answer.isReady(),
          answer.trains().stream().mapToLong(ParameterCount::of).sum(),
          names(answer.trains()),
          names(answer.unreached()),
          answer.obstacles().stream().map(Obstacle::of).toList(),
          answer.freeOutputs(),
          answer.refusal().orElse(null));
    }
  }

  static InspectReport of(SavedModel model, InputOptions inputs) {
    Map<String, Signature> signatures = new LinkedHashMap<>();
    Map<String, Map<String, Long>> ops = new LinkedHashMap<>();
    Map<String, Training> training = new LinkedHashMap<>();
    Map<String, Trainability> answers = answers(model, inputs);
    model
        .signatures()
        .forEach(
            (key, signature) -> {
              signatures.put(key, Signature.of(signature));
              ops.put(key, model.ops(key));
              training.put(key, Training.of(answers.get(key)));
            });
    List<Variable> variables =
        model.variables().stream().map(variable -> variable(model, variable, answers)).toList();
    return new InspectReport(
        model.directory().toString(),
        model.tags(),
        signatures,
        variables,
        ParameterCount.of(variables),
        model.functions(),
        ops,
        model.assets().stream().map(Asset::fileName).toList(),
        VariableTree.of(variables).folders(),
        training);
  }

  private static Map<String, Trainability> answers(SavedModel model, InputOptions inputs) {
    try {
      return inputs.ask(model).answers();
    } catch (LinkageError e) {
      // All else that is shown needs no native library.
      Map<String, Trainability> none = new LinkedHashMap<>();
      for (String key : model.signatures().keySet()) {
        none.put(
            key,
            new Trainability(
                key,
                Trainability.meant(model, key),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                Optional.of(
                    "Expected TensorFlow's native library to look at gradients, found none that"
                        + " loads here; 'fadam doctor' says more.")));
      }
      return none;
    }
  }

  private static Variable variable(
      SavedModel model, ModelVariable variable, Map<String, Trainability> answers) {
    List<String> signatures =
        model.signatures().keySet().stream()
            .filter(key -> model.variablesOf(key).contains(variable))
            .toList();
    return new Variable(
        variable.name(),
        Dtypes.name(variable.dataType()),
        Json.shape(variable.shape()),
        variable.trainable(),
        variable.trainableSource(),
        ParameterCount.of(variable),
        state(variable, signatures, answers),
        signatures);
  }

  private static State state(
      ModelVariable variable, List<String> signatures, Map<String, Trainability> answers) {
    List<Trainability> read = signatures.stream().map(answers::get).toList();
    if (!variable.trainable()) {
      return State.FROZEN;
    } else if (read.isEmpty()) {
      return State.UNREAD;
    } else if (read.stream().anyMatch(answer -> answer.trains().contains(variable))) {
      return State.TRAINS;
    } else if (read.stream()
        .flatMap(answer -> answer.obstacles().stream())
        .anyMatch(obstacle -> obstacle.variables().contains(variable))) {
      return State.BLOCKED;
    }
    return read.stream().anyMatch(answer -> answer.unreached().contains(variable))
        ? State.UNREACHED
        : State.UNKNOWN;
  }

  private static List<String> names(List<ModelVariable> variables) {
    return variables.stream().map(ModelVariable::name).toList();
  }
}
