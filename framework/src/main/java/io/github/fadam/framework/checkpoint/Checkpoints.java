package io.github.fadam.framework.checkpoint;

import io.github.fadam.framework.checkpoint.Manifest.StoredTensor;
import io.github.fadam.framework.file.WholeDirectory;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * A directory of checkpoints of one training run.
 *
 * <pre>{@code
 * try (Checkpoints checkpoints =
 *     Checkpoints.open(directory, TrainingState.of(optimizer), Retention.keepLast(3), Map.of())) {
 *   long step = checkpoints.restore(session).map(Progress::step).orElse(0L);
 *   while (step < 1000) {
 *     session.runner().addTarget(train).run().close();
 *     step++;
 *     if (step % 100 == 0) {
 *       checkpoints.save(session, Progress.at(step, 0, step));
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Each checkpoint is a directory {@code step-NNNNNNNNNN} that appears whole or not at all,
 * whenever the process or the machine stops: TensorFlow's files {@code state.*}, which {@code
 * tf.train.load_checkpoint} reads, {@code manifest.json} and its checksum. Every file's size and
 * checksum is compared before TensorFlow reads it. What a killed process left half-written is
 * hidden, never restored, and removed by the next save.
 *
 * <p>One process holds the directory at a time. No step may run while a checkpoint is saved or
 * restored. An interrupt during {@link #save} does not stop it and stays pending. Not safe for use
 * by several threads.
 */
public final class Checkpoints implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());

  private final Path directory;
  private final TrainingState state;
  private final Retention retention;
  private final Map<String, String> run;
  private final DirectoryLock lock;
  private final Set<Path> damaged = new HashSet<>();

  private Checkpoints(
      Path directory,
      TrainingState state,
      Retention retention,
      Map<String, String> run,
      DirectoryLock lock) {
    this.directory = directory;
    this.state = state;
    this.retention = retention;
    this.run = Collections.unmodifiableMap(new LinkedHashMap<>(run));
    this.lock = lock;
  }

  /**
   * Takes a directory for this process.
   *
   * @param directory where the checkpoints are; made if there is none
   * @param state what to save
   * @param retention which checkpoints stay
   * @param run what else must be the same for a run to go on, by name: seeds, batch size, a
   *     fingerprint of the data; recorded, and compared on restoring
   * @return the directory, to be closed
   * @throws CheckpointException if another process, or another object of this one, holds it, or it
   *     cannot be written to
   */
  public static Checkpoints open(
      Path directory, TrainingState state, Retention retention, Map<String, String> run) {
    Path place = directory.toAbsolutePath().normalize();
    try {
      DirectoryLock lock =
          Uninterrupted.call(
              () -> {
                Files.createDirectories(place);
                return DirectoryLock.of(place);
              });
      return new Checkpoints(place, state, retention, run, lock);
    } catch (IOException e) {
      throw new CheckpointException(
          "Expected a directory for checkpoints that can be written to at "
              + place
              + ", found none ("
              + e
              + "); choose another place.",
          e);
    }
  }

  /**
   * Writes a checkpoint, then removes those that are not to stay.
   *
   * @param session a session of the state's graph
   * @param progress where the run is
   * @return the checkpoint's directory
   * @throws CheckpointException if there is a whole checkpoint of this step already, or it cannot
   *     be written; those that were there still are
   */
  public Path save(Session session, Progress progress) {
    StoredCheckpoint checkpoint = StoredCheckpoint.of(directory, progress.step());
    StateOps ops = state.ops();
    try {
      return Uninterrupted.call(
          () -> {
            boolean replace = requireReplaceable(checkpoint);
            Files.createDirectories(directory);
            WholeDirectory.removeLeftovers(directory, StoredCheckpoint.PREFIX);
            WholeDirectory.write(
                checkpoint.directory(), replace, partial -> fill(partial, session, ops, progress));
            damaged.remove(checkpoint.directory());
            prune(checkpoint.step());
            return checkpoint.directory();
          });
    } catch (IOException e) {
      throw new CheckpointException(
          "Could not write the checkpoint of step "
              + progress.step()
              + " to "
              + directory
              + " ("
              + e.getMessage()
              + "); the earlier ones are as they were. Check that the place is writable and has"
              + " room.",
          e);
    }
  }

  private void fill(Path partial, Session session, StateOps ops, Progress progress)
      throws IOException {
    try {
      ops.save(session, StoredCheckpoint.files(partial));
    } catch (TensorFlowException e) {
      throw new IOException("TensorFlow failed to save: " + e.getMessage(), e);
    }
    StoredCheckpoint.write(
        partial,
        new Manifest(
            Manifest.FORMAT,
            version(),
            state.optimizer(),
            run,
            progress,
            StoredTensor.of(ops.tensors()),
            StoredCheckpoint.measure(partial)));
  }

  private static String version() {
    String version = Checkpoints.class.getPackage().getImplementationVersion();
    return version == null ? "unreleased" : version;
  }

  /** Whether something is there, which then has to be damaged. */
  private static boolean requireReplaceable(StoredCheckpoint checkpoint) {
    if (!Files.exists(checkpoint.directory())) {
      return false;
    }
    try {
      checkpoint.verified();
    } catch (IOException e) {
      return true;
    }
    throw new CheckpointException(
        "Expected no checkpoint of step "
            + checkpoint.step()
            + " yet, found "
            + checkpoint.directory()
            + "; restore the run that wrote it, or choose another directory.");
  }

  /**
   * Where the newest checkpoint's run was, to know before there is anything to restore into. Its
   * manifest is read, its files are not; restoring may take an older one if they are damaged.
   *
   * @param directory where the checkpoints are; may be in use, and need not exist
   * @return what was saved with the newest checkpoint whose manifest can be read, or empty if there
   *     is none
   * @throws CheckpointException if the directory cannot be read, or the checkpoint is of a later
   *     version of this library
   */
  public static Optional<Progress> newest(Path directory) {
    if (!Files.isDirectory(directory)) {
      return Optional.empty();
    }
    for (StoredCheckpoint checkpoint : list(directory)) {
      try {
        return Optional.of(checkpoint.manifest().progress());
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "no manifest in {0}: {1}", checkpoint.directory(), e.getMessage());
      }
    }
    return Optional.empty();
  }

  /**
   * Restores the newest whole checkpoint. Damaged ones are skipped, each with a warning that says
   * why.
   *
   * @param session a session of the state's graph
   * @return where the saved run was, or empty if there is no checkpoint at all
   * @throws CheckpointException if there are checkpoints and all are damaged, or the newest whole
   *     one is of another optimizer, other options, other variables or another run, with all
   *     differences; nothing has been changed then
   */
  public Optional<Progress> restore(Session session) {
    List<String> skipped = new ArrayList<>();
    for (StoredCheckpoint checkpoint : list()) {
      try {
        return Optional.of(restore(session, checkpoint, checkpoint.verified()));
      } catch (IOException e) {
        damaged.add(checkpoint.directory());
        skipped.add(checkpoint.directory().getFileName() + ": " + e.getMessage());
        LOG.log(
            Level.WARNING,
            "skipping the damaged checkpoint {0}: {1}",
            checkpoint.directory(),
            e.getMessage());
      }
    }
    if (skipped.isEmpty()) {
      return Optional.empty();
    }
    throw new CheckpointException(
        "Expected a whole checkpoint in "
            + directory
            + ", found only damaged ones ("
            + String.join("; ", skipped)
            + "); take one from a backup, or remove them to begin anew.");
  }

  /**
   * Restores the checkpoint of one step, for example the best one to evaluate or export it. A run
   * that goes on from an older step needs another directory: {@link #restore(Session)} takes the
   * newest.
   *
   * @param session a session of the state's graph
   * @param step the step, one of {@link #steps()}
   * @return where the saved run was
   * @throws CheckpointException if there is none, it is damaged, or it does not fit; nothing has
   *     been changed then
   */
  public Progress restore(Session session, long step) {
    StoredCheckpoint checkpoint = StoredCheckpoint.of(directory, step);
    if (!Files.isDirectory(checkpoint.directory())) {
      throw new CheckpointException(
          "Expected a checkpoint of one of the steps "
              + steps()
              + " in "
              + directory
              + ", found none of step "
              + step);
    }
    try {
      return restore(session, checkpoint, checkpoint.verified());
    } catch (IOException e) {
      throw new CheckpointException(
          "Expected a whole checkpoint at "
              + checkpoint.directory()
              + ", found a damaged one: "
              + e.getMessage(),
          e);
    }
  }

  private Progress restore(Session session, StoredCheckpoint checkpoint, Manifest manifest) {
    StateOps ops = state.ops();
    List<String> differences =
        Differences.between(manifest, state.optimizer(), run, StoredTensor.of(ops.tensors()));
    if (!differences.isEmpty()) {
      throw new CheckpointException(
          "Expected a checkpoint of this training, found "
              + checkpoint.directory()
              + " with "
              + (differences.size() == 1 ? "1 difference: " : differences.size() + " differences: ")
              + String.join("; ", differences)
              + ". Train with what it was saved with, or choose another directory.",
          differences);
    }
    try {
      ops.restore(session, StoredCheckpoint.files(checkpoint.directory()));
    } catch (TensorFlowException e) {
      throw new CheckpointException(
          "TensorFlow could not restore " + checkpoint.directory() + ": " + e.getMessage(), e);
    }
    LOG.log(Level.INFO, "restored {0}", checkpoint.directory());
    return manifest.progress();
  }

  /**
   * The steps of all checkpoints, damaged ones too.
   *
   * @return the steps, ascending
   */
  public List<Long> steps() {
    return list().stream().map(StoredCheckpoint::step).sorted().toList();
  }

  /**
   * The step of the best checkpoint.
   *
   * @return the step, or empty if the retention has no metric or no readable checkpoint has it
   */
  public OptionalLong best() {
    return best(manifests());
  }

  private OptionalLong best(Map<StoredCheckpoint, Manifest> manifests) {
    if (retention.best().isEmpty()) {
      return OptionalLong.empty();
    }
    Retention.Best best = retention.best().get();
    OptionalLong step = OptionalLong.empty();
    Double value = null;
    for (Map.Entry<StoredCheckpoint, Manifest> entry : manifests.entrySet()) {
      Double candidate = entry.getValue().progress().metrics().get(best.metric());
      if (candidate != null
          && !candidate.isNaN()
          && (value == null || best.comparator().compare(candidate, value) > 0)) {
        value = candidate;
        step = OptionalLong.of(entry.getKey().step());
      }
    }
    return step;
  }

  /** Those whose manifest can be read and that are not known to be damaged, newest first. */
  private Map<StoredCheckpoint, Manifest> manifests() {
    Map<StoredCheckpoint, Manifest> manifests = new LinkedHashMap<>();
    for (StoredCheckpoint checkpoint : list()) {
      if (!damaged.contains(checkpoint.directory())) {
        try {
          manifests.put(checkpoint, checkpoint.manifest());
        } catch (IOException | CheckpointException e) {
          LOG.log(
              Level.WARNING,
              "leaving alone what cannot be read, {0}: {1}",
              checkpoint.directory(),
              e.getMessage());
        }
      }
    }
    return manifests;
  }

  /** Damaged ones neither count nor are removed: they must not push whole ones out. */
  private void prune(long saved) {
    Map<StoredCheckpoint, Manifest> manifests = manifests();
    OptionalLong best = best(manifests);
    Set<Long> kept =
        manifests.keySet().stream()
            .map(StoredCheckpoint::step)
            .limit(retention.last())
            .collect(Collectors.toCollection(HashSet::new));
    kept.add(saved);
    best.ifPresent(kept::add);
    for (StoredCheckpoint checkpoint : manifests.keySet()) {
      if (!kept.contains(checkpoint.step())) {
        try {
          WholeDirectory.remove(checkpoint.directory());
        } catch (IOException e) {
          LOG.log(Level.WARNING, "could not remove the old {0}: {1}", checkpoint.directory(), e);
        }
      }
    }
  }

  private List<StoredCheckpoint> list() {
    return list(directory);
  }

  private static List<StoredCheckpoint> list(Path directory) {
    try {
      return StoredCheckpoint.in(directory);
    } catch (IOException e) {
      throw new CheckpointException(
          "Expected a directory that can be read at " + directory + ", found none (" + e + ")", e);
    }
  }

  /** Frees the directory for other processes. */
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "could not free {0}: {1}", directory, e);
    }
  }
}
