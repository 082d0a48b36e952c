package io.github.fadam.ops.variable;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.fadam.ops.variable.TrainableVariable.Kind;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operation;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class VariablesCopyTest {

  @Test
  void givesOneResourceTheValueOfAnother() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      TrainableVariable from =
          TrainableVariable.create(tf, Kind.RESOURCE, "from", tf.constant(new float[] {1, 2}));
      TrainableVariable to =
          TrainableVariable.create(tf, Kind.RESOURCE, "to", tf.constant(new float[] {3, 4}));
      Operation copy = Variables.copy(tf, from.handle(), to.handle());
      session.initialize();
      session.runner().addTarget(copy).run();
      try (var value = session.runner().fetch(to.read(tf)).run()) {
        assertEquals(2, ((TFloat32) value.get(0)).getFloat(1));
      }
    }
  }

  @Test
  void refusesReferencesAndOtherDtypes() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      TrainableVariable resource =
          TrainableVariable.create(tf, Kind.RESOURCE, "resource", tf.constant(1f));
      TrainableVariable wide = TrainableVariable.create(tf, Kind.RESOURCE, "wide", tf.constant(1d));
      TrainableVariable reference =
          TrainableVariable.create(tf, Kind.REFERENCE, "reference", tf.constant(1f));
      assertThrows(
          IllegalArgumentException.class,
          () -> Variables.copy(tf, resource.handle(), wide.handle()));
      assertThrows(
          IllegalArgumentException.class,
          () -> Variables.copy(tf, reference.handle(), resource.handle()));
    }
  }
}
