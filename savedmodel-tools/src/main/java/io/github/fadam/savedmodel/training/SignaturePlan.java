package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.InlinePlan;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedSignature;
import java.util.List;
import java.util.Optional;

/**
 * What is to be loaded of a model, and added to it; it can be loaded more than once.
 *
 * @param model the model
 * @param signature what is fed and wanted
 * @param objectives what it is measured by
 * @param inference what the signature computes
 * @param steps what training steps compute, where that is something else
 * @param ownLosses keys of the outputs of {@code steps} that are losses of the model's own
 * @param device where it runs, if that was said
 */
record SignaturePlan(
    SavedModel model,
    SavedSignature signature,
    List<Objective> objectives,
    InlinePlan inference,
    Optional<InlinePlan> steps,
    List<String> ownLosses,
    Optional<Device> device) {

  /** What a builder says now. */
  static SignaturePlan of(ObjectiveBuilder<?> builder) {
    SavedModel model = builder.model();
    SavedSignature signature = builder.signature();
    PlaceholderValues values = builder.placeholders();
    InlinePlan inference =
        RunGraph.inference(model, signature.key(), values).plan(values, builder.inputShapes());
    Optional<RunGraph> training = builder.steps(values);
    return new SignaturePlan(
        model,
        signature,
        List.copyOf(builder.objectives()),
        inference,
        training.map(run -> run.plan(values, builder.inputShapes())),
        training.map(RunGraph::losses).orElse(List.of()),
        builder.device());
  }
}
