package io.github.fadam.tpu;

import io.github.fadam.ops.xla.XlaOps;
import io.github.fadam.savedmodel.data.Dtypes;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.training.Device;
import io.github.fadam.savedmodel.training.Trainability;
import io.github.fadam.tpu.CheckReport.OpenShape;
import io.github.fadam.tpu.CheckReport.Outcome;
import io.github.fadam.tpu.CheckReport.Readiness;
import io.github.fadam.tpu.CheckReport.Variable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.NodeDef;

/**
 * Checks whether a signature of a SavedModel can be compiled by XLA and trained, and says what to
 * change.
 *
 * <pre>{@code
 * CheckReport report = ModelCheck.of(Path.of("model")).run();
 * report.changes().forEach(System.out::println);
 * }</pre>
 *
 * <p>What is said of the CPU has been run: the signature, all of it, is compiled as one function
 * and its outputs are compared with those of the plain signature, in a process of its own, which is
 * started with this one's class path. What is said of GPU and TPU comes from a table of what
 * TensorFlow has for them, and has not been run.
 */
public final class ModelCheck {

  /** Said of what has been compiled and run on this machine. */
  static final String RAN_HERE = "ran here";

  /** Said of what only a table says. */
  static final String TABLE = "table";

  private final SavedModel model;
  private final SavedSignature signature;
  private final Map<String, Shape> shapes;

  private ModelCheck(SavedModel model, SavedSignature signature, Map<String, Shape> shapes) {
    this.model = model;
    this.signature = signature;
    this.shapes = Collections.unmodifiableMap(new LinkedHashMap<>(shapes));
  }

  /**
   * Checks the signature that is meant where none is named.
   *
   * @param model the model
   * @return the check, not run yet
   * @throws io.github.fadam.savedmodel.model.SavedModelException if the model has several
   *     signatures and none is {@code serving_default}
   */
  public static ModelCheck of(SavedModel model) {
    return of(model, model.defaultSignatureKey());
  }

  /**
   * Checks a signature.
   *
   * @param model the model
   * @param signatureKey key of the signature
   * @return the check, not run yet
   * @throws io.github.fadam.savedmodel.model.SavedModelException if there is no such signature
   */
  public static ModelCheck of(SavedModel model, String signatureKey) {
    return new ModelCheck(model, model.signature(signatureKey), Map.of());
  }

  /**
   * Sets the shapes to try it with. Default: what the signature says, 2 for an open first dimension
   * and 16 for other open dimensions.
   *
   * @param shapes signature input key to shape, all sizes known
   * @return a check with them
   * @throws IllegalArgumentException if a key is not the signature's, or a shape does not fit it
   */
  public ModelCheck shapes(Map<String, Shape> shapes) {
    for (Map.Entry<String, Shape> shape : shapes.entrySet()) {
      if (shape.getValue().isUnknown() || shape.getValue().hasUnknownDimension()) {
        throw new IllegalArgumentException(
            "Expected a shape of input '"
                + shape.getKey()
                + "' with all sizes known, found "
                + shape.getValue()
                + ".");
      }
    }
    // Those of inputs of unknown rank may still be missing here.
    TrialInputs.requireFit(signature, shapes);
    return new ModelCheck(model, signature, shapes);
  }

  /**
   * Runs the check: loads the model twice, compiles it once; takes seconds, for large models
   * minutes.
   *
   * @return what was found out
   * @throws IllegalArgumentException if the signature cannot be inlined (sparse inputs, operations
   *     that this TensorFlow does not know, loops of TensorFlow 1), or an input's rank is unknown
   *     and no shape is given
   */
  public CheckReport run() {
    Map<String, Shape> fed = TrialInputs.shapes(signature, shapes);
    InlinePlan plan = FunctionInliner.inline(model, signature.key());
    Set<String> references = referenceVariables(plan);
    TrialAnswer answer = TrialProcess.run(model, signature.key(), fed);
    SignatureNodes nodes =
        new SignatureNodes(
            plan,
            Trainability.meant(model, signature.key()).stream()
                .map(ModelVariable::handle)
                .collect(Collectors.toSet()));
    List<Variable> variables = variables(references);
    List<OpenShape> open = openShapes(nodes, plan);
    Map<Device, Readiness> devices = devices(nodes, answer, !references.isEmpty());
    return new CheckReport(
        model.directory().toString(),
        signature.key(),
        TensorFlow.version(),
        devices,
        answer.trial(),
        answer.step(),
        answer.gradients(),
        nodes.rows(answer.trial().outcome() == Outcome.OK),
        variables,
        open,
        new Advice(plan, nodes, answer, variables, open).lines());
  }

  private static Map<Device, Readiness> devices(
      SignatureNodes nodes, TrialAnswer answer, boolean hasReferences) {
    boolean differentiable = answer.gradients().outcome() == Outcome.OK;
    boolean compiled = answer.trial().outcome() == Outcome.OK;
    Map<Device, Readiness> devices = new EnumMap<>(Device.class);
    for (Device device : Device.values()) {
      boolean listed = nodes.problems(device).isEmpty();
      devices.put(
          device,
          switch (device) {
            case CPU ->
                new Readiness(
                    differentiable && compiled && listed, RAN_HERE, DeviceTable.source(device));
            case GPU ->
                new Readiness(
                    differentiable && compiled && listed, TABLE, DeviceTable.source(device));
            // The values of reference variables would travel to a TPU and back with every step.
            case TPU ->
                new Readiness(
                    differentiable && compiled && listed && !hasReferences,
                    TABLE,
                    DeviceTable.source(device));
          });
    }
    return devices;
  }

  private Set<String> referenceVariables(InlinePlan plan) {
    Set<String> found = new HashSet<>();
    for (NodeDef node : model.metaGraph().getGraphDef().getNodeList()) {
      if (plan.external().contains(node.getName())
          && Set.of("VariableV2", "Variable").contains(node.getOp())) {
        found.add(node.getName());
      }
    }
    return found;
  }

  private List<Variable> variables(Set<String> references) {
    List<ModelVariable> trained = Trainability.meant(model, signature.key());
    List<Variable> variables = new ArrayList<>();
    for (ModelVariable variable : model.variablesOf(signature.key())) {
      variables.add(
          new Variable(
              variable.name(),
              Dtypes.name(variable.dataType()),
              sizes(variable.shape()),
              references.contains(variable.handle()) ? "reference" : "resource",
              trained.contains(variable),
              variable.trainable() && !trained.contains(variable)
                  ? "no floating point numbers"
                  : variable.trainableSource()));
    }
    return variables;
  }

  private List<OpenShape> openShapes(SignatureNodes nodes, InlinePlan plan) {
    List<OpenShape> open = new ArrayList<>();
    signature
        .inputs()
        .forEach(
            (key, input) -> {
              if (input.shape().isUnknown()) {
                open.add(
                    new OpenShape(
                        "input " + key,
                        "any shape",
                        "the signature says nothing about it",
                        "feed one shape only: XLA compiles anew for every other one"));
              } else if (input.shape().hasUnknownDimension()) {
                open.add(openInput(key, input.shape()));
              }
            });
    for (NodeDef node : nodes.nodes()) {
      if (XlaOps.isDynamic(node.getOp())) {
        open.add(
            new OpenShape(
                node.getName() + " (" + node.getOp() + ")",
                "depends on values",
                "its result has as many elements as the values that it is given say",
                "compute a result of fixed shape instead, a mask for example, or leave it in front"
                    + " of what is compiled"));
      }
    }
    plan.kept()
        .forEach(
            (name, why) ->
                open.add(
                    new OpenShape(
                        name,
                        "number of rounds",
                        why,
                        "fix the sizes that the number of rounds follows from")));
    return open;
  }

  private static OpenShape openInput(String key, Shape shape) {
    List<Long> sizes = sizes(shape);
    boolean onlyBatch = sizes.lastIndexOf(Shape.UNKNOWN_SIZE) == 0;
    return new OpenShape(
        "input " + key,
        text(sizes),
        onlyBatch
            ? "the signature leaves the number of rows open"
            : "the signature leaves more than the number of rows open",
        onlyBatch
            ? "feed batches of one size: XLA compiles anew for every other one; the last, smaller"
                + " batch is best filled up or left out"
            : "feed one shape, padded where the data is shorter: XLA compiles anew for every"
                + " other one");
  }

  static List<Long> sizes(Shape shape) {
    return shape.isUnknown() ? List.of() : LongStream.of(shape.asArray()).boxed().toList();
  }

  static String text(List<Long> sizes) {
    return sizes.stream()
        .map(size -> size < 0 ? "?" : size.toString())
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
