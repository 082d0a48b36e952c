package io.github.fadam.savedmodel.inline;

import static io.github.fadam.savedmodel.inline.VariableModel.add;
import static io.github.fadam.savedmodel.inline.VariableModel.gaussian;
import static io.github.fadam.savedmodel.inline.VariableModel.sum;

import io.github.fadam.ops.gradient.Gradients;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import io.github.fadam.savedmodel.testing.Models;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** A {@link VariableModel} that was loaded and inlined, with one batch to run it on. */
final class InlinedModel implements AutoCloseable {

  private static final float STEP = 1e-2f;

  private final SavedModelBundle bundle;
  private final EmittedGraph emitted;
  private final TFloat32 images;
  private final TrainableVariable variable;
  private final Operand<?> direction;
  final Ops tf;

  InlinedModel(Path folder, Shape image) {
    bundle = SavedModelBundle.load(folder.toString());
    tf = Ops.create(bundle.graph());
    emitted =
        GraphEmitter.emit(
            FunctionInliner.inline(SavedModel.read(folder), VariableModel.SIGNATURE),
            bundle.graph());
    images = TFloat32.tensorOf(image, DataBuffers.of(gaussian(image, 3)));
    variable = TrainableVariable.of(bundle.graph().output("w"));
    direction = tf.constant(variable.shape(), DataBuffers.of(gaussian(variable.shape(), 5)));
  }

  /** Input and variable, as a {@link VariableModel}'s body takes them. */
  Operand<?>[] inputs() {
    return new Operand<?>[] {emitted.inputs().get("x"), variable.read(tf)};
  }

  Output<?> output() {
    return emitted.outputs().get("y");
  }

  /** The output as it was saved. */
  Output<?> original() {
    return bundle.graph().output("body/y");
  }

  byte[] bytes(Operand<?> value) {
    return Models.run(
            bundle.session(), emitted.inputs(), Map.of("x", images), Map.of("value", value))
        .get("value");
  }

  private float number(Operand<?> value) {
    return ByteBuffer.wrap(bytes(value)).order(ByteOrder.nativeOrder()).getFloat();
  }

  /** The sum of the squares. */
  private Output<?> score(Operand<?> y) {
    return sum(tf, add(tf, "Mul", y, y));
  }

  /** The slope of the score of a tensor in one direction, by its gradient. */
  float slope(Operand<?> y) {
    Output<?> gradient =
        Gradients.of(score(y), List.of(variable)).gradients().get(variable).asOutput();
    return number(sum(tf, add(tf, "Mul", gradient, direction)));
  }

  /** The same by differences of its values. */
  float difference(Operand<?> y) {
    Op back = variable.assignSub(tf, add(tf, "Mul", direction, tf.constant(STEP)));
    Op forth = variable.assignSub(tf, add(tf, "Mul", direction, tf.constant(-2 * STEP)));
    Operand<?> score = score(y);
    bundle.session().runner().addTarget(back).run().close();
    float before = number(score);
    bundle.session().runner().addTarget(forth).run().close();
    return (number(score) - before) / (2 * STEP);
  }

  @Override
  public void close() {
    images.close();
    bundle.close();
  }
}
