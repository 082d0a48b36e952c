package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.data.DataBinding;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.FunctionInliner;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlineOptions;
import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.util.List;
import java.util.OptionalLong;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;

/** A signature of a loaded model as plain nodes with its losses, ready to be fed. */
final class LoadedSignature implements AutoCloseable {

  private final SavedModel model;
  private final SavedSignature signature;
  private final SavedModelBundle bundle;
  private final InlinePlan plan;
  private final EmittedGraph emitted;
  private final Ops tf;
  private final ScoringGraph scoring;
  private boolean closed;

  LoadedSignature(ObjectiveBuilder<?> builder) {
    model = builder.model();
    signature = builder.signature();
    List<Objective> objectives = builder.objectives();
    plan =
        FunctionInliner.inline(
            model, signature.key(), InlineOptions.defaults().inputShapes(builder.inputShapes()));
    bundle =
        SavedModelBundle.loader(model.directory().toString())
            .withTags(model.tags().toArray(String[]::new))
            .withConfigProto(ConfigProto.newBuilder().setAllowSoftPlacement(true).build())
            .load();
    try {
      emitted = GraphEmitter.emit(plan, bundle.graph());
      tf = Ops.create(bundle.graph()).withSubScope("training");
      scoring = ScoringGraph.build(tf, emitted, objectives);
    } catch (RuntimeException | Error e) {
      bundle.close();
      throw e;
    }
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

  InlinePlan plan() {
    return plan;
  }

  EmittedGraph emitted() {
    return emitted;
  }

  ScoringGraph scoring() {
    return scoring;
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
    return new Evaluator(session(), scoring).evaluate(data, batchSize);
  }

  Predictions predict(DataSource data, int batchSize) {
    requireOpen();
    DataBinding.Builder builder = inputs(data);
    scoring.labels().keySet().forEach(builder::unused);
    DataBinding binding = builder.build();
    requireBatchSize(binding, batchSize);
    return new Evaluator(session(), scoring).predict(binding, batchSize);
  }

  /** Data with labels, checked against signature, loss and batch size. */
  DataBinding labelled(DataSource data, int batchSize) {
    DataBinding.Builder builder = inputs(data);
    scoring
        .labels()
        .forEach((column, label) -> builder.labels(column, label.dataType(), label.shape()));
    scoring.classes().forEach(builder::classes);
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
