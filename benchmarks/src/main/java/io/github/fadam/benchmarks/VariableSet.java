package io.github.fadam.benchmarks;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/** The sets of variables whose updates are timed. */
enum VariableSet {
  /** 16.7 million elements. */
  MATRICES("four matrices"),
  /** 158 variables, 3.5 million elements: kernels of convolutions, scales, offsets. */
  MOBILENET("MobileNetV2-like"),
  /** 199 variables, 110 million elements. */
  BERT("BERT-base-like"),
  /** One matrix of 100 thousand elements, as the others of their size. */
  SIZE_1E5("one matrix"),
  SIZE_1E6("one matrix"),
  SIZE_1E7("one matrix"),
  SIZE_1E8("one matrix"),
  SIZE_5E8("one matrix"),
  SIZE_1E9("one matrix");

  private final String label;

  VariableSet(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  /** Whether it shows how the time grows. */
  boolean isSize() {
    return name().startsWith("SIZE_");
  }

  long elements() {
    return shapes().stream().mapToLong(Shape::size).sum();
  }

  List<Shape> shapes() {
    return switch (this) {
      case MATRICES -> List.of(square(2048), square(2048), square(2048), square(2048));
      case MOBILENET -> mobileNet();
      case BERT -> bert();
      default -> List.of(Shape.of((long) Double.parseDouble(name().substring(5)) / 1000, 1000));
    };
  }

  private static Shape square(long size) {
    return Shape.of(size, size);
  }

  /** A kernel and the scale and offset of its normalization. */
  private static void addConvolution(List<Shape> shapes, long... kernel) {
    long channels = kernel[3] == 1 ? kernel[2] : kernel[3];
    shapes.addAll(List.of(Shape.of(kernel), Shape.of(channels), Shape.of(channels)));
  }

  private static List<Shape> mobileNet() {
    List<Shape> shapes = new ArrayList<>();
    addConvolution(shapes, 3, 3, 3, 32);
    long[][] blocks = {{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}};
    long in = 32;
    List<long[]> all = new ArrayList<>(List.of(blocks));
    all.add(new long[] {6, 320, 1});
    for (long[] block : all) {
      for (int i = 0; i < block[2]; i++) {
        long wide = in * block[0];
        if (wide != in) {
          addConvolution(shapes, 1, 1, in, wide);
        }
        addConvolution(shapes, 3, 3, wide, 1);
        addConvolution(shapes, 1, 1, wide, block[1]);
        in = block[1];
      }
    }
    addConvolution(shapes, 1, 1, in, 1280);
    shapes.add(Shape.of(1280, 1000));
    shapes.add(Shape.of(1000));
    return shapes;
  }

  private static List<Shape> bert() {
    List<Shape> shapes = new ArrayList<>();
    shapes.addAll(List.of(Shape.of(30_522, 768), Shape.of(512, 768), Shape.of(2, 768)));
    shapes.addAll(List.of(Shape.of(768), Shape.of(768)));
    for (int layer = 0; layer < 12; layer++) {
      for (int i = 0; i < 4; i++) {
        shapes.addAll(List.of(square(768), Shape.of(768)));
      }
      shapes.addAll(List.of(Shape.of(768, 3072), Shape.of(3072), Shape.of(3072, 768)));
      for (int i = 0; i < 5; i++) {
        shapes.add(Shape.of(768));
      }
    }
    shapes.addAll(List.of(square(768), Shape.of(768)));
    return shapes;
  }
}
