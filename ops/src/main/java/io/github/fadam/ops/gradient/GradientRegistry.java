package io.github.fadam.ops.gradient;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.internal.c_api.TFJ_GradFuncAdapter;
import org.tensorflow.internal.c_api.global.tensorflow;
import org.tensorflow.op.Ops;
import org.tensorflow.op.RawCustomGradient;

/**
 * Gradients for operations to which TensorFlow's C++ side gives none.
 *
 * <p>TensorFlow-Java hands out native callbacks for ten registrations; the eleventh through {@code
 * TensorFlow.registerCustomGradient} is accepted and ends the process on its first use. Here all
 * gradients share one callback, so that any number can be registered. A registration is global to
 * the process and cannot be undone.
 *
 * <p>What is registered also serves {@code Graph.addGradients} itself. There, however, an exception
 * of a gradient unwinds TensorFlow's native code and leaves the graph in a mode without locks: such
 * a graph must be closed. {@link Gradients} catches it in time.
 *
 * <p>Not available on Windows, where TensorFlow-Java 1.1.0 lacks the native part: there {@link
 * Gradients} refuses, by name, the operations that would need one.
 */
public final class GradientRegistry {

  private static final Map<String, OpGradient> REGISTERED = new ConcurrentHashMap<>();

  /**
   * TensorFlow's table of gradients is not synchronized: adding to it excludes reading from it.
   * Building gradients reads.
   */
  private static final ReentrantReadWriteLock LOCK = new ReentrantReadWriteLock();

  /** The one native callback; the native side holds it without keeping it alive. */
  @SuppressWarnings("FieldCanBeLocal")
  private static TFJ_GradFuncAdapter dispatcher;

  private static volatile boolean oursAreRegistered;

  /**
   * What went wrong in a callback of the calling thread, while {@link #whileNothingRegisters} waits
   * to throw it. An exception must not unwind the native frames in between: TensorFlow-Java would
   * leave the graph in a mode without locks.
   */
  private static final ThreadLocal<Pending> PENDING = new ThreadLocal<>();

  private static final class Pending {
    private GradientFailedException failure;
  }

  private GradientRegistry() {}

  /**
   * Registers the gradient of a type of operation that has none.
   *
   * <p>Registering the same object again does nothing.
   *
   * @param opType type of the operation, such as {@code "Digamma"}
   * @param gradient builds the gradient; see {@link OpGradient} for what it must not do
   * @throws IllegalArgumentException if TensorFlow knows no such type of operation
   * @throws IllegalStateException if the type already has a gradient, or the call comes from within
   *     a gradient
   * @throws UnsupportedOperationException on Windows
   */
  public static void register(String opType, OpGradient gradient) {
    Objects.requireNonNull(opType, "opType");
    Objects.requireNonNull(gradient, "gradient");
    requireAvailable(opType);
    if (!OpKnowledge.isRegisteredOp(opType)) {
      throw new IllegalArgumentException(
          "Expected the type of a TensorFlow operation, found \""
              + opType
              + "\"; types are those of OP_NAME, such as \"Digamma\".");
    }
    if (LOCK.getReadHoldCount() > 0) {
      throw new IllegalStateException(
          "Expected "
              + opType
              + " to be registered before gradients are built, found a call from within a"
              + " gradient; register when the program starts.");
    }
    registerOurs();
    LOCK.writeLock().lock();
    try {
      if (REGISTERED.get(opType) == gradient) {
        return;
      }
      if (!tryRegister(opType, gradient)) {
        throw new IllegalStateException(
            "Expected an operation without gradient, found "
                + opType
                + ", which has one ("
                + (REGISTERED.containsKey(opType) ? "registered here before" : "from TensorFlow")
                + "); a gradient cannot be replaced.");
      }
    } finally {
      LOCK.writeLock().unlock();
    }
  }

  /**
   * Whether gradients can be registered on this system.
   *
   * @return false on Windows
   */
  public static boolean isAvailable() {
    return !System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("win");
  }

  /**
   * The types of operations whose gradient was registered here, by this library and by its users.
   *
   * @return sorted types; empty on Windows
   */
  public static Set<String> registeredOps() {
    registerOurs();
    return Collections.unmodifiableSet(new TreeSet<>(REGISTERED.keySet()));
  }

  /**
   * Where the gradient of a type of operation comes from.
   *
   * @param opType type of the operation
   * @return the source; {@link GradientSource#NONE} also for types that TensorFlow does not know
   */
  public static GradientSource sourceOf(String opType) {
    registerOurs();
    if (OpKnowledge.alwaysRefused(opType).isPresent()) {
      return OpKnowledge.isRewritten(opType) ? GradientSource.REWRITTEN : GradientSource.NONE;
    }
    if (!hasGradient(opType)) {
      return GradientSource.NONE;
    }
    if (OpKnowledge.stopsGradients(opType)) {
      return GradientSource.ZERO;
    }
    return REGISTERED.containsKey(opType) ? GradientSource.OURS : GradientSource.CPP;
  }

  static boolean hasGradient(String opType) {
    LOCK.readLock().lock();
    try {
      return tensorflow.TFJ_HasGradient(opType);
    } finally {
      LOCK.readLock().unlock();
    }
  }

  /** Registers the library's gradients, once in a process. */
  static void registerOurs() {
    if (oursAreRegistered || !isAvailable() || LOCK.getReadHoldCount() > 0) {
      return;
    }
    LOCK.writeLock().lock();
    try {
      if (!oursAreRegistered) {
        BuiltInGradients.ALL.forEach(GradientRegistry::tryRegister);
        oursAreRegistered = true;
      }
    } finally {
      LOCK.writeLock().unlock();
    }
  }

  /** Runs what builds gradients; a failure of a registered gradient is thrown when it is done. */
  static <T> T whileNothingRegisters(Supplier<T> gradients) {
    LOCK.readLock().lock();
    Pending outer = PENDING.get();
    Pending pending = new Pending();
    PENDING.set(pending);
    try {
      T result = gradients.get();
      if (pending.failure != null) {
        throw pending.failure;
      }
      return result;
    } catch (RuntimeException e) {
      if (pending.failure != null && e != pending.failure) {
        pending.failure.addSuppressed(e);
        throw pending.failure;
      }
      throw e;
    } finally {
      if (outer == null) {
        PENDING.remove();
      } else {
        PENDING.set(outer);
      }
      LOCK.readLock().unlock();
    }
  }

  /** The caller holds the write lock. The public call of TensorFlow-Java locks its class. */
  @SuppressWarnings("LockOnNonEnclosingClassLiteral") // that lock guards the native table
  private static boolean tryRegister(String opType, OpGradient gradient) {
    synchronized (TensorFlow.class) {
      if (tensorflow.TFJ_HasGradient(opType)) {
        return false;
      }
      if (dispatcher == null) {
        dispatcher = RawCustomGradient.adapter(GradientRegistry::dispatch);
      }
      REGISTERED.put(opType, gradient);
      if (!tensorflow.TFJ_RegisterCustomGradient(opType, dispatcher)) {
        REGISTERED.remove(opType);
        return false;
      }
      return true;
    }
  }

  private static List<Operand<?>> dispatch(
      Ops tf, GraphOperation op, List<Output<?>> outputGradients) {
    Pending pending = PENDING.get();
    if (pending == null) {
      return gradientsOf(tf, op, outputGradients);
    }
    if (pending.failure == null) {
      try {
        return gradientsOf(tf, op, outputGradients);
      } catch (GradientFailedException e) {
        pending.failure = e;
      }
    }
    return Collections.nCopies(op.numInputs(), outputGradients.get(0));
  }

  private static List<Operand<?>> gradientsOf(
      Ops tf, GraphOperation op, List<Output<?>> outputGradients) {
    List<? extends Operand<?>> found;
    try {
      found = REGISTERED.get(op.type()).apply(tf, op, outputGradients);
    } catch (RuntimeException e) {
      throw failure(op, "one operand per input", "an exception: " + e, e);
    }
    int expected = op.numInputs();
    if (found == null || found.size() != expected) {
      throw failure(
          op,
          expected + " operands, one per input",
          found == null ? "null" : String.valueOf(found.size()),
          null);
    }
    List<Operand<?>> checked = new ArrayList<>(expected);
    for (int i = 0; i < expected; i++) {
      Operand<?> gradient = found.get(i);
      if (gradient == null) {
        throw failure(
            op, "an operand for each input (zeros where none flows)", "null at " + i, null);
      }
      if (gradient.asOutput().env() != op.env()) {
        throw failure(op, "operands of the graph", "one of another graph at " + i, null);
      }
      checked.add(gradient);
    }
    return checked;
  }

  private static GradientFailedException failure(
      GraphOperation op, String expected, String found, RuntimeException cause) {
    return new GradientFailedException(
        "Expected from the gradient registered for "
            + op.type()
            + ", called for '"
            + op.name()
            + "', "
            + expected
            + ", found "
            + found
            + "; mend the registered gradient and build the graph anew.",
        cause);
  }

  private static void requireAvailable(String opType) {
    if (!isAvailable()) {
      throw new UnsupportedOperationException(
          "Expected a system on which gradients can be registered, found Windows, where"
              + " TensorFlow-Java lacks the native part; the gradient of "
              + opType
              + " is available on Linux and macOS.");
    }
  }
}
