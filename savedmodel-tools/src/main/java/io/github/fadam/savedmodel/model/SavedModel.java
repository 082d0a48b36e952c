package io.github.fadam.savedmodel.model;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * What a SavedModel directory holds, read from its files: nothing is executed and TensorFlow's
 * native library is not needed.
 *
 * <p>Immutable. It describes the files as they were when they were read.
 */
public final class SavedModel {

  private static final String DEFAULT_SIGNATURE = "serving_default";
  private static final String MARKER_PREFIX = "__saved_model_";

  private final Path directory;
  private final MetaGraphDef metaGraph;
  private final MainGraph graph;
  private final Map<String, SavedSignature> signatures;
  private final Map<String, Set<NodeDef>> nodes = new LinkedHashMap<>();
  private final List<ModelVariable> variables;

  private SavedModel(Path directory, MetaGraphDef metaGraph) {
    this.directory = directory;
    this.metaGraph = metaGraph;
    graph = new MainGraph(metaGraph);
    Map<String, SavedSignature> found = new LinkedHashMap<>();
    new TreeMap<>(metaGraph.getSignatureDefMap())
        .forEach(
            (key, definition) -> {
              if (!key.startsWith(MARKER_PREFIX)) {
                found.put(key, SavedSignature.of(key, definition));
              }
            });
    signatures = Collections.unmodifiableMap(found);
    Set<String> read = new HashSet<>();
    signatures.forEach(
        (key, signature) -> {
          Set<NodeDef> needed = graph.ancestors(tensorNames(signature));
          nodes.put(key, needed);
          needed.forEach(node -> read.add(node.getName()));
        });
    variables = VariableCatalog.of(metaGraph, graph, read);
  }

  private static Collection<String> tensorNames(SavedSignature signature) {
    return signature.outputs().values().stream().map(TensorSpec::tensorName).toList();
  }

  /**
   * Reads a SavedModel: the graph tagged {@code serve}, or the only graph that there is.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @return the description
   * @throws SavedModelException if the directory is not a SavedModel, is incomplete or damaged, or
   *     has several graphs and none is tagged {@code serve}
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static SavedModel read(Path directory) {
    return read(directory, new String[0]);
  }

  /**
   * Reads one graph of a SavedModel.
   *
   * @param directory the directory that holds {@code saved_model.pb}
   * @param tags exactly the tags of the wanted graph, in any order; none for the default
   * @return the description
   * @throws SavedModelException if the directory is not a SavedModel, is incomplete or damaged, or
   *     has no graph with these tags
   * @throws java.io.UncheckedIOException if a file cannot be read
   */
  public static SavedModel read(Path directory, String... tags) {
    SavedModel model =
        new SavedModel(
            directory, ModelDirectory.metaGraph(directory, ModelDirectory.parse(directory), tags));
    if (model.variables.stream().anyMatch(variable -> !variable.checkpointKeys().isEmpty())) {
      ModelDirectory.requireVariables(directory);
    }
    ModelDirectory.requireAssets(directory, model.assets());
    return model;
  }

  /**
   * Where the model was read from.
   *
   * @return the directory as it was given to {@link #read(Path)}
   */
  public Path directory() {
    return directory;
  }

  /**
   * The tags of the graph that was read.
   *
   * @return the tags, as {@code SavedModelBundle.load} takes them
   */
  public List<String> tags() {
    return metaGraph.getMetaInfoDef().getTagsList();
  }

  /**
   * The graph as it is written in the file, for what this description leaves out.
   *
   * @return the protocol buffer
   */
  public MetaGraphDef metaGraph() {
    return metaGraph;
  }

  MainGraph graph() {
    return graph;
  }

  /**
   * What the model offers to its callers.
   *
   * @return signatures by key, in alphabetical order
   */
  public Map<String, SavedSignature> signatures() {
    return signatures;
  }

  /**
   * One signature.
   *
   * @param key its key
   * @return the signature
   * @throws SavedModelException if there is none with this key
   */
  public SavedSignature signature(String key) {
    SavedSignature signature = signatures.get(key);
    if (signature == null) {
      throw new SavedModelException(
          "Expected a signature '"
              + key
              + "' in "
              + directory
              + ", found "
              + quoted(signatures.keySet())
              + Suggestions.didYouMean(key, signatures.keySet()));
    }
    return signature;
  }

  /**
   * The signature that is meant where none is named.
   *
   * @return {@code serving_default} if there is one, else the only key
   * @throws SavedModelException if there are several others or none
   */
  public String defaultSignatureKey() {
    if (signatures.containsKey(DEFAULT_SIGNATURE)) {
      return DEFAULT_SIGNATURE;
    }
    if (signatures.size() == 1) {
      return signatures.keySet().iterator().next();
    }
    throw new SavedModelException(
        "Expected a signature '"
            + DEFAULT_SIGNATURE
            + "' or only one in "
            + directory
            + ", found "
            + quoted(signatures.keySet())
            + (signatures.isEmpty()
                ? "; save the model with a signature."
                : "; name the one you mean."));
  }

  private static String quoted(Collection<String> names) {
    return names.isEmpty() ? "none" : names.stream().collect(Collectors.joining("', '", "'", "'"));
  }

  /**
   * All variables of the model, also those that no signature reads.
   *
   * @return each variable once, in the order of the model's objects; their names are unique
   */
  public List<ModelVariable> variables() {
    return variables;
  }

  /**
   * The variables that a signature reads or captures.
   *
   * @param signatureKey key of the signature
   * @return each variable once, in the order of {@link #variables()}
   * @throws SavedModelException if there is no such signature
   */
  public List<ModelVariable> variablesOf(String signatureKey) {
    signature(signatureKey);
    Set<String> read =
        nodes.get(signatureKey).stream().map(NodeDef::getName).collect(Collectors.toSet());
    return variables.stream()
        .filter(
            variable ->
                read.contains(variable.handle())
                    || variable.copies().stream().anyMatch(read::contains))
        .toList();
  }

  /**
   * The placeholders that a signature depends on besides its inputs, in a program of TensorFlow 1
   * those that say whether it trains and what it drops out.
   *
   * @param signatureKey key of the signature
   * @return the placeholders, in alphabetical order
   * @throws SavedModelException if there is no such signature
   */
  public List<ModelPlaceholder> placeholdersOf(String signatureKey) {
    Set<String> inputs =
        signature(signatureKey).inputs().values().stream()
            .map(input -> MainGraph.nodeName(input.tensorName()))
            .collect(Collectors.toSet());
    return nodes.get(signatureKey).stream()
        .filter(node -> ModelPlaceholder.is(node) && !inputs.contains(node.getName()))
        .map(node -> ModelPlaceholder.of(node, graph))
        .sorted(Comparator.comparing(ModelPlaceholder::name))
        .toList();
  }

  /**
   * The functions in the graph's library.
   *
   * @return names, in alphabetical order
   */
  public List<String> functions() {
    return List.copyOf(graph.functions().keySet());
  }

  /**
   * The operations that a signature runs, those in the functions it calls included, a function once
   * for each call.
   *
   * @param signatureKey key of the signature
   * @return number of operations by type, in alphabetical order; calls of functions are replaced by
   *     what the function does, branches and loop bodies count once
   * @throws SavedModelException if there is no such signature
   */
  public Map<String, Long> ops(String signatureKey) {
    signature(signatureKey);
    return Collections.unmodifiableMap(graph.countOps(nodes.get(signatureKey)));
  }

  /**
   * The files that the model reads when it is loaded.
   *
   * @return the assets, in the order of the file
   */
  public List<Asset> assets() {
    return metaGraph.getAssetFileDefList().stream()
        .map(asset -> new Asset(asset.getFilename(), asset.getTensorInfo().getName()))
        .toList();
  }

  @Override
  public String toString() {
    return "SavedModel[" + directory + ", signatures " + signatures.keySet() + "]";
  }
}
