package io.github.fadam.tpu;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.fadam.tpu.CheckReport.Gradients;
import io.github.fadam.tpu.CheckReport.Outcome;
import io.github.fadam.tpu.CheckReport.Step;
import io.github.fadam.tpu.CheckReport.Trial;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** What {@link TrialRun} has to say, in the form in which it leaves its process. */
record TrialAnswer(Trial trial, Step step, Gradients gradients) {

  private static final JsonMapper JSON = new JsonMapper();

  /** Nothing of it could be tried. */
  static TrialAnswer none(Outcome outcome, String message, Map<String, List<Long>> fed) {
    return new TrialAnswer(
        new Trial(outcome, message, Double.NaN, Double.NaN, fed),
        new Step(outcome, message, List.of()),
        new Gradients(outcome, message, List.of()));
  }

  static TrialAnswer read(Path file) throws IOException {
    return JSON.readValue(file.toFile(), TrialAnswer.class);
  }

  void write(Path file) throws IOException {
    JSON.writeValue(file.toFile(), this);
  }
}
