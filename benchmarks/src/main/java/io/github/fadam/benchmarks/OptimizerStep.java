package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.Adam;
import io.github.fadam.framework.optimizer.FAdafactor;
import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.framework.optimizer.Kernel;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.framework.optimizers.Optimizer;
import org.tensorflow.framework.optimizers.Optimizer.GradAndVar;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TFloat32;

/**
 * One update of one float32 variable with a fed gradient: nothing but the optimizer's step. One
 * {@code Session.run} an operation.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 4)
public class OptimizerStep {

  /** The optimizers under comparison. */
  public enum Choice {
    /** FAdam of this library, as operations of the graph. */
    FADAM,
    /** FAdam of this library, as one native operation. */
    FADAM_NATIVE,
    /** FAdafactor of this library, as one native operation. */
    FADAFACTOR_NATIVE,
    /** Adam of this library, on the same base. */
    ADAM,
    /** Adam of tensorflow-framework: TensorFlow's fused kernel. */
    FRAMEWORK_ADAM
  }

  /** Number of elements of the variable. */
  @Param({"65536", "1048576", "16777216"})
  public int elements;

  /** Which optimizer takes the step. */
  @Param public Choice optimizer;

  private Graph graph;
  private Session session;
  private Placeholder<TFloat32> gradient;
  private TFloat32 fed;
  private Op step;

  /** Builds the graph and takes the first step. */
  @Setup
  public void build() {
    graph = new Graph();
    Ops tf = Ops.create(graph);
    Shape shape = Shape.of(elements);
    Variable<TFloat32> variable =
        tf.variable(tf.fill(tf.constant(new long[] {elements}), tf.constant(0.5f)));
    gradient = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
    Optimizer chosen =
        switch (optimizer) {
          case FADAM -> FAdam.builder(graph).kernel(Kernel.GRAPH).build();
          case FADAM_NATIVE -> FAdam.builder(graph).kernel(Kernel.NATIVE).build();
          case FADAFACTOR_NATIVE -> FAdafactor.builder(graph).kernel(Kernel.NATIVE).build();
          case ADAM -> new Adam(graph);
          case FRAMEWORK_ADAM -> new org.tensorflow.framework.optimizers.Adam(graph);
        };
    step =
        chosen.applyGradients(
            List.of(new GradAndVar<>(gradient.asOutput(), variable.asOutput())), "step");
    session = new Session(graph);
    fed = TFloat32.tensorOf(shape);
    long[] i = {0};
    fed.scalars().forEach(scalar -> scalar.setFloat((i[0]++ * 7919 % 1000) / 1000f - 0.4f));
    run();
  }

  /** One step. */
  @Benchmark
  public void run() {
    session.runner().feed(gradient, fed).addTarget(step).run().close();
  }

  /** Frees the native memory. */
  @TearDown
  public void close() {
    fed.close();
    session.close();
    graph.close();
  }
}
