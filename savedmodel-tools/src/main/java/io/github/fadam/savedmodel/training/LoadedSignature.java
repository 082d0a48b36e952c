package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;

/** A signature of a loaded model as plain nodes with its losses, ready to be fed. */
final class LoadedSignature implements AutoCloseable {

  /** Models are saved without attributes that have their default. */
  private static final AttrValue DEFAULT_TRUE = AttrValue.newBuilder().setB(true).build();

  private final SignaturePlan planned;
  private final SavedModel model;
  private final SavedSignature signature;
  private final SavedModelBundle bundle;
  private final Ops tf;
  private final ScoredPlan inference;
  private final ScoredPlan steps;
  private final List<Objective> objectives;
  private final boolean ownLosses;
  private boolean closed;

  private LoadedSignature(SignaturePlan planned, SavedModelBundle bundle) {
    this.planned = planned;
    this.bundle = bundle;
    model = planned.model();
    signature = planned.signature();
    objectives = planned.objectives();
    ownLosses = !planned.ownLosses().isEmpty();
    try {
      Graph graph = bundle.graph();
      tf = Ops.create(graph).withSubScope("training");
      inference = ScoredPlan.emit(planned.inference(), List.of(), graph, tf, objectives);
      steps =
          planned
              .steps()
              .map(p -> ScoredPlan.emit(p, planned.ownLosses(), graph, tf, objectives))
              .orElse(inference);
    } catch (RuntimeException | Error e) {
      bundle.close();
      throw e;
    }
  }

  /** What a builder says now. */
  static LoadedSignature of(ObjectiveBuilder<?> builder) {
    // TensorFlow restores the variables while the graph is rewritten here.
    LoadingBundle loading =
        LoadingBundle.begin(builder.model(), SessionConfig.of(builder.device()));
    SignaturePlan planned;
    try {
      planned = SignaturePlan.of(builder);
      builder.whileRestoring();
    } catch (RuntimeException | Error e) {
      loading.abandon(e);
      throw e;
    }
    return new LoadedSignature(planned, loading.await());
  }

  /** The same once more, with values as they are on disk. */
  static LoadedSignature again(SignaturePlan planned) {
    return new LoadedSignature(
        planned, LoadingBundle.load(planned.model(), SessionConfig.of(planned.device())));
  }

  /** What was loaded. */
  SignaturePlan planned() {
    return planned;
  }

  SavedModel model() {
    return model;
  }

  SavedSignature signature() {
    return signature;
  }

  SavedModelBundle bundle() {
    return bundle;
  }

  Graph graph() {
    return bundle.graph();
  }

  Session session() {
    return bundle.session();
  }

  /** What runs wherever the model is not trained. */
  ScoredPlan inference() {
    return inference;
  }

  /** What training steps run. */
  ScoredPlan steps() {
    return steps;
  }

  /**
   * Why a row more in a batch would change what a step does to the others; empty if nothing shows
   * that it would.
   */
  Optional<String> rowsInteract() {
    if (ownLosses) {
      return Optional.of("the model's own losses count all rows");
    }
    if (!steps.emitted().sideEffects().isEmpty()) {
      return Optional.of("the model takes statistics of its batches");
    }
    if (steps.emitted().randomKey().isPresent()) {
      return Optional.of("the model draws random numbers for each batch");
    }
    boolean ofBatch =
        steps.plan().nodes().stream()
            .filter(node -> node.getOp().startsWith("FusedBatchNorm"))
            .anyMatch(node -> node.getAttrOrDefault("is_training", DEFAULT_TRUE).getB());
    if (ofBatch) {
      return Optional.of("the model normalizes by the batch's statistics");
    }
    return Optional.empty();
  }

  /** The training steps with a weight for each row; empty if a loss cannot have them. */
  Optional<ScoredPlan> weightedSteps() {
    return ScoringGraph.weighted(tf, steps.emitted(), objectives)
        .map(scoring -> new ScoredPlan(steps.plan(), steps.emitted(), scoring));
  }

  /** Where further operations go. */
  Ops ops() {
    return tf;
  }

  Evaluation evaluate(DataSource data, int batchSize) {
    requireOpen();
    return evaluate(labelled(data, batchSize), batchSize);
  }

  Evaluation evaluate(DataBinding data, int batchSize) {
    return new Evaluator(session(), inference.scoring()).evaluate(data, batchSize);
  }

  Predictions predict(DataSource data, int batchSize) {
    requireOpen();
    DataBinding.Builder builder = inputs(data);
    inference.scoring().labels().keySet().forEach(builder::unused);
    DataBinding binding = builder.build();
    requireBatchSize(binding, batchSize);
    return new Evaluator(session(), inference.scoring()).predict(binding, batchSize);
  }

  /** Data with labels, checked against signature, loss and batch size. */
  DataBinding labelled(DataSource data, int batchSize) {
    DataBinding.Builder builder = inputs(data);
    inference
        .scoring()
        .labels()
        .forEach((column, label) -> builder.labels(column, label.dataType(), label.shape()));
    inference.scoring().classes().forEach(builder::classes);
    DataBinding binding = builder.build();
    requireBatchSize(binding, batchSize);
    return binding;
  }

  private DataBinding.Builder inputs(DataSource data) {
    DataBinding.Builder builder = DataBinding.of(data);
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

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("This model has been closed; load it again.");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      bundle.close();
    }
  }
}
