package io.github.fadam.savedmodel.inline;

import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.model.SavedModelException;
import io.github.fadam.savedmodel.model.SavedSignature;
import org.tensorflow.proto.GraphDef;

/**
 * Turns a signature of a SavedModel, which is a call of a function that calls functions, into plain
 * nodes, so that TensorFlow can differentiate them.
 *
 * <p>Pure: reads the description, changes nothing, executes nothing. The plan computes what the
 * signature computes, bit for bit where the functions are not compiled by XLA.
 *
 * <ul>
 *   <li>Every {@code PartitionedCall} and {@code StatefulPartitionedCall} is replaced by the body
 *       of its function, nested calls too. Control dependencies and side effects are kept.
 *   <li>Operations whose gradient is missing or wrong in TensorFlow's C++ library and that have an
 *       equivalent are replaced: {@code IdentityN}, {@code EnsureShape} (the check stays), {@code
 *       PlaceholderWithDefault} in functions, {@code LogSoftmax} of another rank than 2, {@code
 *       GatherV2} with an axis counted from the end.
 *   <li>Rows are looked up in a variable itself where a model reads it whole and gathers from its
 *       value, so that a large table can be trained by rows.
 *   <li>Random operations that keep a hidden state are replaced by stateless ones, whose numbers
 *       follow from a key that is fed: {@link InlinePlan#randomKey()}.
 *   <li>{@code If} and {@code Case} become all their branches and a choice, {@code While} its body
 *       as often as it runs where this follows from the graph and the shapes of the inputs. Those
 *       that have to stay compute their values; {@link InlinePlan#kept()} says why they stay.
 *   <li>Loops of TensorFlow 1 stay where they are: the plan takes their results from the model's
 *       own graph, and calls functions that have one. They compute their values.
 *   <li>Device names and colocation are left out: the running TensorFlow places the nodes, next to
 *       the variables they use. So a model saved with a GPU runs without one.
 * </ul>
 */
public final class FunctionInliner {

  private FunctionInliner() {}

  /**
   * Inlines a signature with the default options.
   *
   * @param model the model
   * @param signatureKey key of the signature
   * @return the plan
   * @throws SavedModelException if there is no such signature
   * @throws IllegalArgumentException if the signature cannot be inlined: it takes sparse tensors,
   *     runs operations that this TensorFlow does not know, or its functions do not fit together
   */
  public static InlinePlan inline(SavedModel model, String signatureKey) {
    return inline(model, signatureKey, InlineOptions.defaults());
  }

  /**
   * Inlines a signature.
   *
   * @param model the model
   * @param signatureKey key of the signature
   * @param options what may be assumed and done
   * @return the plan
   * @throws SavedModelException if there is no such signature
   * @throws IllegalArgumentException if the signature cannot be inlined, as above
   */
  public static InlinePlan inline(SavedModel model, String signatureKey, InlineOptions options) {
    return inline(model.metaGraph().getGraphDef(), model.signature(signatureKey), options);
  }

  /**
   * Inlines whatever a graph computes.
   *
   * @param graph a main graph with its library; {@link GraphEmitter} finds its placeholders,
   *     variables and tables by their names
   * @param signature which of the graph's tensors are fed and wanted
   * @param options what may be assumed and done
   * @return the plan
   * @throws IllegalArgumentException if it cannot be inlined, as above
   */
  public static InlinePlan inline(GraphDef graph, SavedSignature signature, InlineOptions options) {
    return new Inlining(graph, options).inline(signature);
  }
}
