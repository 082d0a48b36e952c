package io.github.fadam.tpu;

import io.github.fadam.ops.gradient.GradientResult;
import io.github.fadam.ops.gradient.UnsupportedGradientException;
import io.github.fadam.ops.variable.TensorTypes;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.ops.xla.XlaFunction;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.training.Trainability;
import io.github.fadam.tpu.CheckReport.Gradients;
import io.github.fadam.tpu.CheckReport.Outcome;
import io.github.fadam.tpu.CheckReport.Step;
import io.github.fadam.tpu.CheckReport.Trial;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * Tries out one signature: runs it, runs it compiled as a whole, looks at what a compiled step
 * could be, and builds its gradients.
 */
final class TrialRun implements AutoCloseable {

  /** Nodes that hold or bring values and are never compiled. */
  private static final Set<String> SOURCES =
      Set.of("Placeholder", "PlaceholderV2", "VarHandleOp", "VariableV2", "Variable");

  private final SavedModel model;
  private final SavedSignature signature;
  private final Map<String, Shape> shapes;
  private final InlinePlan plan;
  private final SavedModelBundle bundle;
  private final EmittedGraph emitted;
  private final Map<Output<?>, Tensor> feeds = new LinkedHashMap<>();

  TrialRun(SavedModel model, String signatureKey, Map<String, Shape> shapes) {
    this.model = model;
    this.signature = model.signature(signatureKey);
    this.shapes = shapes;
    plan = FunctionInliner.inline(model, signatureKey);
    bundle =
        SavedModelBundle.loader(model.directory().toString())
            .withTags(model.tags().toArray(String[]::new))
            .withConfigProto(ConfigProto.newBuilder().setAllowSoftPlacement(true).build())
            .load();
    try {
      emitted = GraphEmitter.emit(plan, bundle.graph());
      emitted
          .inputs()
          .forEach(
              (key, input) ->
                  feeds.put(
                      input, TrialInputs.values(signature.inputs().get(key), shapes.get(key))));
      emitted.randomKey().ifPresent(key -> feeds.put(key, TInt64.vectorOf(1, 0)));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  TrialAnswer run() {
    return new TrialAnswer(compile(), step(), gradients());
  }

  /** The signature's inputs that were made up, for the report. */
  static Map<String, List<Long>> sizes(Map<String, Shape> shapes) {
    Map<String, List<Long>> sizes = new LinkedHashMap<>();
    shapes.forEach((key, shape) -> sizes.put(key, LongStream.of(shape.asArray()).boxed().toList()));
    return sizes;
  }

  private Trial compile() {
    try (Values plain = fetch(emitted.outputs())) {
      long start = System.nanoTime();
      Map<String, Output<?>> outputs =
          CompiledCall.add(
              plan, bundle.graph(), "compiled_signature", emitted.randomKey().orElse(null));
      try (Values compiled = fetch(outputs)) {
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Trial(Outcome.OK, "", seconds, plain.largestDifference(compiled), sizes(shapes));
      } catch (TensorFlowException | IllegalArgumentException e) {
        return notCompiled(Outcome.REFUSED, e);
      }
    } catch (TensorFlowException | IllegalArgumentException e) {
      return notCompiled(Outcome.NOT_RUN, e);
    }
  }

  private Trial notCompiled(Outcome outcome, Exception e) {
    return new Trial(outcome, message(e), Double.NaN, Double.NaN, sizes(shapes));
  }

  private Step step() {
    try {
      XlaFunction function =
          XlaFunction.of(bundle.graph())
              .name("compiled_step")
              .fetch(List.copyOf(emitted.outputs().values()))
              .build();
      Graph graph = bundle.graph();
      return new Step(
          Outcome.OK,
          "",
          function.outside().stream()
              .filter(name -> !SOURCES.contains(graph.operationOrThrow(name).type()))
              .toList());
    } catch (NotCompilableException e) {
      return new Step(Outcome.REFUSED, e.getMessage(), List.of());
    } catch (IllegalArgumentException e) {
      return new Step(Outcome.NOT_RUN, message(e), List.of());
    }
  }

  private Gradients gradients() {
    Map<TrainableVariable, String> trained = new LinkedHashMap<>();
    for (ModelVariable variable : Trainability.meant(model, signature.key())) {
      trained.put(
          TrainableVariable.of(bundle.graph().operationOrThrow(variable.handle()).output(0)),
          variable.name());
    }
    if (trained.isEmpty()) {
      return new Gradients(Outcome.OK, "", List.of());
    }
    List<Output<?>> floating =
        new ArrayList<>(
            emitted.outputs().values().stream()
                .filter(o -> TensorTypes.isFloating(o.dataType()))
                .toList());
    if (floating.isEmpty()) {
      return new Gradients(
          Outcome.REFUSED,
          "Expected an output of floating point numbers to differentiate, found none in signature "
              + signature.key()
              + "; train a signature that returns probabilities or logits.",
          List.of());
    }
    try {
      GradientResult result =
          io.github.fadam.ops.gradient.Gradients.of(sum(floating), List.copyOf(trained.keySet()));
      return new Gradients(Outcome.OK, "", result.unreached().stream().map(trained::get).toList());
    } catch (UnsupportedGradientException e) {
      return new Gradients(Outcome.REFUSED, e.getMessage(), List.of());
    } catch (TensorFlowException | IllegalArgumentException | IllegalStateException e) {
      return new Gradients(Outcome.NOT_RUN, message(e), List.of());
    }
  }

  private Operand<TFloat32> sum(List<Output<?>> outputs) {
    Ops tf = Ops.create(bundle.graph()).withSubScope("differentiated");
    List<Operand<TFloat32>> sums = new ArrayList<>();
    for (Output<?> output : outputs) {
      Operand<TFloat32> floats = asFloat32(tf, output);
      sums.add(tf.sum(tf.reshape(floats, tf.constant(new int[] {-1})), tf.constant(0)));
    }
    return tf.math.addN(sums);
  }

  @SuppressWarnings("unchecked") // the dtype has been looked at, or is cast to
  private static Operand<TFloat32> asFloat32(Ops tf, Output<?> output) {
    Output<?> floats =
        output.dataType() == DataType.DT_FLOAT
            ? output
            : tf.scope()
                .env()
                .opBuilder("Cast", tf.scope().makeOpName("Cast"), tf.scope())
                .addInput(output)
                .setAttr("DstT", DataType.DT_FLOAT)
                .build()
                .output(0);
    return (Output<TFloat32>) floats;
  }

  private Values fetch(Map<String, Output<?>> outputs) {
    Session.Runner runner = bundle.session().runner();
    feeds.forEach(runner::feed);
    outputs.values().forEach(runner::fetch);
    return new Values(runner.run());
  }

  /** The values of all outputs, in the order of their keys. */
  private record Values(Result result) implements AutoCloseable {

    double largestDifference(Values other) {
      double largest = Double.NaN;
      for (int i = 0; i < result.size(); i++) {
        if (result.get(i) instanceof TFloat32 mine && other.result.get(i) instanceof TFloat32 its) {
          List<Float> a = floats(mine);
          List<Float> b = floats(its);
          largest = Double.isNaN(largest) ? 0 : largest;
          for (int k = 0; k < Math.min(a.size(), b.size()); k++) {
            largest = Math.max(largest, Math.abs((double) a.get(k) - b.get(k)));
          }
        }
      }
      return largest;
    }

    private static List<Float> floats(TFloat32 tensor) {
      List<Float> values = new ArrayList<>();
      tensor.scalars().forEach(scalar -> values.add(scalar.getFloat()));
      return values;
    }

    @Override
    public void close() {
      result.close();
    }
  }

  static String message(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage().strip();
  }

  @Override
  public void close() {
    feeds.values().forEach(Tensor::close);
    bundle.close();
  }
}
