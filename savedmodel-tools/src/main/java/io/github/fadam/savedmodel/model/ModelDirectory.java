package io.github.fadam.savedmodel.model;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.tensorflow.proto.MetaGraphDef;

/** The files of a SavedModel: finds, checks and parses them. */
final class ModelDirectory {

  private static final String MODEL_FILE = "saved_model.pb";
  private static final String DEFAULT_TAG = "serve";
  private static final Pattern SHARD = Pattern.compile("variables\\.data-(\\d{5})-of-(\\d{5})");

  private ModelDirectory() {}

  static org.tensorflow.proto.SavedModel parse(Path directory) {
    if (!Files.exists(directory)) {
      throw new SavedModelException(
          "Expected a SavedModel directory, found nothing at " + directory + "; check the path.");
    }
    if (!Files.isDirectory(directory)) {
      throw new SavedModelException(
          "Expected a SavedModel directory, found a file at "
              + directory
              + "; give the directory that holds "
              + MODEL_FILE
              + ".");
    }
    Path file = directory.resolve(MODEL_FILE);
    if (!Files.isRegularFile(file)) {
      throw new SavedModelException(
          "Expected " + MODEL_FILE + " in " + directory + ", found none; " + remedy(directory));
    }
    try {
      if (Files.size(file) > Integer.MAX_VALUE) {
        throw new SavedModelException(
            "Expected "
                + file
                + " to be at most 2 GiB, the limit of protocol buffers, found "
                + Files.size(file)
                + " bytes; save the model with its weights as variables, not as constants.");
      }
      return org.tensorflow.proto.SavedModel.parseFrom(Files.readAllBytes(file));
    } catch (InvalidProtocolBufferException e) {
      throw new SavedModelException(
          "Expected a SavedModel protocol buffer in "
              + file
              + ", found something else or only a part of one ("
              + e.getMessage()
              + "); copy or export the model again.",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("Could not read " + file + ": " + e.getMessage(), e);
    }
  }

  private static String remedy(Path directory) {
    if (Files.exists(directory.resolve("saved_model.pbtxt"))) {
      return "the text form saved_model.pbtxt is not supported, save the model in binary form.";
    }
    if (Files.exists(directory.resolve("saved_model.cpb"))) {
      return "the chunked form saved_model.cpb is not supported, save the model without chunks.";
    }
    try (Stream<Path> children = Files.list(directory)) {
      List<String> models =
          children
              .filter(child -> Files.isRegularFile(child.resolve(MODEL_FILE)))
              .map(child -> child.getFileName().toString())
              .sorted()
              .limit(5)
              .toList();
      if (!models.isEmpty()) {
        return "its subdirectories "
            + models
            + " are SavedModels, give one of them (a serving directory has one for each version).";
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Could not list " + directory + ": " + e.getMessage(), e);
    }
    return "give a directory written by model.export, tf.saved_model.save or the like.";
  }

  static MetaGraphDef metaGraph(
      Path directory, org.tensorflow.proto.SavedModel model, String... tags) {
    List<MetaGraphDef> graphs = model.getMetaGraphsList();
    if (graphs.isEmpty()) {
      throw new SavedModelException(
          "Expected a SavedModel with at least one meta graph in "
              + directory
              + ", found none: "
              + MODEL_FILE
              + " is empty or is not a SavedModel; copy or export the model again.");
    }
    if (tags.length == 0 && graphs.size() == 1) {
      return graphs.get(0);
    }
    Set<String> wanted = Set.copyOf(Arrays.asList(tags.length == 0 ? serve() : tags));
    return graphs.stream()
        .filter(graph -> wanted.equals(tags(graph)))
        .findFirst()
        .orElseThrow(
            () ->
                new SavedModelException(
                    "Expected a meta graph with the tags "
                        + new TreeSet<>(wanted)
                        + " in "
                        + directory
                        + ", found "
                        + graphs.stream()
                            .map(graph -> tags(graph).toString())
                            .collect(Collectors.joining(", "))
                        + "; name the tags of one of these."));
  }

  private static String[] serve() {
    return new String[] {DEFAULT_TAG};
  }

  static Set<String> tags(MetaGraphDef graph) {
    return new TreeSet<>(graph.getMetaInfoDef().getTagsList());
  }

  /** TensorFlow reports a missing shard by a path that users cannot make sense of: look first. */
  static void requireVariables(Path directory) {
    Path variables = directory.resolve("variables");
    if (!Files.isRegularFile(variables.resolve("variables.index"))) {
      throw missing(variables, "variables.index");
    }
    Set<String> names;
    try (Stream<Path> files = Files.list(variables)) {
      names = files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    } catch (IOException e) {
      throw new UncheckedIOException("Could not list " + variables + ": " + e.getMessage(), e);
    }
    int shards =
        names.stream()
            .map(SHARD::matcher)
            .filter(Matcher::matches)
            .mapToInt(matcher -> Integer.parseInt(matcher.group(2)))
            .max()
            .orElse(1);
    for (int shard = 0; shard < shards; shard++) {
      String name = String.format("variables.data-%05d-of-%05d", shard, shards);
      if (!names.contains(name)) {
        throw missing(variables, name);
      }
    }
  }

  static void requireAssets(Path directory, List<Asset> assets) {
    for (Asset asset : assets) {
      if (!Files.exists(directory.resolve("assets").resolve(asset.fileName()))) {
        throw missing(directory.resolve("assets"), asset.fileName());
      }
    }
  }

  private static SavedModelException missing(Path folder, String name) {
    return new SavedModelException(
        "Expected the model's files in "
            + folder
            + ", found no "
            + name
            + "; copy the whole SavedModel directory, not only "
            + MODEL_FILE
            + ".");
  }
}
