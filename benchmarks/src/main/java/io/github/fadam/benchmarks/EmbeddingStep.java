package io.github.fadam.benchmarks;

import io.github.fadam.framework.optimizer.FAdam;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Random;
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
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * A whole training step of an embedding table: lookup of a batch's rows, loss, gradient, FAdam. At
 * the end the largest resident memory of the process is printed (Linux).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 3)
public class EmbeddingStep {

  /** Which rows a step updates. */
  public enum Rows {
    /** Only those that the batch looked up. */
    LAZY,
    /** All. */
    DENSE
  }

  /** Which rows a step updates. */
  @Param public Rows rows;

  /** Rows of the table. */
  @Param({"10000", "1000000"})
  public int vocabulary;

  /** Elements of a row. */
  @Param("64")
  public int width;

  /** Rows that a batch looks up. */
  @Param("256")
  public int batch;

  private final Random random = new Random(1);
  private Graph graph;
  private Session session;
  private Placeholder<TInt32> indices;
  private TInt32 fed;
  private Op step;

  /** Builds the graph and takes the first step. */
  @Setup
  public void build() {
    graph = new Graph();
    Ops tf = Ops.create(graph);
    Ops init = tf.withInitScope();
    TrainableVariable table =
        TrainableVariable.create(
            tf,
            TrainableVariable.Kind.RESOURCE,
            "table",
            init.fill(init.constant(new long[] {vocabulary, width}), init.constant(0.5f)));
    indices = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(batch)));
    Operand<TFloat32> found = tf.resourceGather(table.handle(), indices, TFloat32.class);
    FAdam.Builder builder = FAdam.builder(graph);
    if (rows == Rows.LAZY) {
      builder.lazyRows("table");
    }
    step = builder.build().minimize(tf.math.square(found));
    session = new Session(graph);
    fed = TInt32.tensorOf(Shape.of(batch));
    run();
  }

  /** One step over a new batch. */
  @Benchmark
  public void run() {
    for (int i = 0; i < batch; i++) {
      fed.setInt(random.nextInt(vocabulary), i);
    }
    session.runner().feed(indices, fed).addTarget(step).run().close();
  }

  /** Frees the native memory. */
  @TearDown
  public void close() {
    ResidentMemory.print();
    fed.close();
    session.close();
    graph.close();
  }
}
