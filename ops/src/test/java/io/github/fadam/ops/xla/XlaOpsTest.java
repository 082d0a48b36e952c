package io.github.fadam.ops.xla;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.KernelDef;
import org.tensorflow.proto.KernelList;
import org.tensorflow.types.TFloat32;

/** The table is what the running library has registered. */
class XlaOpsTest {

  private static Map<String, Map<String, Set<DataType>>> registered() throws Exception {
    Map<String, Map<String, Set<DataType>>> ops = new HashMap<>();
    try (TF_Status status = TF_Status.newStatus()) {
      TF_Buffer buffer = tensorflow.TF_GetAllRegisteredKernels(status);
      status.throwExceptionIfNotOK();
      KernelList kernels = KernelList.parseFrom(buffer.dataAsByteBuffer());
      tensorflow.TF_DeleteBuffer(buffer);
      for (KernelDef kernel : kernels.getKernelList()) {
        if (kernel.getDeviceType().equals("XLA_CPU_JIT")) {
          Map<String, Set<DataType>> types =
              ops.computeIfAbsent(kernel.getOp(), op -> new HashMap<>());
          for (KernelDef.AttrConstraint constraint : kernel.getConstraintList()) {
            Set<DataType> known =
                types.computeIfAbsent(constraint.getName(), n -> EnumSet.noneOf(DataType.class));
            constraint.getAllowedValues().getList().getTypeList().stream()
                .filter(type -> type != DataType.UNRECOGNIZED)
                .forEach(known::add);
          }
        }
      }
    }
    return ops;
  }

  /** TensorFlow registers the kernels when it compiles for the first time. */
  private static void compileAnything() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x =
          tf.withName("x").placeholder(TFloat32.class, Placeholder.shape(Shape.of(2)));
      Operand<TFloat32> y = tf.withName("y").math.add(x, x);
      try (XlaGraph compiled = XlaGraph.of(graph).fetch(y).build();
          Session session = new Session(compiled.graph());
          TFloat32 fed = TFloat32.vectorOf(1, 2)) {
        session.runner().feed("x", fed).fetch("y").run().close();
      }
    }
  }

  @Test
  void theTableIsWhatIsRegistered() throws Exception {
    compileAnything();
    Map<String, Map<String, Set<DataType>>> registered = registered();
    assertTrue(registered.size() > 400, "found " + registered.size());
    assertEquals(new TreeSet<>(registered.keySet()), new TreeSet<>(XlaOps.names()));
    registered.forEach((op, types) -> assertEquals(types, XlaOps.types(op), op));
  }
}
