package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.RuleOptimizer;
import io.github.fadam.ops.runtime.NativeLibrary;
import io.github.fadam.ops.xla.NotCompilableException;
import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.export.FrozenGraph;
import io.github.fadam.savedmodel.export.SavedModelExporter;
import io.github.fadam.savedmodel.export.VariableValues;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.Tensor;

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
 * <p>In the steps of a training the model runs as {@link Mode} says, everywhere else as its
 * signature does. The source directory is never touched.
 *
 * <p>Where the optimizer keeps an average of the weights, the model is what the average says:
 * validation, {@link #evaluate}, {@link #predict}, {@link #value} and {@link #export} use it. Only
 * training goes on with the weights themselves. Before the first step there is no average.
 *
 * <p>Not safe for use by several threads. {@link #close} frees the graph and the session.
 */
public final class FineTuner implements AutoCloseable {

  private final List<ModelVariable> trained;
  private final String losses;
  private final Mode mode;
  private final String fed;
  private final StepChoice choice;
  private LoadedTraining training;

  private FineTuner(Builder builder) {
    builder.check();
    trained = builder.trained();
    losses = builder.objectives().stream().map(Objective::text).collect(Collectors.joining(", "));
    mode = builder.mode();
    fed = builder.placeholders().text();
    choice = new StepChoice(trained, builder.optimizer, builder.xla);
    training = choice.load(builder);
  }

  /**
   * Reads a SavedModel's description and starts with everything at its default.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @return a builder
   * @throws io.github.fadam.savedmodel.model.SavedModelException if it is not a SavedModel
   * @throws LinkageError if TensorFlow's native library, which is loaded meanwhile, cannot be
   */
  public static Builder of(Path directory) {
    return new Builder(NativeLibrary.loadedWhile(() -> SavedModel.read(directory)));
  }

  /** What to train, towards what, and how. */
  public static final class Builder extends BehaviourBuilder<Builder> {

    private Function<Graph, ? extends RuleOptimizer> optimizer = FAdam::new;
    private Optional<Xla> xla = Optional.empty();
    private Optional<Device> device = Optional.empty();

    private Builder(SavedModel model) {
      super(model);
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
     * Says whether the whole training step is one function that XLA compiles. Default: it is not,
     * unless a run is resumed, which then goes on as it was begun; {@link Xla#AUTO} and {@link
     * Xla#MEASURE} choose anew for a new run only. {@link Xla#OFF} and {@link Xla#STEP} hold for a
     * resumed run too, however it was begun. Evaluation and prediction are never compiled.
     *
     * @param xla whether, or how to decide
     * @return this builder
     */
    public Builder xla(Xla xla) {
      this.xla = Optional.of(xla);
      return this;
    }

    /**
     * Sets the kind of device that training steps run on. Default: TensorFlow's choice, which is a
     * GPU where it lists one.
     *
     * @param device the device; a TPU needs a compiled step
     * @return this builder
     */
    public Builder device(Device device) {
      this.device = Optional.of(device);
      return this;
    }

    @Override
    void checkSettings(Refusals refusals) {
      super.checkSettings(refusals);
      refusals.pass(() -> device.ifPresent(Device::require));
      refusals.pass(this::requireCompiledTpu);
    }

    private void requireCompiledTpu() {
      if (device.equals(Optional.of(Device.TPU)) && xla.orElse(Xla.OFF) == Xla.OFF) {
        throw new IllegalArgumentException(
            "Expected a compiled step for a TPU, which runs nothing else, found xla off; add --xla"
                + " step (xla).");
      }
    }

    @Override
    Optional<Device> device() {
      return device;
    }

    /**
     * Loads the model and builds the training step.
     *
     * @return the tuner, to be closed
     * @throws IllegalArgumentException if a name or pattern matches nothing, a shape or {@link
     *     #data} does not fit, there is no such device, or nothing is trainable, with all of these;
     *     or the loss has no right gradient; nothing has been changed then
     * @throws io.github.fadam.savedmodel.model.SavedModelException if there is no such signature
     *     and nothing else is wrong
     * @throws io.github.fadam.ops.xla.NotCompilableException if the step is to be compiled and an
     *     operation stands in the way
     * @throws org.tensorflow.exceptions.TensorFlowException if TensorFlow cannot load the model
     */
    public FineTuner build() {
      return new FineTuner(this);
    }

    @Override
    Builder self() {
      return this;
    }
  }

  /**
   * Trains. May be called again and goes on with what the model has become then.
   *
   * <p>An optimizer that accumulates takes several batches for a step. Listeners, losses, schedules
   * and checkpoints count steps. A batch that the guard skips is not replaced: the optimizer's next
   * update comes one batch later then.
   *
   * @param data the training data: a column for each input of the signature, and the labels
   * @param options how long and in which batches
   * @return what was done
   * @throws IllegalArgumentException if the data does not fit the signature or the loss, with what
   *     does not; no step has been made then
   * @throws io.github.fadam.framework.checkpoint.CheckpointException if the directory for
   *     checkpoints is in use or cannot be written to, or what it holds cannot be resumed with this
   *     model, data, options and optimizer, with all differences
   * @throws io.github.fadam.ops.xla.NotCompilableException if the step was to be compiled and
   *     TensorFlow finds out that it cannot be when it compiles; no step has been made then
   * @throws TrainingException if a loss is not finite and no guard has skipped its gradients; the
   *     update that it gave has been made
   * @throws io.github.fadam.framework.gradient.NonFiniteGradientsException if the guard has skipped
   *     as many steps in a row as it fails after
   */
  public History fit(DataSource data, FitOptions options) {
    loaded().requireOpen();
    options.requireValidationWhereNeeded();
    DataBinding binding = loaded().labelled(data, options.batchSize());
    Optional<DataBinding> validation =
        options.validation().map(held -> loaded().labelled(held, options.batchSize()));
    training = choice.settle(training, binding, options);
    Optional<Supplier<Evaluation>> measured =
        validation.map(
            held -> () -> averages().inPlace(() -> loaded().evaluate(held, options.batchSize())));
    try {
      return fit(binding, measured, options);
    } catch (NotCompilableException e) {
      training = choice.plainInstead(training, e).orElseThrow(() -> e);
      return fit(binding, measured, options);
    }
  }

  private History fit(
      DataBinding data, Optional<Supplier<Evaluation>> validation, FitOptions options) {
    if (options.checkpoint().isEmpty()) {
      return loop(options, Optional.empty()).run(data, validation);
    }
    try (RunCheckpoints checkpoints =
        RunCheckpoints.open(
            options.checkpoint().get(),
            training.state(),
            training.session(),
            run(data.rows(), options),
            options.listeners(),
            RecordedChoice.metadata(compilation()))) {
      return loop(options, Optional.of(checkpoints)).run(data, validation);
    }
  }

  private TrainingLoop loop(FitOptions options, Optional<RunCheckpoints> checkpoints) {
    return new TrainingLoop(
        training.session(), training.graph(), options, checkpoints, training.shapes());
  }

  /** The model with its step as they are now. */
  LoadedTraining training() {
    return training;
  }

  private LoadedSignature loaded() {
    return training.loaded();
  }

  private Averages averages() {
    return training.averages();
  }

  private SavedModelExporter exporter() {
    return training.exporter();
  }

  /** What has to be the same for a run to go on, besides the optimizer. */
  private Map<String, String> run(long rows, FitOptions options) {
    Map<String, String> run = new LinkedHashMap<>();
    run.put("model", ModelFingerprint.of(model().directory()));
    run.put("signature", signature().key());
    run.put("losses", losses);
    run.put("mode", mode.name().toLowerCase(Locale.ROOT));
    run.put("fed", fed);
    run.put("rows", Long.toString(rows));
    run.put("batch-size", Integer.toString(options.batchSize()));
    OptionalLong order = options.order();
    run.put("shuffle", Boolean.toString(order.isPresent()));
    boolean seeded = order.isPresent() || loaded().steps().emitted().randomKey().isPresent();
    run.put("seed", seeded ? Long.toString(options.seed()) : "none");
    return run;
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
    loaded().requireOpen();
    return averages().inPlace(() -> loaded().evaluate(data, batchSize));
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
    loaded().requireOpen();
    return averages().inPlace(() -> loaded().predict(data, batchSize));
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
    write(() -> exporter().export(target, overwrite));
  }

  /**
   * Writes the model with its new values as the next version below a directory that TensorFlow
   * Serving watches.
   *
   * @param base the directory of the versions; made if it does not exist
   * @return the new version's directory, {@code base/1} if there was none
   * @throws IOException if it cannot be written; the versions are as they were before then
   */
  public Path exportVersion(Path base) throws IOException {
    loaded().requireOpen();
    return averages().inPlace(() -> exporter().exportVersion(base));
  }

  /**
   * Writes the signature that is trained as a graph with constants in place of variables, see
   * {@link FrozenGraph}.
   *
   * @param file the {@code .pb} file, replaced if it exists
   * @throws IOException if it cannot be written; it is as it was before then
   * @throws IllegalArgumentException if the signature cannot be frozen, with all that stands in the
   *     way
   */
  public void exportFrozenGraph(Path file) throws IOException {
    write(() -> FrozenGraph.write(model(), loaded().bundle(), signature().key(), file));
  }

  /**
   * Writes the values of all variables of the model, one array each by the variable's name.
   *
   * @param file the {@code .npz} file, replaced if it exists
   * @throws IOException if it cannot be written; it is as it was before then
   */
  public void exportVariables(Path file) throws IOException {
    write(() -> VariableValues.write(model(), loaded().bundle(), file));
  }

  private interface Writing {
    void run() throws IOException;
  }

  private void write(Writing writing) throws IOException {
    loaded().requireOpen();
    averages()
        .<Void, IOException>inPlace(
            () -> {
              writing.run();
              return null;
            });
  }

  /**
   * The model's description, as it was read.
   *
   * @return the description
   */
  public SavedModel model() {
    return loaded().model();
  }

  /**
   * The signature that is trained.
   *
   * @return the signature
   */
  public SavedSignature signature() {
    return loaded().signature();
  }

  /**
   * What is not as one may expect it to be, of this model and what is asked of it.
   *
   * @return sentences for a person; empty if there is nothing to say
   */
  public List<String> warnings() {
    return Warnings.of(model(), signature().key(), loaded().steps().plan(), mode, trained);
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
    return Trainables.parameters(model().variablesOf(signature().key()));
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
    loaded().requireOpen();
    return training.value(variable);
  }

  /**
   * Sets the factor on the optimizer's learning rate, 1 at first.
   *
   * @param multiplier 0 or more, finite
   * @throws IllegalArgumentException if it is out of bounds
   */
  public void setLearningRateMultiplier(double multiplier) {
    loaded().requireOpen();
    optimizer().setLearningRateMultiplier(training.session(), multiplier);
  }

  /**
   * Whether the step is compiled, why, and for which shapes it has been so far.
   *
   * @return what was chosen and what it has cost
   */
  public Compilation compilation() {
    return training.shapes().compilation();
  }

  /**
   * The optimizer that the builder was given. Where {@link #fit} has chosen another step than there
   * was before, see {@link Builder#xla}, it is another object with the same state.
   *
   * @return the optimizer
   */
  public RuleOptimizer optimizer() {
    return training.optimizer();
  }

  /** Frees the graph and the session. What was trained and not exported is lost. */
  @Override
  public void close() {
    training.close();
  }
}
