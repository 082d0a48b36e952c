package io.github.fadam.savedmodel.training;

import io.github.fadam.framework.loss.Activation;
import io.github.fadam.framework.loss.Loss;
import java.util.Optional;
import java.util.function.BiFunction;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** A loss that does not say how rows are weighted, and may do more than the one that it is like. */
record OwnLoss(
    Loss loss,
    BiFunction<Ops, Operand<? extends TNumber>, Operand<? extends TNumber>> then,
    boolean countsAllRows)
    implements Loss {

  OwnLoss(Loss loss, BiFunction<Ops, Operand<? extends TNumber>, Operand<? extends TNumber>> then) {
    this(loss, then, false);
  }

  static OwnLoss like(Loss loss) {
    return new OwnLoss(loss, (tf, value) -> value);
  }

  /** It takes weights of rows, and counts all rows nevertheless. */
  static OwnLoss countingAllRows(Loss loss) {
    return new OwnLoss(loss, (tf, value) -> value, true);
  }

  @Override
  public Optional<Operand<? extends TNumber>> weightedValue(
      Ops tf, Operand<?> labels, Operand<?> output, Operand<TFloat32> weights) {
    return countsAllRows ? Optional.of(value(tf, labels, output)) : Optional.empty();
  }

  @Override
  public String name() {
    return loss.name();
  }

  @Override
  public Operand<? extends TNumber> value(Ops tf, Operand<?> labels, Operand<?> output) {
    return then.apply(tf, loss.value(tf, labels, output));
  }

  @Override
  public boolean fromLogits() {
    return loss.fromLogits();
  }

  @Override
  public Activation activation() {
    return loss.activation();
  }

  @Override
  public Loss ofLogits() {
    return new OwnLoss(loss.ofLogits(), then, countsAllRows);
  }

  @Override
  public DataType labelType(DataType output) {
    return loss.labelType(output);
  }

  @Override
  public Shape labelShape(Shape output) {
    return loss.labelShape(output);
  }

  @Override
  public Optional<Operand<TFloat32>> accuracy(Ops tf, Operand<?> labels, Operand<?> output) {
    return loss.accuracy(tf, labels, output);
  }
}
