package io.github.fadam.ops.xla;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** The process in which {@link HloDump} has a graph compiled. */
final class HloProcess {

  private HloProcess() {}

  /** Takes the file of the graph, then {@code run=NAME} and {@code feed=NAME=DTYPE=SIZES}. */
  public static void main(String[] arguments) throws IOException {
    List<Tensor> fed = new ArrayList<>();
    try (Graph graph = new Graph()) {
      graph.importGraphDef(GraphDef.parseFrom(Files.readAllBytes(Path.of(arguments[0]))));
      try (Session session = new Session(graph)) {
        Session.Runner runner = session.runner();
        for (String argument : List.of(arguments).subList(1, arguments.length)) {
          List<String> parts = List.of(argument.split("=", -1));
          if (parts.get(0).equals("run")) {
            runner.addTarget(parts.get(1));
          } else {
            Tensor zeros = zeros(DataType.valueOf(parts.get(2)), shape(parts.get(3)));
            fed.add(zeros);
            runner.feed(parts.get(1), zeros);
          }
        }
        runner.run().close();
      }
    } finally {
      fed.forEach(Tensor::close);
    }
  }

  private static Shape shape(String sizes) {
    return sizes.isEmpty()
        ? Shape.scalar()
        : Shape.of(Arrays.stream(sizes.split(",", -1)).mapToLong(Long::parseLong).toArray());
  }

  private static Tensor zeros(DataType type, Shape shape) {
    return switch (type) {
      case DT_FLOAT -> TFloat32.tensorOf(shape);
      case DT_DOUBLE -> TFloat64.tensorOf(shape);
      case DT_INT32 -> TInt32.tensorOf(shape);
      case DT_INT64 -> TInt64.tensorOf(shape);
      case DT_BOOL -> TBool.tensorOf(shape);
      default ->
          throw new IllegalArgumentException(
              "Expected inputs of float32, float64, int32, int64 or bool, found " + type);
    };
  }
}
