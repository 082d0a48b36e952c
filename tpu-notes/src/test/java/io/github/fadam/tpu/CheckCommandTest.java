package io.github.fadam.tpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.fadam.savedmodel.cli.FadamCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The subcommand as the launcher runs it: found by the service loader. */
class CheckCommandTest {

  private record Run(int exitCode, String out, String err) {

    JsonNode json() {
      try {
        return new JsonMapper().readTree(out);
      } catch (JsonProcessingException e) {
        throw new AssertionError(out + err, e);
      }
    }
  }

  private static Run check(Path model, String... options) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> args = new ArrayList<>(List.of("check", model.toString()));
    args.addAll(List.of(options));
    int exitCode =
        FadamCommand.run(
            new PrintWriter(out, true), new PrintWriter(err, true), args.toArray(String[]::new));
    return new Run(exitCode, out.toString(), err.toString());
  }

  private static JsonNode op(JsonNode report, String type) {
    return StreamSupport.stream(report.get("ops").spliterator(), false)
        .filter(op -> op.get("op").asText().equals(type))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + type + " in " + report));
  }

  private static String changes(JsonNode report) {
    List<String> changes = new ArrayList<>();
    report.get("changes").forEach(change -> changes.add(change.asText()));
    return String.join("\n", changes);
  }

  @Test
  void aConvolutionalKerasModelIsReady() {
    Run run = check(CommittedModels.directory("keras3_cnn"), "--json");
    assertEquals(0, run.exitCode(), run.out() + run.err());
    JsonNode report = run.json();
    Set<String> fields = new TreeSet<>();
    report.fieldNames().forEachRemaining(fields::add);
    assertEquals(
        Set.of(
            "ready",
            "wanted",
            "model",
            "signature",
            "tensorflow",
            "devices",
            "trial",
            "step",
            "gradients",
            "ops",
            "variables",
            "shapes",
            "changes"),
        fields);
    assertTrue(report.get("ready").asBoolean());
    assertEquals("2.18.0", report.get("tensorflow").asText());
    assertEquals("OK", report.get("trial").get("outcome").asText());
    assertTrue(report.get("trial").get("largestDifference").asDouble() < 1e-6);
    assertEquals("[2,8,8,1]", report.get("trial").get("fed").get("image").toString());
    assertEquals("OK", report.get("step").get("outcome").asText());
    assertEquals("OK", report.get("gradients").get("outcome").asText());

    JsonNode convolution = op(report, "Conv2D");
    assertEquals(2, convolution.get("count").asInt());
    assertTrue(convolution.get("example").asText().contains("stem"));
    assertEquals("CPP", convolution.get("gradient").asText());
    assertTrue(convolution.get("trained").asBoolean());
    JsonNode devices = convolution.get("devices");
    assertEquals("ran here", devices.get("CPU").get("evidence").asText());
    assertEquals("table", devices.get("GPU").get("evidence").asText());
    assertEquals("table", devices.get("TPU").get("evidence").asText());
    assertTrue(devices.get("TPU").get("compiles").asBoolean());
    assertFalse(op(report, "Rsqrt").get("trained").asBoolean(), "of the moving variance only");

    JsonNode kernel = report.get("variables").get(0);
    assertEquals("resource", kernel.get("kind").asText());
    assertTrue(kernel.get("trains").asBoolean());
    assertEquals("[?, 8, 8, 1]", report.get("shapes").get(0).get("shape").asText());
    assertTrue(changes(report).contains("number of rows"), changes(report));
  }

  @Test
  void aModelThatLooksUpWordsIsNotReadyButWhatTrainsIs() {
    Run run = check(CommittedModels.directory("tf_module"), "--signature", "words", "--json");
    assertEquals(CheckCommand.NOT_READY, run.exitCode(), run.out() + run.err());
    JsonNode report = run.json();
    assertFalse(report.get("ready").asBoolean());
    assertEquals("REFUSED", report.get("trial").get("outcome").asText());
    assertFalse(report.get("trial").get("message").asText().isBlank());
    JsonNode lookup = op(report, "LookupTableFindV2");
    assertFalse(lookup.get("devices").get("CPU").get("compiles").asBoolean());
    assertFalse(lookup.get("trained").asBoolean());
    assertEquals("OK", report.get("step").get("outcome").asText());
    assertTrue(report.get("step").get("inFront").toString().contains("LookupTableFindV2"));
    assertTrue(changes(report).contains("leave them in front"), changes(report));
  }

  @Test
  void referenceVariablesAreReadyForTheCpuAndNotForATpu() {
    Path model = CommittedModels.directory("tf1_ref");
    Run run = check(model, "--device", "cpu");
    assertEquals(0, run.exitCode(), run.out() + run.err());
    assertTrue(run.out().contains("CPU  ready"), run.out());
    assertTrue(run.out().contains("TPU  not ready"), run.out());
    assertTrue(run.out().contains("tf.compat.v1.enable_resource_variables()"), run.out());
    assertTrue(run.out().contains("reference  trains"), run.out());
  }

  @Test
  void whatIsNotUnderstoodIsBadUsage() {
    Path model = CommittedModels.directory("keras3_cnn");
    Run sizes = check(model, "--shape", "image=two,8,8,1");
    assertEquals(FadamCommand.BAD_USAGE, sizes.exitCode());
    assertTrue(sizes.err().contains("image=2,28,28"), sizes.err());
    assertEquals(FadamCommand.BAD_USAGE, check(model, "--device", "abacus").exitCode());
  }

  @Test
  void whatCannotBeCheckedFails(@TempDir Path empty) {
    assertEquals(FadamCommand.FAILED, check(empty).exitCode());
    Path model = CommittedModels.directory("keras3_cnn");
    assertEquals(FadamCommand.FAILED, check(model, "--signature", "nosuch").exitCode());
    Run shape = check(model, "--shape", "image=2,9,9,1");
    assertEquals(FadamCommand.FAILED, shape.exitCode());
    assertTrue(shape.err().contains("image"), shape.err());
    Run name = check(model, "--shape", "picture=2,8,8,1");
    assertEquals(FadamCommand.FAILED, name.exitCode());
    assertTrue(name.err().contains("picture") && name.err().contains("image"), name.err());
  }
}
