package io.github.fadam.savedmodel.export;

import io.github.fadam.framework.file.WholeDirectory;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TString;

/**
 * Writes a graph that was built and trained in Java as a SavedModel that Python, TensorFlow Serving
 * and {@code SavedModelBundle} load. {@code Session.save} writes nothing for resource variables.
 *
 * <pre>{@code
 * Signature signature =
 *     Signature.builder("serving_default").input("x", x).output("y", y).build();
 * TrainedGraphExporter.of(session, signature).export(Path.of("model"), false);
 * }</pre>
 *
 * <p>The model holds what the signatures' outputs need: neither the loss nor the optimizer with its
 * state, so an export is for use and further training, not a checkpoint of this one. Variables of
 * both kinds keep the names of their operations.
 *
 * <p>Not safe for use by several threads. Holds no native memory of its own; the session stays the
 * caller's and must be open while this is used.
 */
public final class TrainedGraphExporter {

  private static final String VARIABLES = "variables";

  private final Session session;
  private final ServedGraph served;
  private final Placeholder<TString> prefix;
  private final Op save;

  private TrainedGraphExporter(
      Session session, ServedGraph served, Placeholder<TString> prefix, Op save) {
    this.session = session;
    this.served = served;
    this.prefix = prefix;
    this.save = save;
  }

  /**
   * Prepares the export: adds operations that save the variables to the session's graph.
   *
   * @param session session of the trained graph
   * @param signatures what the model offers, each key once; every placeholder that an output needs
   *     must be an input
   * @return the exporter, for any number of exports of the values at that time
   * @throws IllegalArgumentException if there is no signature or a key appears twice; an output
   *     needs a placeholder that is no input, a variable whose dtype TensorFlow-Java cannot read,
   *     or a resource that is no variable (a table, an iterator); or the outputs need no variable.
   *     The graph is unchanged then
   */
  public static TrainedGraphExporter of(Session session, Signature... signatures) {
    Graph graph = session.graph();
    Map<String, Signature> byKey = byKey(signatures);
    GraphDef needed = needed(graph, byKey);
    Map<String, TrainableVariable> variables = variables(graph, needed);
    ServedGraph served = ServedGraph.of(needed, byKey, List.copyOf(variables.keySet()));

    Ops tf = Ops.create(graph).withSubScope("export");
    Placeholder<TString> prefix = tf.withName("prefix").placeholder(TString.class);
    List<Operand<?>> values = new ArrayList<>();
    variables.values().forEach(variable -> values.add(variable.read(tf)));
    Op save = ServedGraph.save(tf, prefix, List.copyOf(variables.keySet()), values);
    return new TrainedGraphExporter(session, served, prefix, save);
  }

  private static Map<String, Signature> byKey(Signature... signatures) {
    Map<String, Signature> byKey = new LinkedHashMap<>();
    for (Signature signature : signatures) {
      if (byKey.put(signature.key(), signature) != null) {
        throw new IllegalArgumentException(
            "Expected every signature key once, found " + signature.key() + " twice.");
      }
      if (signature.outputNames().isEmpty()) {
        throw new IllegalArgumentException(
            "Expected an output of signature " + signature.key() + ", found none.");
      }
    }
    if (byKey.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected at least one signature, found none; build one with Signature.builder().");
    }
    return byKey;
  }

  /** The nodes that the signatures' outputs need, in the graph's order. */
  private static GraphDef needed(Graph graph, Map<String, Signature> signatures) {
    GraphDef whole = graph.toGraphDef();
    Map<String, NodeDef> nodes = new LinkedHashMap<>();
    whole.getNodeList().forEach(node -> nodes.put(node.getName(), node));
    Set<String> inputs = new LinkedHashSet<>();
    List<String> open = new ArrayList<>();
    for (Signature signature : signatures.values()) {
      signature.getInputs().values().forEach(input -> inputs.add(operation(input.name)));
      signature.getOutputs().values().forEach(output -> open.add(operation(output.name)));
    }
    open.addAll(inputs);
    Set<String> found = new LinkedHashSet<>();
    while (!open.isEmpty()) {
      String name = open.remove(open.size() - 1);
      NodeDef node = nodes.get(name);
      if (node == null) {
        throw new IllegalArgumentException(
            "Expected signatures of the session's graph, found " + name + ", which it lacks.");
      }
      if (found.add(name)) {
        requireServable(graph, node, inputs);
        node.getInputList().forEach(input -> open.add(operation(input)));
      }
    }
    GraphDef.Builder needed = whole.toBuilder().clearNode();
    whole.getNodeList().stream()
        .filter(node -> found.contains(node.getName()))
        .forEach(needed::addNode);
    return needed.build();
  }

  private static String operation(String tensor) {
    String name = tensor.startsWith("^") ? tensor.substring(1) : tensor;
    int colon = name.indexOf(':');
    return colon < 0 ? name : name.substring(0, colon);
  }

  private static void requireServable(Graph graph, NodeDef node, Set<String> inputs) {
    if (node.getOp().equals(Placeholder.OP_NAME) && !inputs.contains(node.getName())) {
      throw new IllegalArgumentException(
          "Expected every placeholder that an output needs to be an input of a signature, found "
              + node.getName()
              + "; add it as an input, or compute the output without it.");
    }
    GraphOperation operation = graph.operation(node.getName());
    for (int i = 0; i < operation.numOutputs(); i++) {
      if (operation.output(i).dataType() == DataType.DT_RESOURCE
          && !Variables.isVariable(operation)) {
        throw new IllegalArgumentException(
            "Expected variables as the only resources, found "
                + node.getName()
                + " of type "
                + node.getOp()
                + "; its content would not be saved. Compute the output without it.");
      }
    }
  }

  private static Map<String, TrainableVariable> variables(Graph graph, GraphDef needed) {
    Map<String, TrainableVariable> variables = new LinkedHashMap<>();
    for (NodeDef node : needed.getNodeList()) {
      GraphOperation operation = graph.operation(node.getName());
      if (Variables.isVariable(operation)) {
        variables.put(node.getName(), TrainableVariable.of(operation.output(0)));
      }
    }
    if (variables.isEmpty()) {
      throw new IllegalArgumentException(
          "Expected outputs that are computed from variables, found none; nothing here was"
              + " trained.");
    }
    return variables;
  }

  /**
   * Writes the model, whole or not at all.
   *
   * @param target directory to write; missing parents are made
   * @param overwrite whether a directory that is there already may be replaced
   * @throws FileAlreadyExistsException if the target exists and {@code overwrite} is false; nothing
   *     has been written then
   * @throws IOException if something cannot be written or a variable has no value yet; the target
   *     is as it was before
   */
  public void export(Path target, boolean overwrite) throws IOException {
    WholeDirectory.write(
        target,
        overwrite,
        directory -> {
          Path folder = Files.createDirectory(directory.resolve(VARIABLES));
          try (TString path = TString.scalarOf(folder.resolve(VARIABLES).toString())) {
            session.runner().feed(prefix, path).addTarget(save).run().close();
          } catch (IllegalStateException | IllegalArgumentException e) {
            throw new IOException("The variables could not be saved: " + e.getMessage(), e);
          }
          Files.write(directory.resolve("saved_model.pb"), served.model().toByteArray());
        });
  }
}
