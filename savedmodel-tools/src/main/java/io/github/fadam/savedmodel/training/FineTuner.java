package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Loss;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.export.SavedModelExporter;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import io.github.fadam.savedmodel.model.Suggestions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;

/**
 * Trains an existing SavedModel on new data and writes it back.
 *
 * <pre>{@code
 * try (FineTuner tuner = FineTuner.of(Path.of("model"))
 *     .trainable("head/*")
 *     .loss(Losses.sparseCategoricalCrossentropy())
 *     .optimizer(graph -> FAdam.builder(graph).learningRate(1e-3).build())
 *     .build()) {
 *   History history = tuner.fit(training, FitOptions.epochs(3).validation(validation));
 *   tuner.export(Path.of("model-tuned"));
 * }
 * }</pre>
 *
 * <p>The model runs as its signature does, for a Keras 3 export in inference mode: batch
 * normalisation uses the stored averages and leaves them as they are, dropout is off. The source
 * directory is never touched.
 *
 * <p>Not safe for use by several threads. {@link #close} frees the graph and the session.
 */
public final class FineTuner implements AutoCloseable {

  private final SavedModel model;
  private final SavedSignature signature;
  private final SavedModelBundle bundle;
  private final SavedModelExporter exporter;
  private final TrainingGraph graph;
  private final RuleOptimizer optimizer;
  private final List<ModelVariable> trained;
  private final Map<String, Operand<?>> reads = new HashMap<>();
  private final Ops readOps;
  private boolean closed;

  private FineTuner(Builder builder) {
    model = builder.model;
    String key = builder.signatureKey == null ? model.defaultSignatureKey() : builder.signatureKey;
    signature = model.signature(key);
    List<Objective> objectives = builder.objectives(signature);
    trained = Trainables.select(model, key, builder.trainable, builder.frozen);
    InlinePlan plan = FunctionInliner.inline(model, key);
    bundle =
        SavedModelBundle.loader(model.directory().toString())
            .withTags(model.tags().toArray(String[]::new))
            .withConfigProto(ConfigProto.newBuilder().setAllowSoftPlacement(true).build())
            .load();
    try {
      Graph live = bundle.graph();
      EmittedGraph emitted = GraphEmitter.emit(plan, live);
      List<Output<?>> variables = new ArrayList<>();
      trained.forEach(variable -> variables.add(output(variable.handle())));
      optimizer = builder.optimizer.apply(live);
      graph = TrainingGraph.build(live, emitted, objectives, variables, optimizer);
      exporter = SavedModelExporter.of(model, bundle);
      readOps = Ops.create(live).withSubScope("values");
      bundle.session().initialize();
    } catch (RuntimeException | Error e) {
      bundle.close();
      throw e;
    }
  }

  /**
   * Reads a SavedModel's description and starts with everything at its default.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @return a builder
   * @throws io.github.fadam.savedmodel.model.SavedModelException if it is not a SavedModel
   */
  public static Builder of(Path directory) {
    return new Builder(SavedModel.read(directory));
  }

  /** What to train, towards what, and how. */
  public static final class Builder {

    private final SavedModel model;
    private final List<String> trainable = new ArrayList<>();
    private final List<String> frozen = new ArrayList<>();
    private final Map<String, Loss> losses = new LinkedHashMap<>();
    private String signatureKey;
    private String output;
    private Loss loss;
    private String labels = "labels";
    private Function<Graph, ? extends RuleOptimizer> optimizer = FAdam::new;

    private Builder(SavedModel model) {
      this.model = model;
    }

    /**
     * Sets the signature to train. Default: {@code serving_default}, or the only one.
     *
     * @param key the signature's key
     * @return this builder
     * @throws io.github.fadam.savedmodel.model.SavedModelException if there is no such signature
     */
    public Builder signature(String key) {
      model.signature(key);
      this.signatureKey = key;
      return this;
    }

    /**
     * Restricts training to variables whose names match. Default: all that the author meant to be
     * trained and the signature reads.
     *
     * @param patterns name patterns; a variable that matches any is trained
     * @return this builder
     */
    public Builder trainable(String... patterns) {
      trainable.addAll(List.of(patterns));
      return this;
    }

    /**
     * Keeps variables whose names match as they are, whatever {@link #trainable} says.
     *
     * @param patterns name patterns
     * @return this builder
     */
    public Builder frozen(String... patterns) {
      frozen.addAll(List.of(patterns));
      return this;
    }

    /**
     * Sets the loss of the only output, or of the one that {@link #output} names. Default: sparse
     * categorical cross-entropy behind a softmax, binary cross-entropy behind a sigmoid.
     *
     * @param loss the loss
     * @return this builder
     */
    public Builder loss(Loss loss) {
      this.loss = loss;
      return this;
    }

    /**
     * Sets the loss of one of several outputs. The losses are added up; the labels are in the
     * column {@code labels:OUTPUT}.
     *
     * @param output key of the output
     * @param loss its loss
     * @return this builder
     */
    public Builder loss(String output, Loss loss) {
      losses.put(output, loss);
      return this;
    }

    /**
     * Sets the output that the one loss is computed from. Default: the only one.
     *
     * @param output key of the output
     * @return this builder
     */
    public Builder output(String output) {
      this.output = output;
      return this;
    }

    /**
     * Sets the column of the data that holds the labels. Default: {@code labels}.
     *
     * @param column the column's name; {@code COLUMN:OUTPUT} where several outputs have a loss
     * @return this builder
     */
    public Builder labels(String column) {
      this.labels = column;
      return this;
    }

    /**
     * Sets the optimizer. Default: FAdam with learning rate 0.001.
     *
     * @param optimizer makes a new optimizer on the graph that it is given
     * @return this builder
     */
    public Builder optimizer(Function<Graph, ? extends RuleOptimizer> optimizer) {
      this.optimizer = optimizer;
      return this;
    }

    /**
     * Loads the model and builds the training step.
     *
     * @return the tuner, to be closed
     * @throws IllegalArgumentException if a name or pattern matches nothing, nothing is trainable,
     *     or the loss has no right gradient; nothing has been changed then
     * @throws org.tensorflow.exceptions.TensorFlowException if TensorFlow cannot load the model
     */
    public FineTuner build() {
      return new FineTuner(this);
    }

    private List<Objective> objectives(SavedSignature signature) {
      Set<String> outputs = signature.outputs().keySet();
      if (!losses.isEmpty()) {
        if (loss != null || output != null) {
          throw new IllegalArgumentException(
              "Expected either one loss or a loss for each output, found both; name the output of"
                  + " every loss.");
        }
        List<Objective> objectives = new ArrayList<>();
        losses.forEach(
            (key, value) -> {
              requireOutput(key, outputs);
              String column = losses.size() == 1 ? labels : labels + ":" + key;
              objectives.add(new Objective(key, Optional.of(value), column));
            });
        return objectives;
      }
      if (output == null && outputs.size() != 1) {
        throw new IllegalArgumentException(
            "Expected the name of the output to train, since signature "
                + signature.key()
                + " has "
                + String.join(", ", outputs)
                + "; name one with --output (output), or a loss for each.");
      }
      String key = output == null ? outputs.iterator().next() : output;
      requireOutput(key, outputs);
      return List.of(new Objective(key, Optional.ofNullable(loss), labels));
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

  /**
   * Trains. May be called again and goes on with what the model has become then.
   *
   * @param data the training data: a column for each input of the signature, and the labels
   * @param options how long and in which batches
   * @return what was done
   * @throws IllegalArgumentException if the data does not fit the signature or the loss, with what
   *     does not; no step has been made then
   * @throws TrainingException if a loss is not finite; the step that gave it has been made
   */
  public History fit(DataSource data, FitOptions options) {
    requireOpen();
    DataBinding binding = binding(data);
    Optional<DataBinding> validation = options.validation().map(this::binding);
    requireBatchSize(binding, options.batchSize());
    return new TrainingLoop(bundle.session(), graph, options)
        .run(
            binding, validation.map(held -> () -> evaluator().evaluate(held, options.batchSize())));
  }

  /**
   * Measures the model on data.
   *
   * @param data a column for each input of the signature, and the labels
   * @param batchSize rows in a batch, at least 1; the result does not depend on it but for rounding
   * @return loss and metrics
   * @throws IllegalArgumentException if the data does not fit the signature or the loss
   */
  public Evaluation evaluate(DataSource data, int batchSize) {
    requireOpen();
    DataBinding binding = binding(data);
    requireBatchSize(binding, batchSize);
    return evaluator().evaluate(binding, batchSize);
  }

  /**
   * Runs the signature on data.
   *
   * @param data a column for each input of the signature; labels may be there and are not read
   * @param batchSize rows in a batch, at least 1
   * @return the outputs, to be closed
   * @throws IllegalArgumentException if the data does not fit the signature
   */
  public Predictions predict(DataSource data, int batchSize) {
    requireOpen();
    DataBinding.Builder builder = inputs(DataBinding.of(data));
    graph.labels().keySet().forEach(builder::unused);
    DataBinding binding = builder.build();
    requireBatchSize(binding, batchSize);
    return evaluator().predict(binding, batchSize);
  }

  /**
   * Writes the model with its new values: everything else in the directory is copied as it is. The
   * optimizer's state is not part of it.
   *
   * @param target the new directory; must not exist
   * @throws IOException if it exists or cannot be written; nothing is left then
   */
  public void export(Path target) throws IOException {
    export(target, false);
  }

  /**
   * Writes the model with its new values, in place of an existing one if that is wished.
   *
   * @param target the new directory
   * @param overwrite whether an existing directory is replaced, once the new one is whole
   * @throws IOException if it cannot be written; what was there is still there then
   */
  public void export(Path target, boolean overwrite) throws IOException {
    requireOpen();
    exporter.export(target, overwrite);
  }

  /**
   * The model's description, as it was read.
   *
   * @return the description
   */
  public SavedModel model() {
    return model;
  }

  /**
   * The signature that is trained.
   *
   * @return the signature
   */
  public SavedSignature signature() {
    return signature;
  }

  /**
   * The variables that are trained.
   *
   * @return each once, in the model's order
   */
  public List<ModelVariable> trained() {
    return trained;
  }

  /**
   * Number of parameters that the signature reads.
   *
   * @return elements of all its floating point variables, each counted once
   */
  public long parameters() {
    return Trainables.parameters(model.variablesOf(signature.key()));
  }

  /**
   * Number of parameters that are trained.
   *
   * @return elements of {@link #trained()}
   */
  public long trainedParameters() {
    return Trainables.parameters(trained);
  }

  /**
   * The current value of a variable that the signature reads.
   *
   * @param variable one of {@code model().variablesOf(signature().key())}
   * @return the value, to be closed
   */
  public Tensor value(ModelVariable variable) {
    requireOpen();
    Operand<?> read =
        reads.computeIfAbsent(
            variable.handle(), handle -> TrainableVariable.of(output(handle)).read(readOps));
    return bundle.session().runner().fetch(read).run().get(0);
  }

  private Output<?> output(String operation) {
    return bundle.graph().operationOrThrow(operation).output(0);
  }

  /**
   * The optimizer that the builder was given.
   *
   * @return the optimizer
   */
  public RuleOptimizer optimizer() {
    return optimizer;
  }

  /** Frees the graph and the session. What was trained and not exported is lost. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      bundle.close();
    }
  }

  private Evaluator evaluator() {
    return new Evaluator(bundle.session(), graph);
  }

  private DataBinding binding(DataSource data) {
    DataBinding.Builder builder = inputs(DataBinding.of(data));
    graph
        .labels()
        .forEach((column, label) -> builder.labels(column, label.dataType(), label.shape()));
    return builder.build();
  }

  private DataBinding.Builder inputs(DataBinding.Builder builder) {
    signature
        .inputs()
        .forEach((name, input) -> builder.input(name, input.dataType(), input.shape()));
    return builder;
  }

  private static void requireBatchSize(DataBinding binding, int batchSize) {
    OptionalLong fixed = binding.fixedBatchSize();
    if (fixed.isPresent() && (fixed.getAsLong() != batchSize || binding.rows() % batchSize != 0)) {
      throw new IllegalArgumentException(
          "Expected batches of exactly "
              + fixed.getAsLong()
              + " rows, which the signature's inputs prescribe, and a number of rows that they"
              + " divide, found batches of "
              + batchSize
              + " and "
              + binding.rows()
              + " rows.");
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This FineTuner has been closed; make a new one.");
    }
  }
}
