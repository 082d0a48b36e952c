package io.github.fadam.framework.checkpoint;

import io.github.fadam.ops.variable.TrainableVariable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.train.Restore;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/** The operations that write some variables to TensorFlow's checkpoint files and read them back. */
record StateOps(
    Map<String, TrainableVariable> tensors, Placeholder<TString> prefix, Op save, Op restore) {

  static StateOps add(Graph graph, Map<String, TrainableVariable> tensors) {
    Ops tf = Ops.create(graph).withSubScope("checkpoint");
    Placeholder<TString> prefix = tf.placeholder(TString.class, Placeholder.shape(Shape.scalar()));
    Operand<TString> names = tf.array(tensors.keySet().toArray(String[]::new));
    String[] whole = new String[tensors.size()];
    Arrays.fill(whole, "");
    Operand<TString> slices = tf.array(whole);
    List<Operand<?>> values = new ArrayList<>();
    List<Class<? extends TType>> types = new ArrayList<>();
    tensors
        .values()
        .forEach(
            variable -> {
              values.add(variable.read(tf));
              types.add(variable.type());
            });
    Op save = tf.train.save(prefix, names, slices, values);
    Restore restored = tf.train.restore(prefix, names, slices, types);
    List<Op> assigns = new ArrayList<>();
    int i = 0;
    for (TrainableVariable variable : tensors.values()) {
      assigns.add(variable.assign(tf, restored.tensors().get(i++)));
    }
    Op restore = tf.withControlDependencies(assigns).noOp();
    return new StateOps(tensors, prefix, save, restore);
  }

  void save(Session session, Path files) {
    run(session, files, save);
  }

  void restore(Session session, Path files) {
    run(session, files, restore);
  }

  private void run(Session session, Path files, Op target) {
    try (TString path = TString.scalarOf(files.toString())) {
      session.runner().feed(prefix, path).addTarget(target).run().close();
    }
  }
}
