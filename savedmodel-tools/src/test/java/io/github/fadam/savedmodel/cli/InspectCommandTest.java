package io.github.fadam.savedmodel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code fadam inspect} shows of models as people have them. */
class InspectCommandTest {

  private static final Path RESOURCES = Path.of("src", "test", "resources");
  private static final Pattern TREE = Pattern.compile("^((?:  )+)(\\S+) +[\\d,]+  (.*)$");

  private static String inspect(String model, String... options) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    List<String> line = new ArrayList<>(List.of("inspect", RESOURCES.resolve(model).toString()));
    line.addAll(List.of(options));
    assertEquals(
        0,
        FadamCommand.run(
            new PrintWriter(out, true), new PrintWriter(err, true), line.toArray(String[]::new)),
        err::toString);
    return out.toString();
  }

  private static JsonNode json(String model, String... options) throws IOException {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("--json");
    return new ObjectMapper().readTree(inspect(model, all.toArray(String[]::new)));
  }

  /** As a training is, whose data say how many time steps there are. */
  @Test
  void aLoopOverTimeIsReadyWhenTheShapeIsSaid() throws IOException {
    JsonNode open = json("graphs/loops").get("training").get("open_time");
    assertFalse(open.get("ready").asBoolean());
    assertTrue(open.get("obstacles").get(0).get("kept").asText().contains("--shape"));
    JsonNode shaped = json("graphs/loops", "--shape", "x=?,5,4").get("training");
    assertTrue(shaped.get("open_time").get("ready").asBoolean());
    assertTrue(
        shaped.get("at_most").get("refusal").asText().contains("fits the signature's [-1, 4]"));
  }

  @Test
  void aPlaceholderIsFedAsInTraining() throws IOException {
    String training = "is_training=true,true";
    JsonNode open = tf1("--feed", training);
    assertTrue(open.get("refusal").asText().contains("drop_rate"), open.toString());
    JsonNode fed = tf1("--feed", training, "--feed", "drop_rate=0.5,0.1");
    assertTrue(fed.get("ready").asBoolean(), fed.toString());
    JsonNode wrong = tf1("--feed", "is_training=maybe");
    assertTrue(wrong.get("refusal").asText().contains("found maybe"), wrong.toString());
  }

  private static JsonNode tf1(String... options) throws IOException {
    return json("training/tf1_if", options).get("training").get("serving_default");
  }

  @Test
  void whatNoSignatureHasIsRefusedAllAtOnce() {
    assertRefused(
        1, List.of("2 problems", "xx", "keep_porb"), "--shape", "xx=3", "--feed", "keep_porb=1");
    assertRefused(2, List.of("x=?,five"), "--shape", "x=?,five");
    assertRefused(2, List.of("found x."), "--shape", "x");
    assertRefused(2, List.of("found is_training."), "--feed", "is_training");
  }

  private static void assertRefused(int exitCode, List<String> said, String... options) {
    StringWriter err = new StringWriter();
    List<String> line =
        new ArrayList<>(List.of("inspect", RESOURCES.resolve("graphs/loops").toString()));
    line.addAll(List.of(options));
    int found =
        FadamCommand.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err, true),
            line.toArray(String[]::new));
    assertEquals(exitCode, found, err::toString);
    said.forEach(text -> assertTrue(err.toString().contains(text), text + " in " + err));
  }

  private static JsonNode named(JsonNode list, String field, String name) {
    for (JsonNode node : list) {
      if (node.get(field).asText().equals(name)) {
        return node;
      }
    }
    throw new AssertionError("no " + name + " in " + list);
  }

  /** Full names of the variables that the printed tree shows, from its indentation. */
  private static List<String> leaves(String text) {
    List<String> found = new ArrayList<>();
    List<String> path = new ArrayList<>();
    boolean tree = false;
    for (String line : text.lines().toList()) {
      tree = tree ? !line.isEmpty() : line.startsWith("Variables: ");
      Matcher row = TREE.matcher(line);
      if (tree && row.matches()) {
        int depth = row.group(1).length() / 2 - 1;
        path.subList(depth, path.size()).clear();
        path.add(row.group(2));
        if (!row.group(2).endsWith("/")) {
          found.add(String.join("", path));
        }
      }
    }
    return found;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "models/keras3_cnn",
        "models/keras3_frozen",
        "models/tf1_ref",
        "models/tf_module",
        "models/tf_pieces",
        "models/tfkeras_embedding",
        "training/tf1_loop",
        "training/wrapped_loop"
      })
  void showsEveryVariableInItsPlaceWithinAHundredColumns(String model) throws IOException {
    String text = inspect(model);
    text.lines().forEach(line -> assertTrue(line.length() <= 100, line));
    List<String> names = new ArrayList<>();
    json(model).get("variables").forEach(variable -> names.add(variable.get("name").asText()));
    assertEquals(names.stream().sorted().toList(), leaves(text).stream().sorted().toList(), text);
  }

  @Test
  void sumsUpFolders() throws IOException {
    JsonNode json = json("models/keras3_frozen");
    JsonNode norm = named(json.get("folders"), "path", "frozen/norm");
    assertEquals(4, norm.get("variables").asInt());
    assertEquals(24, norm.at("/parameters/all").asLong());
    assertEquals(12, norm.at("/parameters/trainable").asLong());
    assertEquals(
        json.get("parameters"), named(json.get("folders"), "path", "frozen").get("parameters"));
    String shallow = inspect("models/keras3_frozen", "--depth", "2");
    assertEquals(List.of(), leaves(shallow));
    assertTrue(shallow.contains("4 variables, 12 trainable"), shallow);
  }

  @Test
  void saysWhoFroze() throws IOException {
    JsonNode variables = json("models/keras3_frozen").get("variables");
    JsonNode body = named(variables, "name", "frozen/body/kernel");
    assertEquals("FROZEN", body.get("state").asText());
    assertTrue(body.get("trainableSource").asText().contains("list trainable_variables"));
    assertEquals("TRAINS", named(variables, "name", "frozen/head/kernel").get("state").asText());
    JsonNode shift = named(json("models/tf1_ref").get("variables"), "name", "head/shift");
    assertEquals("FROZEN", shift.get("state").asText());
    assertTrue(shift.get("trainableSource").asText().contains("collection"));
    JsonNode module = json("models/tf_module").get("variables");
    JsonNode temperature = named(module, "name", "temperature");
    assertTrue(temperature.get("trainableSource").asText().contains("flag"));
    assertTrue(inspect("models/tf1_ref").contains("the collection trainable_variables says"));
  }

  @Test
  void saysWhatTrainsInEverySignature() throws IOException {
    JsonNode module = json("models/tf_module").get("training");
    for (String key : List.of("serving_default", "words")) {
      assertTrue(module.at("/" + key + "/ready").asBoolean(), key);
      assertEquals(51, module.at("/" + key + "/parameters").asLong(), key);
    }
    JsonNode pieces = json("models/tf_pieces").get("training");
    assertTrue(pieces.at("/counted/refusal").asText().contains("no floating point variable"));
    assertTrue(inspect("models/keras3_cnn").contains("Signatures serve, serving_default"));
  }

  @Test
  void saysWhatCannotTrainAndWhy() throws IOException {
    JsonNode json = json("training/wrapped_loop");
    JsonNode through = json.at("/training/through");
    assertFalse(through.get("ready").asBoolean());
    JsonNode call = through.get("obstacles").get(0);
    assertEquals("StatefulPartitionedCall", call.get("op").asText());
    assertEquals("through_call", call.get("node").asText());
    assertEquals("[\"layer/kernel\"]", call.get("variables").toString());
    assertTrue(call.get("kept").asText().contains("loop of TensorFlow 1"));
    assertEquals(
        "BLOCKED", named(json.get("variables"), "name", "layer/kernel").get("state").asText());
    String text = inspect("training/tf1_loop");
    assertTrue(text.contains("nothing as it is: 5 operations"), text);
    assertTrue(text.contains("Enter 'while_1/Enter_1'"), text);
    assertTrue(text.contains("cannot train: layer/kernel"), text);
    assertTrue(text.contains("trains  1 variable with 16 parameters"), "beside the loop: " + text);
  }

  @Test
  void treesKeepNamesApart() {
    List<InspectReport.Variable> variables = new ArrayList<>();
    for (String name : List.of("a/b/c/x", "a/b/c/y", "a/b", "kernel@ks/0", "kernel@ks/1")) {
      variables.add(
          new InspectReport.Variable(
              name,
              "float32",
              List.of(2L),
              true,
              "a test",
              2,
              InspectReport.State.TRAINS,
              List.of()));
    }
    VariableTree tree = VariableTree.of(variables);
    assertEquals(
        List.of("0 a/", "1 b/c/", "2 x", "2 y", "1 b", "0 kernel@ks/0", "0 kernel@ks/1"),
        tree.lines(Integer.MAX_VALUE).stream()
            .map(line -> line.depth() + " " + line.label())
            .toList());
    assertEquals(
        List.of("a 6", "a/b 4", "a/b/c 4"),
        tree.folders().stream().map(f -> f.path() + " " + f.parameters().all()).toList());
    assertEquals(3, tree.lines(1).size());
  }

  @Test
  void refusesToShowNothing() {
    StringWriter err = new StringWriter();
    int exitCode =
        FadamCommand.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err, true),
            "inspect",
            RESOURCES.resolve("models/tf1_ref").toString(),
            "--depth",
            "0");
    assertEquals(FadamCommand.BAD_USAGE, exitCode);
    assertTrue(err.toString().contains("--depth"), err::toString);
  }
}
