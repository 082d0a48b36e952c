package io.github.fadam.framework.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.fadam.framework.optimizer.KernelChoice;
import io.github.fadam.ops.variable.TrainableVariable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What {@code manifest.json} says of a checkpoint.
 *
 * @param format version of this layout
 * @param library version of this library that wrote it
 * @param optimizer the optimizer
 * @param run what must be the same for the run to go on: data, batches, seeds, model
 * @param progress where the run was
 * @param tensors what the files hold
 * @param files the files beside the manifest
 */
record Manifest(
    int format,
    String library,
    Optimizer optimizer,
    Map<String, String> run,
    Progress progress,
    List<StoredTensor> tensors,
    List<StoredFile> files) {

  /** The layout that this version writes. */
  static final int FORMAT = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  Manifest {
    Objects.requireNonNull(library);
    Objects.requireNonNull(optimizer);
    Objects.requireNonNull(run);
    Objects.requireNonNull(progress);
    Objects.requireNonNull(tensors);
    Objects.requireNonNull(files);
  }

  /** An optimizer: its class, all its options, and what updated its variables. */
  record Optimizer(String type, Map<String, String> settings, List<KernelChoice> kernels) {
    Optimizer {
      Objects.requireNonNull(type);
      Objects.requireNonNull(settings);
      kernels = kernels == null ? List.of() : List.copyOf(kernels);
    }
  }

  /** A tensor: TensorFlow's name of its dtype, its dimensions, -1 for open ones. */
  record StoredTensor(String name, String dtype, List<Long> shape) {

    static List<StoredTensor> of(Map<String, TrainableVariable> tensors) {
      List<StoredTensor> stored = new ArrayList<>();
      tensors.forEach(
          (name, variable) ->
              stored.add(
                  new StoredTensor(
                      name,
                      variable.dataType().name(),
                      variable.shape().isUnknown()
                          ? null
                          : Arrays.stream(variable.shape().asArray()).boxed().toList())));
      return stored;
    }

    boolean fits(List<Long> other) {
      if (shape == null || other == null) {
        return true;
      }
      boolean fits = shape.size() == other.size();
      for (int i = 0; fits && i < shape.size(); i++) {
        fits = shape.get(i) < 0 || other.get(i) < 0 || shape.get(i).equals(other.get(i));
      }
      return fits;
    }
  }

  /** A file: its name in the directory, its size and the CRC-32C of its bytes. */
  record StoredFile(String name, long bytes, String crc32c) {}

  byte[] bytes() {
    try {
      return (JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n")
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A manifest that JSON cannot hold: " + e.getMessage(), e);
    }
  }

  /**
   * Reads a manifest.
   *
   * @throws IOException if it is none
   * @throws CheckpointException if it is one of a later version
   */
  static Manifest parse(byte[] bytes) throws IOException {
    int format = JSON.readTree(bytes).path("format").asInt(0);
    if (format > FORMAT) {
      throw new CheckpointException(
          "Expected a checkpoint of format "
              + FORMAT
              + " or before, found format "
              + format
              + "; restore it with the version of this library that wrote it, or a later one.");
    }
    if (format < 1) {
      throw new IOException("it has no format number");
    }
    return JSON.readValue(bytes, Manifest.class);
  }
}
