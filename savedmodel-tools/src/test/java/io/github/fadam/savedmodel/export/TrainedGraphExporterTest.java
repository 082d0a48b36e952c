package io.github.fadam.savedmodel.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

class TrainedGraphExporterTest {

  @TempDir Path folder;

  /** y = x w + b, trained a little towards 1. */
  private static final class Line implements AutoCloseable {
    final Graph graph = new Graph();
    final Ops tf = Ops.create(graph);
    final Placeholder<TFloat32> x = tf.withName("x").placeholder(TFloat32.class);
    final Placeholder<TFloat32> unused = tf.withName("unused").placeholder(TFloat32.class);
    final Operand<TFloat32> y;
    final Operand<TFloat32> loss;
    final Op train;
    final Session session = new Session(graph);

    Line(Kind weight, Kind bias) {
      Ops layer = tf.withSubScope("layer");
      y =
          tf.math.add(
              tf.math.mul(x, variable(layer, weight, "weight", 2)),
              variable(layer, bias, "bias", 0.5f));
      loss =
          tf.math.add(
              tf.reduceSum(tf.math.square(tf.math.sub(y, tf.constant(1f))), tf.constant(0)),
              unused);
      train = new FAdam(graph, 0.1).minimize(loss);
    }

    @SuppressWarnings("unchecked") // made of a float32
    private static Operand<TFloat32> variable(Ops tf, Kind kind, String name, float value) {
      return (Operand<TFloat32>)
          TrainableVariable.create(tf, kind, name, tf.withInitScope().constant(value)).read(tf);
    }

    void train(int steps) {
      try (TFloat32 fed = TFloat32.vectorOf(1, 2, 3);
          TFloat32 zero = TFloat32.scalarOf(0)) {
        for (int i = 0; i < steps; i++) {
          session.runner().feed(x, fed).feed(unused, zero).addTarget(train).run().close();
        }
      }
    }

    float[] answer() {
      return TrainedGraphExporterTest.answer(session, "x:0", y.asOutput().name());
    }

    Signature signature() {
      return Signature.builder(Signature.DEFAULT_KEY).input("x", x).output("y", y).build();
    }

    @Override
    public void close() {
      session.close();
      graph.close();
    }
  }

  private static float[] answer(Session session, String input, String output) {
    float[] answers = new float[2];
    try (TFloat32 fed = TFloat32.vectorOf(-1, 4);
        Result result = session.runner().feed(input, fed).fetch(output).run()) {
      answers[0] = ((TFloat32) result.get(0)).getFloat(0);
      answers[1] = ((TFloat32) result.get(0)).getFloat(1);
    }
    return answers;
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theModelAnswersAsTheGraphAndHoldsNoTraining(Kind weight) throws IOException {
    Path target = folder.resolve("model");
    try (Line line = new Line(weight, Kind.RESOURCE)) {
      line.train(5);
      TrainedGraphExporter exporter = TrainedGraphExporter.of(line.session, line.signature());
      exporter.export(target, false);
      assertAnswers(target, line.answer());
      assertThrows(FileAlreadyExistsException.class, () -> exporter.export(target, false));
      line.train(5);
      exporter.export(target, true);
      assertAnswers(target, line.answer());
    }
    SavedModel model = SavedModel.read(target);
    Set<String> names =
        model.variables().stream().map(ModelVariable::name).collect(Collectors.toSet());
    assertEquals(Set.of("layer/weight", "layer/bias"), names);
    assertTrue(model.variables().stream().allMatch(ModelVariable::trainable));
    assertFalse(model.metaGraph().getGraphDef().toString().contains("FAdam"), "no training ops");
    assertTrue(
        model
            .metaGraph()
            .getSignatureDefOrThrow("serving_default")
            .getInputsOrThrow("x")
            .getTensorShape()
            .getUnknownRank());
  }

  private static void assertAnswers(Path target, float[] expected) {
    try (SavedModelBundle bundle = SavedModelBundle.load(target.toString(), "serve")) {
      var signature = bundle.metaGraphDef().getSignatureDefOrThrow("serving_default");
      float[] found =
          answer(
              bundle.session(),
              signature.getInputsOrThrow("x").getName(),
              signature.getOutputsOrThrow("y").getName());
      assertEquals(expected[0], found[0], 0);
      assertEquals(expected[1], found[1], 0);
    }
  }

  @Test
  void whatCannotBeServedIsRefusedAndLeavesTheGraphAsItWas() {
    try (Line line = new Line(Kind.REFERENCE, Kind.RESOURCE)) {
      int before = operations(line.graph);
      Ops tf = line.tf;
      assertRefused(
          line, "unused", Signature.builder("s").input("x", line.x).output("l", line.loss).build());
      assertRefused(line, "x", Signature.builder("s").output("y", line.y).build());
      assertRefused(line, "twice", line.signature(), line.signature());
      assertRefused(line, "at least one");
      assertRefused(line, "output", Signature.builder("s").input("x", line.x).build());
      assertEquals(before, operations(line.graph));
      assertRefused(
          line,
          "variables",
          Signature.builder("s").input("x", line.x).output("x2", tf.math.neg(line.x)).build());
      Operand<?> table = tf.mutableHashTable(TInt64.class, TFloat32.class);
      var found = tf.lookupTableFind(table, tf.constant(new long[] {1}), tf.constant(0f));
      assertRefused(
          line,
          "MutableHashTable",
          Signature.builder("s")
              .input("x", line.x)
              .output("t", tf.math.add(found, line.y))
              .build());
    }
  }

  private static void assertRefused(Line line, String message, Signature... signatures) {
    IllegalArgumentException thrown =
        assertThrows(
            IllegalArgumentException.class,
            () -> TrainedGraphExporter.of(line.session, signatures));
    assertTrue(thrown.getMessage().contains(message), thrown.getMessage());
  }

  private static int operations(Graph graph) {
    int[] count = {0};
    graph.operations().forEachRemaining(operation -> count[0]++);
    return count[0];
  }

  @Test
  void variablesWithoutValuesLeaveNothingBehind() throws IOException {
    try (Line line = new Line(Kind.RESOURCE, Kind.RESOURCE);
        Session empty = new Session(line.graph, false)) {
      TrainedGraphExporter exporter = TrainedGraphExporter.of(empty, line.signature());
      assertThrows(IOException.class, () -> exporter.export(folder.resolve("none"), false));
    }
    try (var files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void anInputOfKnownShapeKeepsIt() throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 3)));
      var w = tf.withName("w").variable(tf.constant(new float[] {1, 2, 3}));
      Operand<TFloat32> y = tf.math.mul(x, w);
      try (Session session = new Session(graph)) {
        session.initialize();
        TrainedGraphExporter.of(
                session, Signature.builder("go").input("x", x).output("y", y).build())
            .export(folder.resolve("m"), false);
      }
    }
    var definition = SavedModel.read(folder.resolve("m")).metaGraph().getSignatureDefOrThrow("go");
    var shape = definition.getInputsOrThrow("x").getTensorShape();
    assertEquals(-1, shape.getDim(0).getSize());
    assertEquals(3, shape.getDim(1).getSize());
    assertEquals("go", definition.getMethodName());
  }
}
