package io.github.fadam.ops.runtime;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.PointerScope;
import org.tensorflow.internal.c_api.TF_Buffer;
import org.tensorflow.internal.c_api.TF_Graph;
import org.tensorflow.internal.c_api.TF_Status;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.proto.OpDef;

/**
 * The operations that the running TensorFlow knows, those of loaded libraries included.
 *
 * <p>There are more than a thousand; a model has some dozens of types, and only those are looked
 * at.
 */
public final class RegisteredOps {

  private static final Map<String, OpDef> FOUND = new ConcurrentHashMap<>();

  private RegisteredOps() {}

  /**
   * The definition of a type of operation.
   *
   * @param type the type, such as {@code "MatMul"}
   * @return its definition; empty if TensorFlow does not know it
   */
  public static Optional<OpDef> find(String type) {
    OpDef known = FOUND.get(type);
    if (known != null) {
      return Optional.of(known);
    }
    // What is unknown now may come with a library that is loaded later.
    Optional<OpDef> found = ask(type);
    found.ifPresent(definition -> FOUND.put(type, definition));
    return found;
  }

  @SuppressWarnings("try") // the scope frees what is made within it
  private static Optional<OpDef> ask(String type) {
    try (PointerScope scope = new PointerScope()) {
      TF_Graph graph = TF_Graph.newGraph();
      TF_Buffer definition = TF_Buffer.newBuffer();
      TF_Status status = TF_Status.newStatus();
      tensorflow.TF_GraphGetOpDef(graph, type, definition, status);
      return tensorflow.TF_GetCode(status) == tensorflow.TF_OK
          ? Optional.of(OpDef.parseFrom(definition.dataAsByteBuffer()))
          : Optional.empty();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("TensorFlow's definition of " + type + " is damaged", e);
    }
  }
}
