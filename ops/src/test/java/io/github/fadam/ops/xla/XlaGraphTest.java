package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.TrainableVariable.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TFInvalidArgumentException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.op.train.ApplyAdam;
import org.tensorflow.op.train.ApplyMomentum;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;

class XlaGraphTest {

  private static final float[][] BATCH = {{1, 2}, {-0.5f, 3}, {0.25f, -1}};

  /** A program as users of TensorFlow-Java write them: theta moves towards the mean of the rows. */
  private static final class Program implements AutoCloseable {
    final Graph graph = new Graph();
    final Ops tf = Ops.create(graph);
    final Placeholder<TFloat32> rows =
        tf.withName("rows").placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 2)));
    final TrainableVariable theta;
    final Operand<TFloat32> loss;
    final Operand<TFloat32> gradient;

    Program(Kind kind) {
      Operand<TFloat32> initial = tf.withInitScope().constant(new float[] {4, -4});
      theta = TrainableVariable.create(tf, kind, "theta", initial);
      Operand<TFloat32> difference = tf.math.sub(read(theta), tf.math.mean(rows, tf.constant(0)));
      loss = tf.withName("loss").sum(tf.math.square(difference), tf.constant(new int[] {0}));
      gradient = tf.math.mul(difference, tf.constant(2f));
    }

    @SuppressWarnings("unchecked") // the variable is of floats
    Operand<TFloat32> read(TrainableVariable variable) {
      return (Operand<TFloat32>) variable.read(tf);
    }

    Op step() {
      Ops after = tf.withControlDependencies(List.of(loss, gradient));
      return after
          .withName("train")
          .withControlDependencies(
              List.of(theta.assignSub(after, tf.math.mul(gradient, tf.constant(0.1f)))))
          .withName("train")
          .noOp();
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  private static List<Float> losses(Graph graph, int steps) {
    List<Float> losses = new ArrayList<>();
    try (Session session = new Session(graph);
        TFloat32 fed = TFloat32.tensorOf(StdArrays.ndCopyOf(BATCH))) {
      for (int i = 0; i < steps; i++) {
        try (Result result =
            session.runner().feed("rows", fed).fetch("loss").addTarget("train").run()) {
          losses.add(((TFloat32) result.get(0)).getFloat());
        }
      }
    }
    return losses;
  }

  private static List<String> types(Graph graph) {
    return StreamSupport.stream(((Iterable<GraphOperation>) graph::operations).spliterator(), false)
        .map(GraphOperation::type)
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void aProgramCompiledDoesWhatItDidByTheNamesItHad(Kind kind) {
    try (Program program = new Program(kind)) {
      Op train = program.step();
      List<Float> plain = losses(program.graph, 5);
      assertTrue(plain.get(4) < plain.get(0) / 2, plain.toString());
      try (XlaGraph compiled =
          XlaGraph.of(program.graph).fetch(program.loss).target(train).build()) {
        List<Float> fused = losses(compiled.graph(), 5);
        for (int i = 0; i < 5; i++) {
          assertEquals(plain.get(i), fused.get(i), 1e-5 * plain.get(0));
        }
        List<String> types = types(compiled.graph());
        assertTrue(types.contains("StatefulPartitionedCall"));
        for (String inside : List.of("Square", "Mean", "Mul", "AssignSub", "AssignSubVariableOp")) {
          assertFalse(types.contains(inside), inside + " has stayed behind");
        }
        assertEquals("loss", compiled.output(program.loss).op().name());
        assertEquals("train", compiled.operation(train).name());
        assertThrows(IllegalArgumentException.class, () -> compiled.output(program.gradient));
      }
    }
  }

  @Test
  void whatIsKeptStaysPlainAndSeesTheSameVariables() {
    try (Program program = new Program(Kind.RESOURCE)) {
      Op train = program.step();
      Operand<?> theta = program.theta.read(program.tf.withName("theta-value"));
      try (XlaGraph compiled =
              XlaGraph.of(program.graph).target(train).keep(theta, program.loss).build();
          Session session = new Session(compiled.graph());
          TFloat32 fed = TFloat32.tensorOf(StdArrays.ndCopyOf(BATCH))) {
        assertTrue(types(compiled.graph()).contains("Square"), "the loss is kept");
        assertFalse(types(compiled.graph()).contains("AssignSubVariableOp"));
        assertEquals(4, first(session, compiled.output(theta)));
        session
            .runner()
            .feed(compiled.output(program.rows), fed)
            .addTarget(compiled.operation(train))
            .run()
            .close();
        assertEquals(4 - 0.1f * 2 * (4 - 0.25f), first(session, compiled.output(theta)), 1e-6);
      }
    }
  }

  private static float first(Session session, Output<?> vector) {
    try (Result result = session.runner().fetch(vector).run()) {
      return ((TFloat32) result.get(0)).getFloat(0);
    }
  }

  /** The operations that tensorflow-framework's optimizers make, on reference variables. */
  @ParameterizedTest
  @ValueSource(
      strings = {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "nesterov-adam"})
  void fusedOperationsOfReferenceVariablesAreTheirFormulas(String name) {
    try (Program program = new Program(Kind.REFERENCE)) {
      Ops tf = program.tf.withControlDependencies(List.of(program.loss, program.gradient));
      Output<TFloat32> theta = typed(program.theta.handle());
      Operand<TFloat32> rate = tf.constant(0.1f);
      Operand<TFloat32> a = slot(tf, "a");
      Operand<TFloat32> b = slot(tf, "b");
      Operand<TFloat32> g = program.gradient;
      Op update =
          switch (name) {
            case "sgd" -> tf.train.applyGradientDescent(theta, rate, g);
            case "momentum" -> tf.train.applyMomentum(theta, a, rate, g, tf.constant(0.9f));
            case "nesterov" ->
                tf.train.applyMomentum(
                    theta, a, rate, g, tf.constant(0.9f), ApplyMomentum.useNesterov(true));
            case "adagrad" -> tf.train.applyAdagrad(theta, a, rate, g);
            case "rmsprop" ->
                tf.train.applyRmsProp(
                    theta, a, b, rate, tf.constant(0.9f), tf.constant(0.5f), tf.constant(1e-3f), g);
            default ->
                tf.train.applyAdam(
                    theta,
                    a,
                    b,
                    tf.constant(0.9f),
                    tf.constant(0.99f),
                    rate,
                    tf.constant(0.9f),
                    tf.constant(0.99f),
                    tf.constant(1e-3f),
                    g,
                    ApplyAdam.useNesterov(name.startsWith("nesterov")));
          };
      Op train = tf.withControlDependencies(List.of(update)).withName("train").noOp();
      List<Float> plain = losses(program.graph, 6);
      assertNotEquals(plain.get(0), plain.get(5));
      try (XlaGraph compiled =
          XlaGraph.of(program.graph).fetch(program.loss).target(train).build()) {
        List<Float> fused = losses(compiled.graph(), 6);
        for (int i = 0; i < 6; i++) {
          assertEquals(plain.get(i), fused.get(i), 1e-5 * plain.get(0), name + " step " + i);
        }
      }
    }
  }

  private static Operand<TFloat32> slot(Ops tf, String name) {
    Ops init = tf.withInitScope();
    Variable<TFloat32> slot = init.withName(name).variable(Shape.of(2), TFloat32.class);
    init.assign(slot, init.constant(new float[] {0.1f, 0.2f}));
    return slot;
  }

  @SuppressWarnings("unchecked") // the variable is of floats
  private static Output<TFloat32> typed(Output<?> output) {
    return (Output<TFloat32>) output;
  }

  @Test
  void aReadBehindTheAssignSeesTheNewValueAndOneBeforeItTheOld() {
    try (Program program = new Program(Kind.REFERENCE)) {
      Op step = program.step();
      Operand<?> late =
          program.theta.read(program.tf.withControlDependencies(List.of(step)).withName("late"));
      Operand<?> early = program.theta.read(program.tf.withName("early"));
      try (XlaGraph compiled = XlaGraph.of(program.graph).fetch(late, early).target(step).build();
          Session session = new Session(compiled.graph());
          TFloat32 fed = TFloat32.tensorOf(StdArrays.ndCopyOf(BATCH));
          Result result = session.runner().feed("rows", fed).fetch("late").fetch("early").run()) {
        assertEquals(4 - 0.1f * 2 * (4 - 0.25f), ((TFloat32) result.get(0)).getFloat(0), 1e-6);
        assertEquals(4, ((TFloat32) result.get(1)).getFloat(0));
      }
    }
  }

  /** Strings and checks of the batch come before the step; what they give goes in. */
  @Test
  void whatCannotBeCompiledAndNeedsNoVariableStaysOutside() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TString> text =
          tf.withName("text").placeholder(TString.class, Placeholder.shape(Shape.of(2)));
      Operand<TFloat32> numbers = tf.strings.toNumber(text, TFloat32.class);
      TrainableVariable theta =
          TrainableVariable.create(
              tf, Kind.RESOURCE, "theta", tf.withInitScope().constant(new float[] {1, 1}));
      Op check =
          tf.assertThat(
              tf.reduceAll(tf.math.less(numbers, tf.constant(100f)), tf.constant(0)),
              List.of(tf.constant("too large")));
      Op train =
          theta.assign(
              tf.withControlDependencies(List.of(check)).withName("train"),
              tf.math.add(typed(theta.read(tf).asOutput()), numbers));
      Operand<?> value = theta.read(tf.withName("value"));
      try (XlaGraph compiled = XlaGraph.of(graph).target(train).keep(value).build();
          Session session = new Session(compiled.graph())) {
        assertTrue(compiled.function().outside().contains(numbers.op().name()));
        assertTrue(types(compiled.graph()).contains("StringToNumber"));
        try (TString fed = TString.vectorOf("2.5", "3")) {
          session.runner().feed("text", fed).addTarget(train.op().name()).run().close();
        }
        assertEquals(3.5f, first(session, compiled.output(value)));
        try (TString fed = TString.vectorOf("2.5", "300")) {
          assertThrows(
              TFInvalidArgumentException.class,
              () -> session.runner().feed("text", fed).addTarget(train.op().name()).run());
        }
        assertEquals(3.5f, first(session, compiled.output(value)), "the check has to be made");
      }
    }
  }

  @Test
  void refusesWithOperationAndPathBeforeAnythingRuns() {
    try (Program program = new Program(Kind.RESOURCE)) {
      Ops tf = program.tf.withSubScope("model");
      Operand<TFloat32> theta = program.read(program.theta);
      Operand<TInt64> where = tf.withName("hits").where(tf.math.greater(theta, tf.constant(0f)));
      Operand<TString> text = tf.withName("shown").dtypes.asString(theta);
      NotCompilableException refused =
          assertThrows(
              NotCompilableException.class,
              () -> XlaGraph.of(program.graph).fetch(where, text).build());
      assertEquals(
          List.of("AsString", "Where"),
          refused.reasons().stream().map(NotCompilableException.Reason::op).sorted().toList());
      assertTrue(refused.getMessage().contains("model/hits"), refused.getMessage());
      assertTrue(refused.getMessage().contains("model/shown"), refused.getMessage());
      Op twice = program.tf.withControlDependencies(List.of(program.step())).noOp();
      assertNull(program.graph.operation("xla_function"), "the source is only read");
      try (XlaGraph fine = XlaGraph.of(program.graph).target(twice).build()) {
        assertTrue(fine.function().compiled().contains("loss"));
      }
      assertThrows(IllegalArgumentException.class, () -> XlaGraph.of(program.graph).build());
      assertThrows(
          IllegalArgumentException.class,
          () -> XlaGraph.of(program.graph).fetch(program.rows).build());
    }
  }

  @Test
  void assigningAReferenceVariableTwiceIsRefused() {
    try (Program program = new Program(Kind.REFERENCE)) {
      Op once = program.step();
      Op again =
          program.theta.assignSub(
              program.tf.withControlDependencies(List.of(once)), program.gradient);
      NotCompilableException refused =
          assertThrows(
              NotCompilableException.class, () -> XlaGraph.of(program.graph).target(again).build());
      assertTrue(refused.getMessage().contains("second time"), refused.getMessage());
    }
  }

  /**
   * TensorFlow's memory optimizer looks at sizes only, and would put operations of its own, which
   * XLA does not compile, where it takes a sum for one that does not fit into memory. Compiled,
   * nothing of it is ever computed but four elements.
   */
  @Test
  void whatSeemsNotToFitIntoMemoryIsCompiledAsItIs() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> sum = null;
      for (int i = 0; i < 4; i++) {
        Operand<TFloat32> wide =
            tf.broadcastTo(
                tf.withName("x" + i).placeholder(TFloat32.class, Placeholder.shape(Shape.of(1))),
                tf.constant(new long[] {1L << 40}));
        sum = sum == null ? wide : tf.math.add(sum, wide);
      }
      Operand<TFloat32> few =
          tf.withName("few").slice(sum, tf.constant(new long[] {5}), tf.constant(new long[] {4}));
      try (XlaGraph compiled = XlaGraph.of(graph).fetch(few).build();
          Session session = new Session(compiled.graph())) {
        Session.Runner runner = session.runner().fetch("few");
        List<TFloat32> fed = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          fed.add(TFloat32.vectorOf(i + 0.5f));
          runner.feed("x" + i, fed.get(i));
        }
        try (Result result = runner.run()) {
          assertEquals(8f, ((TFloat32) result.get(0)).getFloat(3));
        }
        fed.forEach(TFloat32::close);
      }
    }
  }
}
