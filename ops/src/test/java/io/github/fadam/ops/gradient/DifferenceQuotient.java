package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat64;

/**
 * Compares the gradients of an operation with central differences of its value.
 *
 * <p>The loss weighs every element of the output differently, so that a gradient whose elements are
 * permuted or lost is seen.
 */
final class DifferenceQuotient {

  /** Builds the output from values read from the variables, or from the variables themselves. */
  interface Model {
    Operand<?> build(Ops tf, Input[] inputs);
  }

  /** A variable and its value. */
  record Input(TrainableVariable variable, Operand<?> value) {}

  private final String name;
  private final Model model;
  private final List<Shape> shapes = new ArrayList<>();
  private final List<double[]> ranges = new ArrayList<>();
  private DataType type = DataType.DT_DOUBLE;
  private double step = 1e-5;
  private double tolerance = 1e-7;
  private boolean given;
  private Set<Integer> unreached = Set.of();

  private DifferenceQuotient(String name, Model model) {
    this.name = name;
    this.model = model;
  }

  static DifferenceQuotient of(String name, Model model) {
    return new DifferenceQuotient(name, model);
  }

  String name() {
    return name;
  }

  /** Adds a variable with values drawn evenly from a range. */
  DifferenceQuotient between(double low, double high, long... shape) {
    shapes.add(Shape.of(shape));
    ranges.add(new double[] {low, high});
    return this;
  }

  /** Adds a variable with given values. */
  DifferenceQuotient values(Shape shape, double[] values) {
    shapes.add(shape);
    ranges.add(values);
    given = true;
    return this;
  }

  /** Adds a variable with values from -1 to 1. */
  DifferenceQuotient input(long... shape) {
    return between(-1, 1, shape);
  }

  /** For operations without float64 kernel. */
  DifferenceQuotient inFloat32() {
    type = DataType.DT_FLOAT;
    step = 1e-2;
    tolerance = 3e-3;
    return this;
  }

  DifferenceQuotient unreached(Integer... inputs) {
    unreached = new java.util.HashSet<>(unreached);
    unreached.addAll(Set.of(inputs));
    return this;
  }

  void verify() {
    verify(Gradients::of);
  }

  /** The check refuses it, and TensorFlow without the check indeed fails or errs. */
  void verifyRefused() {
    assertThrows(UnsupportedGradientException.class, this::verify, name);
    assertThrows(
        Throwable.class, () -> verify(DifferenceQuotient::unchecked), name + " is right after all");
  }

  private static GradientResult unchecked(Operand<?> loss, List<TrainableVariable> variables) {
    Graph graph = (Graph) loss.env();
    Output<?>[] xs = variables.stream().map(TrainableVariable::handle).toArray(Output<?>[]::new);
    Output<?>[] found = graph.addGradients(loss.asOutput(), xs);
    Map<TrainableVariable, Output<?>> gradients = new LinkedHashMap<>();
    for (int i = 0; i < xs.length; i++) {
      gradients.put(variables.get(i), found[i]);
    }
    return new GradientResult(gradients, Map.of(), List.of());
  }

  private void verify(
      BiFunction<Operand<?>, List<TrainableVariable>, GradientResult> differentiate) {
    Random random = new Random(20240517);
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      List<double[]> start = new ArrayList<>();
      Input[] inputs = new Input[shapes.size()];
      List<Operand<TFloat64>> feeds = new ArrayList<>();
      List<Op> assigns = new ArrayList<>();
      for (int i = 0; i < inputs.length; i++) {
        double[] range = ranges.get(i);
        double[] values =
            given ? range : random.doubles(shapes.get(i).size(), range[0], range[1]).toArray();
        start.add(values);
        inputs[i] = variable(tf, i, values);
        Operand<TFloat64> feed = tf.placeholder(TFloat64.class);
        feeds.add(feed);
        assigns.add(inputs[i].variable().assign(tf, cast(tf, feed, type)));
      }
      Operand<TFloat64> loss = loss(tf, model.build(tf, inputs));
      List<TrainableVariable> variables = new ArrayList<>();
      for (Input input : inputs) {
        variables.add(input.variable());
      }
      GradientResult result = differentiate.apply(loss, variables);
      for (int i = 0; i < inputs.length; i++) {
        boolean isUnreached = result.unreached().contains(variables.get(i));
        assertEquals(unreached.contains(i), isUnreached, name + ": unreached input " + i);
        if (!isUnreached) {
          Output<?> gradient = result.gradients().get(variables.get(i));
          double[] found = fetch(session, cast(tf, gradient, DataType.DT_DOUBLE));
          compare(session, i, start.get(i), found, feeds.get(i), assigns.get(i), loss);
        }
      }
    }
  }

  private void compare(
      Session session,
      int input,
      double[] start,
      double[] found,
      Operand<TFloat64> feed,
      Op assign,
      Operand<TFloat64> loss) {
    assertEquals(start.length, found.length, name + ": elements of the gradient by input " + input);
    for (int j = 0; j < start.length; j++) {
      double[] moved = start.clone();
      moved[j] = start[j] + step;
      set(session, feed, assign, moved, shapes.get(input));
      double above = fetch(session, loss)[0];
      moved[j] = start[j] - step;
      set(session, feed, assign, moved, shapes.get(input));
      double below = fetch(session, loss)[0];
      double expected = (above - below) / (2 * step);
      double error = Math.abs(expected - found[j]) / (1 + Math.abs(expected));
      assertTrue(
          error <= tolerance,
          name + ": by input " + input + "[" + j + "] " + found[j] + ", differences " + expected);
    }
    set(session, feed, assign, start, shapes.get(input));
  }

  private Input variable(Ops tf, int i, double[] values) {
    Operand<?> initial = cast(tf, tf.constant(shapes.get(i), DataBuffers.of(values)), type);
    TrainableVariable variable =
        TrainableVariable.create(tf, TrainableVariable.Kind.RESOURCE, "x" + i, initial);
    return new Input(variable, variable.read(tf));
  }

  /** The sum of all elements, each with a weight of its own. */
  static Operand<TFloat64> loss(Ops tf, Operand<?> output) {
    Operand<TFloat64> values = cast64(tf, output);
    Operand<TFloat64> places =
        tf.dtypes.cast(tf.range(tf.constant(0), tf.size(values), tf.constant(1)), TFloat64.class);
    Operand<TFloat64> weights =
        tf.math.cos(tf.math.add(tf.math.mul(places, tf.constant(1.7)), tf.constant(0.3)));
    return tf.reduceSum(
        tf.math.mul(tf.reshape(values, tf.constant(new int[] {-1})), weights), tf.constant(0));
  }

  @SuppressWarnings("unchecked") // the operation was built with that dtype
  private static Operand<TFloat64> cast64(Ops tf, Operand<?> value) {
    return (Operand<TFloat64>) cast(tf, value, DataType.DT_DOUBLE);
  }

  static Operand<?> cast(Ops tf, Operand<?> value, DataType type) {
    return Raw.op(tf, "Cast").attr("DstT", type).in(value);
  }

  static double[] fetch(Session session, Operand<?> operand) {
    try (var result = session.runner().fetch(operand).run()) {
      TFloat64 tensor = (TFloat64) result.get(0);
      double[] values = new double[(int) tensor.size()];
      tensor.copyTo(DataBuffers.of(values, false, false));
      return values;
    }
  }

  private static void set(
      Session session, Operand<TFloat64> feed, Op assign, double[] values, Shape shape) {
    try (TFloat64 tensor = TFloat64.tensorOf(shape, DataBuffers.of(values))) {
      session.runner().feed(feed, tensor).addTarget(assign).run().close();
    }
  }
}
