package io.github.fadam.savedmodel.training;

import io.github.fadam.savedmodel.inline.EmittedGraph;
import io.github.fadam.savedmodel.inline.GraphEmitter;
import io.github.fadam.savedmodel.inline.InlinePlan;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

/**
 * A plan in the graph of the loaded model, with its losses.
 *
 * @param plan the plan
 * @param emitted its nodes
 * @param scoring labels, loss, metrics
 */
record ScoredPlan(InlinePlan plan, EmittedGraph emitted, ScoringGraph scoring) {

  /**
   * Adds a plan to the graph.
   *
   * @param tf where labels and losses go
   * @param ownLosses keys of outputs that are losses of the model's own
   */
  static ScoredPlan emit(
      InlinePlan plan, List<String> ownLosses, Graph graph, Ops tf, List<Objective> objectives) {
    EmittedGraph emitted = GraphEmitter.emit(plan, graph);
    return new ScoredPlan(plan, emitted, ScoringGraph.build(tf, emitted, objectives, ownLosses));
  }
}
