package io.github.fadam.savedmodel.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TString;

class DataBindingTest {

  private static final Shape IMAGES = Shape.of(-1, 2, 2, 1);

  private static ArrayData.Builder images() {
    return ArrayData.builder()
        .column("image", new double[3][2][2][1])
        .column("labels", new int[] {0, 1, 2});
  }

  private static DataBinding.Builder bind(ArrayData.Builder data) {
    return DataBinding.of(data.build())
        .input("image", DataType.DT_FLOAT, IMAGES)
        .labels("labels", DataType.DT_INT64, Shape.unknown());
  }

  private static String refused(DataBinding.Builder builder) {
    String message = assertThrows(IllegalArgumentException.class, builder::build).getMessage();
    assertTrue(message.startsWith("Expected"), message);
    return message;
  }

  @Test
  void feedsTheDtypesThatAreAskedFor() {
    DataBinding binding = bind(images()).build();
    assertEquals(3, binding.rows());
    assertEquals(OptionalLong.empty(), binding.fixedBatchSize());
    Map<String, Tensor> tensors = binding.tensors(new long[] {2, 1});
    try {
      assertEquals(List.of("image", "labels"), List.copyOf(tensors.keySet()));
      assertEquals(DataType.DT_FLOAT, tensors.get("image").dataType());
      assertEquals(Shape.of(2, 2, 2, 1), tensors.get("image").shape());
      assertEquals(DataType.DT_INT64, tensors.get("labels").dataType());
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  @Test
  void namesMissingAndExtraColumns() {
    String missing = refused(bind(ArrayData.builder().column("images", new float[1][2][2][1])));
    assertTrue(missing.contains("image, labels"), missing);
    assertTrue(missing.contains("rename images to image?"), missing);
    String extra = refused(bind(images().column("id", new int[3])));
    assertTrue(extra.contains("found also id"), extra);
    bind(images().column("id", new int[3])).unused("id").build();
    bind(images().column("labels:other", new int[3])).build();
  }

  @Test
  void comparesShapes() {
    String flat =
        refused(
            bind(
                ArrayData.builder()
                    .column("image", new float[3][2][2])
                    .column("labels", new int[3])));
    assertTrue(flat.contains("[2, 2, 1]") && flat.contains("[..., None]"), flat);
    String larger =
        refused(
            bind(
                ArrayData.builder()
                    .column("image", new float[3][4][2][1])
                    .column("labels", new int[3])));
    assertTrue(larger.contains("resize"), larger);
    DataSource data = images().build();
    DataBinding.of(data).input("image", DataType.DT_FLOAT, Shape.of(-1, -1, 2, 1)).build();
    DataBinding.of(data).input("image", DataType.DT_FLOAT, Shape.unknown()).build();
    String scalar =
        refused(
            DataBinding.of(images().column("rate", new float[3]).build())
                .input("image", DataType.DT_FLOAT, IMAGES)
                .input("rate", DataType.DT_FLOAT, Shape.scalar()));
    assertTrue(scalar.contains("scalar rate"), scalar);
    assertEquals(
        OptionalLong.of(8),
        DataBinding.of(data)
            .input("image", DataType.DT_FLOAT, Shape.of(8, 2, 2, 1))
            .build()
            .fixedBatchSize());
  }

  @Test
  void takesANumberForAVectorOfOne() {
    DataSource data =
        ArrayData.builder()
            .column("age", new int[] {4, 5, 6})
            .column("word", new String[] {"a", "b", "c"})
            .build();
    DataBinding binding =
        DataBinding.of(data)
            .input("age", DataType.DT_FLOAT, Shape.of(-1, 1))
            .input("word", DataType.DT_STRING, Shape.of(-1, 1))
            .build();
    Map<String, Tensor> tensors = binding.tensors(new long[] {2, 0});
    try {
      assertEquals(Shape.of(2, 1), tensors.get("age").shape());
      assertEquals(6f, ((org.tensorflow.types.TFloat32) tensors.get("age")).getFloat(0, 0));
      assertEquals("a", ((TString) tensors.get("word")).getObject(1, 0));
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  @Test
  void letsLabelsHaveALastDimensionOfOneOrNot() {
    DataSource data =
        ArrayData.builder().column("labels", new int[3][1]).column("labels:b", new int[3]).build();
    DataBinding.of(data)
        .labels("labels", DataType.DT_INT64, Shape.of(-1))
        .labels("labels:b", DataType.DT_FLOAT, Shape.of(-1, 1))
        .build();
    String message =
        refused(DataBinding.of(data).labels("labels", DataType.DT_FLOAT, Shape.of(-1, 4)));
    assertTrue(message.contains("[4]") && message.contains("[1]"), message);
  }

  @Test
  void findsWhatIsNotFinite() {
    for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      double[][][][] values = new double[3][2][2][1];
      values[2][0][1][0] = bad;
      String message =
          refused(bind(ArrayData.builder().column("image", values).column("labels", new int[3])));
      assertTrue(message.contains("column image") && message.contains("row 2"), message);
      assertTrue(message.contains(Double.toString(bad)), message);
    }
  }

  @Test
  void findsTheRowAlsoInLargeData() {
    float[] values = new float[3_000_000];
    values[2_500_001] = Float.NaN;
    String message =
        refused(
            DataBinding.of(ArrayData.builder().column("x", values, Shape.of(3)).build())
                .input("x", DataType.DT_FLOAT, Shape.of(-1, 3)));
    assertTrue(message.contains("row 833333"), message);
  }

  @Test
  void findsValuesThatDoNotFit() {
    String message =
        refused(
            DataBinding.of(ArrayData.builder().column("x", new double[] {1, 2.5}).build())
                .labels("x", DataType.DT_INT64, Shape.unknown()));
    assertTrue(message.contains("2.5") && message.contains("row 1"), message);
    String text =
        refused(
            DataBinding.of(ArrayData.builder().column("x", new String[] {"a"}).build())
                .input("x", DataType.DT_FLOAT, Shape.of(-1)));
    assertTrue(text.contains("strings"), text);
  }
}
