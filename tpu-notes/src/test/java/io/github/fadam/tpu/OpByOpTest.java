package io.github.fadam.tpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.xla.XlaOps;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.training.Device;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.NodeDef;

/**
 * Compiles the operations of the committed models one by one, each with its attributes and the
 * values it gets in the model, and compares TensorFlow's answer with the table's.
 */
class OpByOpTest {

  /** Type and type attributes of an operation to whether it compiled. */
  private final Map<String, Boolean> compiled = new TreeMap<>();

  private int taps;

  @Test
  void theTableSaysOfEachOperationWhatCompilingItSays() {
    for (Path directory : models()) {
      SavedModel model = SavedModel.read(directory);
      model.signatures().values().forEach(signature -> compileEach(model, signature));
    }
    assertTrue(compiled.size() > 25, "compiled " + compiled.keySet());
    assertTrue(compiled.containsValue(false), "nothing was refused in " + compiled.keySet());
  }

  /** All models with {@code -Dfadam.full=true}: half a minute more. */
  private static List<Path> models() {
    return Boolean.getBoolean("fadam.full")
        ? CommittedModels.all()
        : List.of(CommittedModels.directory("keras3_cnn"), CommittedModels.directory("tf_module"));
  }

  private void compileEach(SavedModel model, SavedSignature signature) {
    InlinePlan plan = FunctionInliner.inline(model, signature.key());
    Map<String, Shape> shapes = TrialInputs.shapes(signature, unknownRanks(signature));
    Map<Output<?>, Tensor> feeds = new LinkedHashMap<>();
    try (SavedModelBundle bundle = SavedModelBundle.load(model.directory().toString(), "serve")) {
      EmittedGraph emitted = GraphEmitter.emit(plan, bundle.graph(), "plain");
      emitted
          .inputs()
          .forEach(
              (key, input) ->
                  feeds.put(
                      input, TrialInputs.values(signature.inputs().get(key), shapes.get(key))));
      for (NodeDef node : plan.nodes()) {
        GraphOperation plain = bundle.graph().operationOrThrow("plain/" + node.getName());
        String kind = kind(node);
        if (!compiled.containsKey(kind) && plain.numOutputs() > 0 && isValue(plain.output(0))) {
          boolean answer = compiles(only(node, bundle.graph(), plan), bundle, feeds);
          compiled.put(kind, answer);
          if (answer) {
            boolean onlyAdvice = XlaOps.names().contains(node.getOp());
            assertTrue(
                DeviceTable.problem(Device.CPU, node).isEmpty() || onlyAdvice,
                kind + " compiles, but the table says it does not");
          } else {
            assertTrue(
                DeviceTable.problem(Device.CPU, node).isPresent(),
                kind + " does not compile, but the table says it does");
          }
        }
      }
    } finally {
      feeds.values().forEach(Tensor::close);
    }
  }

  private static Map<String, Shape> unknownRanks(SavedSignature signature) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    signature
        .inputs()
        .forEach(
            (key, input) -> {
              if (input.shape().isUnknown()) {
                shapes.put(key, Shape.of(2, 3, 4));
              }
            });
    return shapes;
  }

  private static String kind(NodeDef node) {
    Map<String, String> types = new TreeMap<>();
    node.getAttrMap()
        .forEach(
            (name, value) -> {
              if (value.getValueCase() == AttrValue.ValueCase.TYPE) {
                types.put(name, value.getType().name());
              }
            });
    return node.getOp() + types;
  }

  private static boolean isValue(Output<?> output) {
    return output.dataType() != DataType.DT_RESOURCE && output.dataType() != DataType.DT_VARIANT;
  }

  /** A plan of one node that takes what it takes in the model from the model's graph. */
  private InlinePlan only(NodeDef node, Graph graph, InlinePlan plan) {
    NodeDef.Builder alone = node.toBuilder().clearInput().setName("alone");
    Set<String> external = new HashSet<>();
    for (String input : node.getInputList()) {
      if (!input.startsWith("^")) {
        String name = SignatureNodes.nodeOf(input);
        Output<?> tensor =
            graph
                .operationOrThrow(plan.external().contains(name) ? name : "plain/" + name)
                .output(index(input));
        if (isValue(tensor)) {
          tensor =
              graph
                  .opBuilder("Identity", "tap_" + taps++, graph.baseScope())
                  .addInput(tensor)
                  .build()
                  .output(0);
        }
        external.add(tensor.op().name());
        alone.addInput(tensor.op().name() + ":0");
      }
    }
    return new InlinePlan(
        plan.signature(),
        List.of(alone.build()),
        external,
        Map.of(),
        Map.of("result", "alone:0"),
        List.of(),
        Optional.empty(),
        List.of(),
        Map.of(),
        FunctionDefLibrary.getDefaultInstance());
  }

  private boolean compiles(
      InlinePlan alone, SavedModelBundle bundle, Map<Output<?>, Tensor> feeds) {
    Output<?> result =
        CompiledCall.add(alone, bundle.graph(), "compiled_" + taps++, null).get("result");
    Session.Runner runner = bundle.session().runner().fetch(result);
    feeds.forEach(runner::feed);
    try {
      runner.run().close();
      return true;
    } catch (TensorFlowException | IllegalArgumentException e) {
      return false;
    }
  }

  private static int index(String tensor) {
    int colon = tensor.lastIndexOf(':');
    return colon < 0 ? 0 : Integer.parseInt(tensor.substring(colon + 1));
  }

  @Test
  void anIndexIsTheLastPartOfATensorsName() {
    assertEquals(2, index("split/a:2"));
    assertEquals(0, index("split/a"));
  }
}
