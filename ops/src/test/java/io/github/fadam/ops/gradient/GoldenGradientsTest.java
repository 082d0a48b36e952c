package io.github.fadam.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;

/**
 * Gradients against Python's tape on the same graphs and numbers ({@code gradient_golden.py}), and
 * against differences of the value.
 */
class GoldenGradientsTest {

  @TestFactory
  Stream<DynamicTest> agreesWithPython() {
    return GoldenRow.all().stream()
        .filter(GoldenRow::hasPython)
        .flatMap(
            row ->
                row.isInFloat64()
                    ? Stream.of(
                        test(row, DataType.DT_DOUBLE, 2e-8), test(row, DataType.DT_FLOAT, 5e-4))
                    : Stream.of(test(row, DataType.DT_FLOAT, 2e-5)));
  }

  @TestFactory
  Stream<DynamicTest> agreesWithDifferences() {
    return GoldenRow.all().stream()
        .filter(GoldenRow::hasDifferences)
        .map(row -> DynamicTest.dynamicTest(row.name(), () -> differences(row)));
  }

  private static DynamicTest test(GoldenRow row, DataType type, double tolerance) {
    return DynamicTest.dynamicTest(row.name() + " " + type, () -> compare(row, type, tolerance));
  }

  private static void compare(GoldenRow row, DataType type, double tolerance) {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      List<TrainableVariable> variables = new ArrayList<>();
      List<Operand<?>> inputs = new ArrayList<>();
      for (int i = 0; i < row.inputs(); i++) {
        Operand<?> initial =
            DifferenceQuotient.cast(
                tf, tf.constant(row.shape(i), DataBuffers.of(row.values(i))), type);
        TrainableVariable variable =
            TrainableVariable.create(tf, TrainableVariable.Kind.RESOURCE, "x" + i, initial);
        variables.add(variable);
        inputs.add(variable.read(tf));
      }
      GradientResult result =
          Gradients.of(DifferenceQuotient.loss(tf, row.build(tf, inputs, type)), variables);
      for (int i = 0; i < row.inputs(); i++) {
        double[] expected = row.gradient(i);
        if (result.unreached().contains(variables.get(i))) {
          assertTrue(
              expected == null || DoubleStream.of(expected).allMatch(each -> each == 0),
              row.name() + ": Python has a gradient by input " + i);
          continue;
        }
        double[] found =
            DifferenceQuotient.fetch(
                session,
                DifferenceQuotient.cast(
                    tf, result.gradients().get(variables.get(i)), DataType.DT_DOUBLE));
        near(row.name() + ": by input " + i, expected, found, tolerance);
      }
    }
  }

  /** Where Python has no gradient, zeros are as good as none. */
  private static void near(String name, double[] expected, double[] found, double tolerance) {
    double[] values = expected == null ? new double[found.length] : expected;
    assertEquals(values.length, found.length, name);
    double size = 1e-3 + DoubleStream.of(values).map(Math::abs).max().orElse(0);
    for (int i = 0; i < values.length; i++) {
      assertTrue(
          Math.abs(values[i] - found[i]) <= tolerance * size,
          name + ": expected " + Arrays.toString(values) + ", found " + Arrays.toString(found));
    }
  }

  private static void differences(GoldenRow row) {
    DataType type = row.isInFloat64() ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
    DifferenceQuotient quotient =
        DifferenceQuotient.of(
            row.name(),
            (tf, x) ->
                row.build(
                    tf, Arrays.stream(x).<Operand<?>>map(each -> each.value()).toList(), type));
    for (int i = 0; i < row.inputs(); i++) {
      quotient.values(row.shape(i), row.values(i));
      if (row.hasPython() && row.gradient(i) == null) {
        quotient.unreached(i);
      }
    }
    (row.isInFloat64() ? quotient : quotient.inFloat32()).verify();
  }
}
