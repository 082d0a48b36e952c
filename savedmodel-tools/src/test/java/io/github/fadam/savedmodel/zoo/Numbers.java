package io.github.fadam.savedmodel.zoo;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.DoubleNdArray;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.IntNdArray;
import org.tensorflow.ndarray.LongNdArray;

/** The elements of a tensor of any numeric dtype that a model's outputs and variables have. */
final class Numbers {

  private Numbers() {}

  static double[] of(Tensor tensor) {
    List<Double> numbers = new ArrayList<>();
    if (tensor instanceof FloatNdArray floats) {
      floats.scalars().forEach(value -> numbers.add((double) value.getFloat()));
    } else if (tensor instanceof DoubleNdArray doubles) {
      doubles.scalars().forEach(value -> numbers.add(value.getDouble()));
    } else if (tensor instanceof IntNdArray ints) {
      ints.scalars().forEach(value -> numbers.add((double) value.getInt()));
    } else if (tensor instanceof LongNdArray longs) {
      longs.scalars().forEach(value -> numbers.add((double) value.getLong()));
    } else {
      throw new IllegalArgumentException("no numbers in " + tensor.dataType());
    }
    return numbers.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
