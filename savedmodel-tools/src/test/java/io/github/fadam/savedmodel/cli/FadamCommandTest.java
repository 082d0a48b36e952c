package io.github.fadam.savedmodel.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.fadam.ops.kernel.NativeOps;
import io.github.fadam.savedmodel.data.ArrayData;
import io.github.fadam.savedmodel.data.DataSource;
import io.github.fadam.savedmodel.data.NpzData;
import io.github.fadam.savedmodel.data.NpzWriter;
import io.github.fadam.savedmodel.testing.Models;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.types.TFloat32;

/** The command line in this process: exit codes, messages, files. */
class FadamCommandTest {

  private static final Path MODELS = Path.of("src/test/resources/models");
  private static final String CNN = MODELS.resolve("keras3_cnn").toString();
  private static final int ROWS = 48;
  private static final String VALUES = "variables/variables.data-00000-of-00001";

  @TempDir Path directory;
  private Path train;
  private Path out;

  private record Result(int exitCode, String out, String err) {}

  private static Result fadam(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        FadamCommand.run(
            new PrintWriter(out),
            new PrintWriter(err),
            Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Result(exitCode, out.toString(), err.toString());
  }

  /** One line that names what was found, and nothing else but a hint at the help. */
  private static void assertRefused(int exitCode, String found, Result result) {
    assertAll(
        () -> assertEquals(exitCode, result.exitCode(), result.err()),
        () -> assertTrue(result.err().contains(found), result.err()),
        () ->
            assertEquals(
                exitCode == FadamCommand.BAD_USAGE ? 2 : 1,
                result.err().lines().count(),
                result.err()),
        () -> assertFalse(result.err().contains("Exception"), result.err()));
  }

  @BeforeEach
  void writeData() throws IOException {
    train = directory.resolve("train.npz");
    out = directory.resolve("tuned");
    write(train, images(0));
  }

  private static ArrayData.Builder images(double bad) {
    Random random = new Random(1);
    float[][][][] image = new float[ROWS][8][8][1];
    int[] labels = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      labels[i] = i % 3;
      for (int j = 0; j < 64; j++) {
        image[i][j / 8][j % 8][0] = (float) random.nextGaussian() + labels[i];
      }
    }
    image[7][1][2][0] += (float) bad;
    return ArrayData.builder().column("image", image).column("labels", labels);
  }

  private static void write(Path file, ArrayData.Builder builder) throws IOException {
    DataSource data = builder.build();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      data.columns()
          .forEach(
              (name, column) ->
                  tensors.put(
                      name,
                      data.tensor(
                          name, LongStream.range(0, data.rows()).toArray(), column.dataType())));
      NpzWriter.write(file, tensors);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  private Result finetune(Object... more) {
    List<Object> args = new ArrayList<>(List.of("finetune", CNN, "--train", train, "--out", out));
    args.addAll(List.of(more));
    return fadam(args.toArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "inspect", "finetune", "evaluate", "doctor"})
  void explainsItself(String command) {
    Result result = command.isEmpty() ? fadam("--help") : fadam(command, "--help");
    assertEquals(0, result.exitCode());
    assertTrue(result.out().contains("Usage: fadam"), result.out());
    assertTrue(result.out().contains("  fadam "), "an example: " + result.out());
    assertTrue(result.err().isEmpty());
  }

  @Test
  void namesItsVersion() {
    assertTrue(fadam("--version").out().startsWith("fadam "));
  }

  @ParameterizedTest
  @CsvSource({
    "'', Expected a command",
    "inspcet, inspcet",
    "inspect, MODEL",
    "inspect x --jsno, --jsno",
    "finetune x --out y, --train",
    "finetune x --train y, --serving-dir",
    "finetune x --train y --serving-dir z --overwrite, --overwrite",
    "evaluate x, --data",
    "evaluate x --data y --batch-size 0, --batch-size",
    "evaluate x --data y --batch-size many, many",
  })
  void refusesBadUsage(String line, String found) {
    Result result = line.isEmpty() ? fadam() : fadam((Object[]) line.split(" "));
    assertEquals(FadamCommand.BAD_USAGE, result.exitCode());
    assertTrue(result.err().contains(found), result.err());
    assertTrue(result.out().isEmpty());
  }

  @Test
  void writesWhatServersAndConvertersTake() throws IOException {
    Path served = directory.resolve("served");
    Path weights = directory.resolve("weights.npz");
    Path frozen = directory.resolve("frozen.pb");
    Path report = directory.resolve("report.json");
    for (int version = 1; version <= 2; version++) {
      Result result =
          fadam(
              "finetune",
              CNN,
              "--train",
              train,
              "--steps",
              "1",
              "--serving-dir",
              served,
              "--weights",
              weights,
              "--frozen-graph",
              frozen,
              "--report",
              report);
      assertEquals(0, result.exitCode(), result.err());
      assertTrue(Files.exists(served.resolve(version + "/saved_model.pb")));
      JsonNode written = new ObjectMapper().readTree(report.toFile()).get("written");
      assertEquals(
          List.of(served.resolve(Integer.toString(version)), weights, frozen).toString(),
          List.of(
                  written.get("servingDir").asText(),
                  written.get("weights").asText(),
                  written.get("frozenGraph").asText())
              .toString());
    }
    assertTrue(Files.size(weights) > 0);
    assertTrue(GraphDef.parseFrom(Files.readAllBytes(frozen)).getNodeCount() > 0);
    assertFalse(Files.exists(out));
  }

  @Test
  void whatCannotBeFrozenIsRefusedBeforeTraining() throws IOException {
    Path pieces = Models.directory("tf_pieces");
    Result result =
        fadam(
            "finetune",
            pieces,
            "--signature",
            "counted",
            "--train",
            train,
            "--out",
            out,
            "--frozen-graph",
            directory.resolve("frozen.pb"));
    assertRefused(FadamCommand.FAILED, "AssignAddVariableOp", result);
  }

  @Test
  void followsASchedule() throws IOException {
    Path report = directory.resolve("report.json");
    Result result =
        finetune(
            "--steps",
            "4",
            "--schedule",
            "linear:warmup=50%",
            "--validation",
            train,
            "--early-stopping",
            "1",
            "--report",
            report);
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().contains("bytes of state"), result.out());
    JsonNode options = new ObjectMapper().readTree(report.toFile()).get("options");
    assertEquals("linear:warmup=50%", options.get("schedule").asText());
    assertEquals(1, options.get("earlyStopping").asInt());
  }

  @Test
  void takesGroupsByTheModelsNames() {
    Result result =
        finetune("--steps", "2", "--clip-norm", "1", "--group", "bias, norm/*: weight-decay=0");
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().contains(" of them for bias, norm/*: weight-decay=0.0"), result.out());
    assertTrue(result.out().contains(" of them for no group"), result.out());
    Result unknown = finetune("--steps", "2", "--overwrite", "--group", "heads/*: weight-decay=0");
    assertRefused(FadamCommand.FAILED, "heads/*", unknown);
  }

  @Test
  void namesTheSignatureThatWasMeant() {
    assertRefused(FadamCommand.FAILED, "did you mean", finetune("--signature", "serving_defalt"));
  }

  @ParameterizedTest
  @CsvSource({
    "--epochs 0, --epochs",
    "--steps -1, --steps",
    "--batch-size 0, --batch-size",
    "--resume, Expected --checkpoint with --resume",
    "--checkpoint-every 5, Expected --checkpoint with --checkpoint-every",
    "--checkpoint state --checkpoint-every 0, --checkpoint-every of at least 1",
    "--epochs 1 --steps 1, mutually exclusive",
    "--learning-rate 0, --learning-rate above 0",
    "--learning-rate NaN, --learning-rate above 0",
    "--learning-rate fast, fast",
    "--optimizer lion, lion",
    "--set beta1=2, beta1",
    "--schedule sawtooth, sawtooth",
    "--clip-norm 0, clip",
    "--group bias:speed=3, speed",
    "--early-stopping 0, --early-stopping",
    "--early-stopping 2, --validation with --early-stopping",
    "--kernel cuda, cuda",
    "--xla step --kernel native, found --kernel native",
    "--xla step --lazy-rows words, found --lazy-rows",
    "--xla sometimes, sometimes",
    "--kernel graph --set kernel=auto, kernel once",
    "--accumulate 0, accumulate",
    "--accumulate two, two",
    "--guard maybe, maybe",
    "--guard 0, skipped step",
    "--loss-scale -1, loss",
    "--loss-scale large, large",
    "--ema 1, ema",
    "--ema 0.9 --set ema=0.9, ema once",
    "--accumulate 2 --set accumulate=4, accumulate once",
    "--lazy-rows words --ema 0.9, lazy-rows without ema",
    "--lazy-rows words --accumulate 2, lazy-rows without accumulate",
    "--lazy-rows words --set centralize=true, lazy-rows without centralize",
    "--lazy-rows words --set lazy-rows=words, lazy-rows once",
    "--reduce-on-plateau 3, --validation with --reduce-on-plateau",
    "--reduce-on-plateau 0, N of at least 1",
    "--reduce-on-plateau 3:2, factor above 0",
    "--reduce-on-plateau often, often",
    "--set beta9=0.5, beta9",
    "--set clip=tight, tight",
    "--loss hinge, hinge",
    "--loss a=mse --loss a=mae, two for a",
    "--loss mse --loss mae, two for the same output",
    "--loss mse --loss a=mae, without an output",
    "--loss a=mse --output a, leave out --output",
    "--from-logits, --loss",
    "--from-logits --loss mse, mse",
  })
  void refusesOptionsThatCannotBe(String options, String found) {
    assertRefused(FadamCommand.BAD_USAGE, found, finetune((Object[]) options.split(" ")));
    assertFalse(Files.exists(out));
  }

  @Test
  void saysWhichKernelUpdatesAndWhy() throws IOException {
    Path state = directory.resolve("state");
    Path report = directory.resolve("report.json");
    Object[] run = {"--checkpoint", state, "--steps", 2, "--overwrite", "--report", report};
    Result made = finetune(with(run, "--kernel", "graph"));
    assertEquals(0, made.exitCode(), made.err());
    JsonNode json = new ObjectMapper().readTree(report.toFile());
    assertEquals("graph", json.at("/options/kernel").asText());
    assertEquals("graph", json.at("/kernels/0/kernel").asText());
    assertEquals("asked for", json.at("/kernels/0/reason").asText());
    assertEquals(1, json.get("kernels").size());
    JsonNode manifest =
        new ObjectMapper().readTree(state.resolve("step-0000000002/manifest.json").toFile());
    assertEquals(json.get("kernels"), manifest.at("/optimizer/kernels"));

    Result unable = finetune(with(run, "--kernel", "native", "--optimizer", "sgd"));
    assertRefused(FadamCommand.FAILED, "there is none for its rule; choose kernel", unable);

    boolean there = NativeOps.missing().isEmpty();
    Result resumed = finetune("--checkpoint", state, "--steps", 3, "--overwrite", "--resume");
    assertEquals(0, resumed.exitCode(), resumed.err());
    assertTrue(
        resumed.out().contains(there ? "by native: auto" : "by graph: the class path"),
        resumed.out());
  }

  @Test
  void measuresWhetherToCompileAndGoesOnWithWhatItFound() throws IOException {
    Path report = directory.resolve("report.json");
    Object[] run = {
      "--checkpoint", directory.resolve("state"), "--overwrite", "--resume", "--report", report
    };
    Result measured = finetune(with(run, "--steps", 2, "--xla", "measure"));
    assertEquals(0, measured.exitCode(), measured.err());
    assertTrue(measured.out().contains("compiled by XLA: a step takes"), measured.out());
    JsonNode json = new ObjectMapper().readTree(report.toFile());
    assertEquals("measure", json.at("/options/xla").asText());
    JsonNode compilation = json.get("compilation");
    assertTrue(compilation.at("/measured/plain").asDouble() > 0, compilation.toString());
    assertTrue(compilation.at("/measured/compiled").asDouble() > 0, compilation.toString());

    Result resumed = finetune(with(run, "--steps", 3, "--xla", "measure"));
    assertEquals(0, resumed.exitCode(), resumed.err());
    assertTrue(resumed.out().contains("as the run was begun"), resumed.out());
    JsonNode again = new ObjectMapper().readTree(report.toFile()).get("compilation");
    assertEquals(compilation.get("compiled"), again.get("compiled"));
    assertEquals(0, again.get("measured").size());
  }

  @Test
  void goesOnFromACheckpointAndRefusesToMixRuns() {
    Path state = directory.resolve("state");
    Object[] run = {"--checkpoint", state, "--checkpoint-every", 2, "--steps", 3};
    assertEquals(0, finetune(run).exitCode());
    assertTrue(Files.isDirectory(state.resolve("step-0000000003")));
    assertRefused(FadamCommand.FAILED, "--resume", finetune(with(run, "--overwrite")));
    Result resumed = finetune(with(run, "--overwrite", "--resume"));
    assertEquals(0, resumed.exitCode(), resumed.err());
    assertTrue(resumed.out().contains("resumed after step 3"), resumed.out());
    assertRefused(
        FadamCommand.FAILED,
        "seed: saved 0, here 9",
        finetune(with(run, "--overwrite", "--resume", "--seed", 9)));
  }

  @Test
  void followsWhatIsAroundTheStep() throws IOException {
    Path state = directory.resolve("state");
    Path report = directory.resolve("report.json");
    write(train, images(3e38));
    Object[] run = {
      "--checkpoint",
      state,
      "--checkpoint-every",
      2,
      "--epochs",
      2,
      "--batch-size",
      4,
      "--accumulate",
      5,
      "--guard",
      "skip",
      "--loss-scale",
      "dynamic",
      "--ema",
      "0.9",
      "--validation",
      train,
      "--reduce-on-plateau",
      "1:0.5",
      "--overwrite",
      "--report",
      report
    };
    Result result = finetune(run);
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().contains("skipped 2 times"), result.out());
    assertTrue(result.err().contains("step 5 of 5") && result.err().contains("2 skipped"));
    JsonNode json = new ObjectMapper().readTree(report.toFile());
    assertEquals(5, json.get("losses").size());
    assertEquals(2, json.get("skippedSteps").asLong());
    assertEquals(0, json.get("resumedFrom").asLong());
    assertTrue(json.get("stateBytes").asLong() > 0);
    assertEquals(5, json.at("/options/accumulate").asInt());
    assertEquals("5", json.at("/optimizer/accumulate").asText());
    assertEquals("0.9", json.at("/optimizer/ema").asText());
    assertEquals("1:0.5", json.at("/options/reduceOnPlateau").asText());
    assertTrue(json.at("/after/loss").isNull(), "the bad row's loss is no number: " + json);

    byte[] written = Files.readAllBytes(out.resolve(VALUES));
    try (Stream<Path> files = Files.walk(state.resolve("step-0000000005"))) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> assertTrue(file.toFile().delete()));
    }
    Result resumed = finetune(with(run, "--resume"));
    assertEquals(0, resumed.exitCode(), resumed.err());
    assertTrue(resumed.out().contains("resumed after step 4"), resumed.out());
    JsonNode again = new ObjectMapper().readTree(report.toFile());
    assertEquals(4, again.get("resumedFrom").asLong());
    assertEquals(json.get("losses").get(4), again.get("losses").get(0));
    assertArrayEquals(written, Files.readAllBytes(out.resolve(VALUES)));

    Result given = finetune("--overwrite", "--quiet", "--batch-size", 1, "--guard", 1);
    assertRefused(FadamCommand.FAILED, "fail after 1", given);
  }

  private static Object[] with(Object[] arguments, Object... more) {
    return Stream.concat(Arrays.stream(arguments), Arrays.stream(more)).toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "--signature srving_default, serving_default",
    "--trainable haed/*, haed/*",
    "--frozen *, at least one variable to train",
    "--output logits, output_0",
    "--labels classes, classes",
    "--loss categorical_crossentropy, labels",
    "--validation absent.npz, absent.npz",
    "--train data.parquet, data.parquet",
    "--report no/such/place.json, --report",
  })
  void refusesWhatDoesNotFitTheModelOrTheData(String options, String found) {
    List<Object> args = new ArrayList<>(List.of("finetune", CNN, "--out", out));
    if (!options.startsWith("--train ")) {
      args.addAll(List.of("--train", train));
    }
    args.addAll(List.of((Object[]) options.split(" ")));
    assertRefused(FadamCommand.FAILED, found, fadam(args.toArray()));
    assertFalse(Files.exists(out));
  }

  @Test
  void refusesDataThatIsNotFinite() throws IOException {
    write(train, images(Double.NaN));
    assertRefused(FadamCommand.FAILED, "row 7", finetune("--quiet"));
    assertFalse(Files.exists(out));
  }

  @Test
  void refusesDirectoriesThatAreNoModels() throws IOException {
    assertRefused(FadamCommand.FAILED, "absent", fadam("inspect", directory.resolve("absent")));
    assertRefused(FadamCommand.FAILED, directory.toString(), fadam("inspect", directory));
    Path damaged = Files.createDirectory(directory.resolve("damaged"));
    Files.write(damaged.resolve("saved_model.pb"), new byte[] {1, 2, 3, 4, 5});
    assertRefused(FadamCommand.FAILED, "damaged", fadam("inspect", damaged));
    assertRefused(
        FadamCommand.FAILED, "damaged", fadam("finetune", damaged, "--train", train, "--out", out));
  }

  @Test
  void showsStackTracesOnlyWhenTold() {
    Result result = fadam("inspect", directory.resolve("absent"), "--verbose");
    assertEquals(FadamCommand.FAILED, result.exitCode());
    assertTrue(result.err().contains("\tat "), result.err());
  }

  /** One line each, and nothing is written. */
  @Test
  void saysAllThatIsWrongAtOnce() {
    Result result =
        finetune(
            "--trainable", "haed/*",
            "--output", "output_1",
            "--labels", "lables",
            "--shape", "imagee=?,8,8,1",
            "--feed", "is_training=true");
    assertEquals(FadamCommand.FAILED, result.exitCode());
    List<String> lines = result.err().lines().toList();
    assertEquals("Found 5 problems:", lines.get(0), result.err());
    for (String said : List.of("'haed/*'", "found output_1", "lables", "imagee", "is_training")) {
      assertEquals(
          1,
          lines.stream().filter(line -> line.startsWith("- ") && line.contains(said)).count(),
          said + " in " + result.err());
    }
    assertFalse(Files.exists(out));
    Result signature = finetune("--signature", "serving", "--frozen", "haed/*", "--device", "tpu");
    assertEquals("Found 4 problems:", signature.err().lines().findFirst().orElseThrow());
  }

  @Test
  void leavesExistingTargetsAlone() throws IOException {
    Path file = Files.createDirectory(out).resolve("precious.txt");
    Files.writeString(file, "mine");
    assertRefused(FadamCommand.FAILED, "--overwrite", finetune());
    assertEquals("mine", Files.readString(file));
    Path inside = Path.of(CNN).resolve("tuned");
    assertRefused(
        FadamCommand.FAILED,
        "apart from the source model",
        fadam("finetune", CNN, "--train", train, "--out", inside, "--overwrite"));
    assertRefused(
        FadamCommand.FAILED,
        "apart from the source model",
        fadam("finetune", CNN, "--train", train, "--out", CNN, "--overwrite"));
    assertRefused(FadamCommand.FAILED, "other files", finetune("--overwrite"));
    assertEquals("mine", Files.readString(file));
  }

  @Test
  void replacesAnEarlierResultWhenTold() throws IOException {
    assertEquals(0, finetune("--steps", 1).exitCode());
    Path left = Files.writeString(out.resolve("left"), "");
    assertRefused(FadamCommand.FAILED, "--overwrite", finetune("--steps", 1));
    assertTrue(Files.exists(left));
    assertEquals(0, finetune("--steps", 1, "--overwrite").exitCode());
    assertFalse(Files.exists(left));
    assertTrue(Files.exists(out.resolve("saved_model.pb")));
  }

  @Test
  void theDataSaysHowManyTimeStepsALoopHas() throws IOException {
    Path series = directory.resolve("series.npz");
    write(
        series,
        ArrayData.builder().column("x", new float[6][5][4]).column("labels", new float[6][4]));
    Object[] arguments = {
      "finetune",
      MODELS.resolveSibling("graphs/loops"),
      "--signature",
      "open_time",
      "--loss",
      "mse",
      "--train",
      series,
      "--steps",
      2,
      "--batch-size",
      3,
      "--out",
      out
    };
    Result result = fadam(arguments);
    assertEquals(0, result.exitCode(), result.err());
    Path longer = directory.resolve("longer.npz");
    write(
        longer,
        ArrayData.builder().column("x", new float[6][7][4]).column("labels", new float[6][4]));
    Result other = fadam(with(arguments, "--overwrite", "--validation", longer));
    assertRefused(1, "[7, 4]", other);
  }

  @Test
  void finetunesAndReports() throws IOException {
    Path report = directory.resolve("report.json");
    Result result =
        finetune(
            "--steps",
            20,
            "--learning-rate",
            "0.01",
            "--set",
            "weight-decay=0.01",
            "--trainable",
            "cnn/head/*",
            "--seed",
            3,
            "--report",
            report);
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.err().contains("step 20 of 20"), result.err());
    JsonNode json = new ObjectMapper().readTree(report.toFile());
    assertEquals(20, json.get("losses").size());
    assertEquals(75, json.at("/parameters/trainable").asLong());
    assertEquals(353, json.at("/parameters/all").asLong());
    assertTrue(
        json.at("/after/loss").asDouble() < json.at("/before/loss").asDouble(), json.toString());
    assertTrue(json.at("/after/accuracy").isNumber());
    double inSession = json.at("/secondsInSession").asDouble();
    assertTrue(inSession > 0 && inSession < json.at("/secondsPerStep").asDouble(), json.toString());
    assertEquals(out.toString(), json.get("written").get("out").asText());
    assertEquals("serving_default", json.at("/options/signature").asText());
    assertEquals("0.01", json.at("/options/set/weight-decay").asText());
    assertEquals(20, json.at("/options/steps").asLong());

    Path predictions = directory.resolve("predictions.npz");
    Path evaluated = directory.resolve("evaluated.json");
    Result evaluate =
        fadam(
            "evaluate", out, "--data", train, "--predictions", predictions, "--report", evaluated);
    assertEquals(0, evaluate.exitCode(), evaluate.err());
    JsonNode again = new ObjectMapper().readTree(evaluated.toFile());
    assertEquals(json.at("/after/loss").asDouble(), again.get("loss").asDouble(), 1e-6);
    DataSource outputs = NpzData.read(predictions);
    assertEquals(ROWS, outputs.rows());
    assertEquals(Shape.of(3), outputs.columns().get("output_0").rowShape());
    try (TFloat32 row = (TFloat32) outputs.tensor("output_0", new long[] {5}, DataType.DT_FLOAT)) {
      assertEquals(1, row.getFloat(0, 0) + row.getFloat(0, 1) + row.getFloat(0, 2), 1e-5);
    }
  }

  @Test
  void saysNothingWhenQuiet() {
    Result result = finetune("--steps", 1, "--quiet");
    assertEquals(new Result(0, "", ""), result);
  }

  @Test
  void trainsSeveralOutputsTogether() throws IOException {
    write(
        train,
        ArrayData.builder()
            .column("left", new float[12][3])
            .column("right", new float[12][4])
            .column("labels:kind", new int[12])
            .column("labels:size", new float[12][1]));
    Result result =
        fadam(
            "finetune",
            MODELS.resolve("multi_io"),
            "--train",
            train,
            "--out",
            out,
            "--loss",
            "kind=sparse_categorical_crossentropy",
            "--loss",
            "size=mse");
    assertEquals(0, result.exitCode(), result.err());
    assertTrue(result.out().contains("kind:accuracy"), result.out());
  }

  @Test
  void takesWordsFromCsv() throws IOException {
    Path csv = directory.resolve("words.csv");
    Files.writeString(
        csv, "words[0],words[1],words[2],target\n" + "1,2,3,0\nred,green,blue,2\n".repeat(4));
    Object[] options = {
      "--signature",
      "words",
      "--output",
      "logits",
      "--from-logits",
      "--labels",
      "target",
      "--loss",
      "sparse_categorical_crossentropy"
    };
    List<Object> args =
        new ArrayList<>(
            List.of("finetune", MODELS.resolve("tf_module"), "--train", csv, "--out", out));
    args.addAll(List.of(options));
    Result result = fadam(args.toArray());
    assertEquals(0, result.exitCode(), result.err());
    Path predictions = directory.resolve("predictions.npz");
    args = new ArrayList<>(List.of("evaluate", out, "--data", csv, "--predictions", predictions));
    args.addAll(List.of(options));
    result = fadam(args.toArray());
    assertEquals(0, result.exitCode(), result.err());
    assertEquals(8, NpzData.read(predictions).rows());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keras3_cnn",
        "keras3_embedding",
        "keras3_frozen",
        "keras3_mlp",
        "multi_io",
        "tf1_ref",
        "tf1_resource",
        "tf_module",
        "tfkeras_cnn",
        "tfkeras_embedding"
      })
  void inspectsEveryModel(String model) throws IOException {
    Result text = fadam("inspect", MODELS.resolve(model));
    assertEquals(0, text.exitCode(), text.err());
    Result result = fadam("inspect", MODELS.resolve(model), "--json");
    assertEquals(0, result.exitCode(), result.err());
    JsonNode json = new ObjectMapper().readTree(result.out());
    assertTrue(json.get("signatures").size() > 0);
    assertTrue(json.get("variables").size() > 0);
    assertTrue(json.get("functions").isArray() && json.get("assets").isArray());
    json.get("signatures")
        .forEach(
            signature -> {
              signature.get("inputs").forEach(FadamCommandTest::assertTensor);
              signature.get("outputs").forEach(FadamCommandTest::assertTensor);
            });
    json.get("variables")
        .forEach(
            variable -> {
              assertTensor(variable);
              assertTrue(variable.get("trainable").isBoolean());
            });
    assertEquals(json.get("signatures").size(), json.get("ops").size());
  }

  private static void assertTensor(JsonNode tensor) {
    assertTrue(tensor.get("dtype").isTextual() && tensor.get("shape").isArray(), "" + tensor);
  }

  @Test
  void inspectsWhatPythonSaid() throws IOException {
    JsonNode json = new ObjectMapper().readTree(fadam("inspect", CNN, "--json").out());
    assertEquals(
        "[-1,8,8,1]", json.at("/signatures/serving_default/inputs/image/shape").toString());
    assertEquals("float32", json.at("/signatures/serving_default/outputs/output_0/dtype").asText());
    JsonNode mean =
        Stream.iterate(0, i -> i + 1)
            .limit(json.get("variables").size())
            .map(json.get("variables")::get)
            .filter(variable -> variable.get("name").asText().equals("cnn/norm/moving_mean"))
            .findFirst()
            .orElseThrow();
    assertFalse(mean.get("trainable").asBoolean());
    assertEquals("[4]", mean.get("shape").toString());
    assertEquals(345, json.at("/parameters/trainable").asLong());
    JsonNode module =
        new ObjectMapper().readTree(fadam("inspect", MODELS.resolve("tf_module"), "--json").out());
    assertEquals("[\"vocabulary.txt\"]", module.get("assets").toString());
    assertEquals("string", module.at("/signatures/words/inputs/words/dtype").asText());
  }

  @Test
  void findsTheMachineWell() throws IOException {
    Result result = fadam("doctor", "--json");
    assertEquals(0, result.exitCode(), result.out());
    Map<String, String> statuses = new LinkedHashMap<>();
    new ObjectMapper()
        .readTree(result.out())
        .forEach(f -> statuses.put(f.get("check").asText(), f.get("status").asText()));
    assertEquals("OK", statuses.get("tensorflow"));
    assertEquals("OK", statuses.get("devices"));
    assertEquals("OK", statuses.get("gradients"));
    assertTrue(fadam("doctor").out().contains("CPU:0"));
  }

  @Test
  void listsEveryGradientWithItsSource() throws IOException {
    Map<String, String> sources = new LinkedHashMap<>();
    new ObjectMapper()
        .readTree(fadam("doctor", "--gradients", "--json").out())
        .forEach(row -> sources.put(row.get("op").asText(), row.get("source").asText()));
    assertEquals("C++", sources.get("MatMul"));
    assertEquals("ours", sources.get("ResourceGather"));
    assertEquals("none needed", sources.get("ArgMax"));
    assertEquals("rewritten", sources.get("While"));
    assertEquals("refused", sources.get("CudnnRNN"));
    List<String> lines = fadam("doctor", "--gradients").out().lines().toList();
    assertEquals(sources.size() + 1, lines.size());
    assertTrue(lines.stream().anyMatch(line -> line.matches("CudnnRNN +refused +it exists .*")));
    assertTrue(lines.get(lines.size() - 1).startsWith(sources.size() + " operations: C++ "));
  }
}
