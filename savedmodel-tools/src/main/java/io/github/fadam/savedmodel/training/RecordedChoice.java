package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.checkpoint.Checkpoints;
import io.github.fadam.framework.checkpoint.Progress;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a checkpoint says of the step that it was made with.
 *
 * @param compiled whether XLA compiled it
 * @param reason what that followed from when the run began
 */
record RecordedChoice(boolean compiled, String reason) {

  private static final String COMPILED = "xla/compiled";
  private static final String REASON = "xla/reason";
  private static final String BEGUN = "as the run was begun, because ";

  /** What the newest checkpoint in a directory says; empty if there is none. */
  static Optional<RecordedChoice> in(Path directory) {
    return Checkpoints.newest(directory)
        .map(Progress::metadata)
        .filter(metadata -> metadata.containsKey(COMPILED))
        .map(
            metadata ->
                new RecordedChoice(
                    Boolean.parseBoolean(metadata.get(COMPILED)),
                    metadata.getOrDefault(REASON, "")));
  }

  /** What a checkpoint has to say of a choice. */
  static Map<String, String> metadata(Compilation choice) {
    String reason = choice.reason();
    return Map.of(
        COMPILED,
        Boolean.toString(choice.compiled()),
        REASON,
        reason.startsWith(BEGUN) ? reason.substring(BEGUN.length()) : reason);
  }

  /** The same choice for a run that goes on. */
  Compilation again() {
    return Compilation.of(compiled, BEGUN + reason);
  }
}
