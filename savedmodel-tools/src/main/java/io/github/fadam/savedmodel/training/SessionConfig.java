package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.kernel.NativeOps;
import java.util.Optional;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.proto.RewriterConfig.MemOptType;
import org.tensorflow.proto.RewriterConfig.NumIterationsType;
import org.tensorflow.proto.RewriterConfig.Toggle;

/** How the session of a loaded model runs. */
final class SessionConfig {

  /**
   * TensorFlow optimises the whole graph for each set of operations when it is first run, and of a
   * large model's first step that is the longest part. Left out is what finds next to nothing in a
   * training step on a CPU: a second round, the layout and the memory of GPUs, and a pass that
   * sorts attributes and looks for conditionals in functions. A second round merges some
   * conversions of 16-bit numbers more, which rounds them otherwise. The optimisation of shapes
   * finds little too, but what it folds decides whether a quotient becomes a product.
   */
  private static final RewriterConfig QUICK =
      RewriterConfig.newBuilder()
          .setMetaOptimizerIterations(NumIterationsType.ONE)
          .setMemoryOptimization(MemOptType.NO_MEM_OPT)
          .setLayoutOptimizer(Toggle.OFF)
          .setDisableTfgOptimizer(true)
          .setExperimentalConditionalCodeMotion(Toggle.OFF)
          .build();

  private SessionConfig() {}

  /** For the device that was asked for, any if none was. */
  static ConfigProto of(Optional<Device> device) {
    ConfigProto.Builder config = ConfigProto.newBuilder().setAllowSoftPlacement(true);
    if (device.equals(Optional.of(Device.CPU))) {
      config.putDeviceCount("GPU", 0);
    }
    if (!NativeOps.besideGpu()) {
      config.setGraphOptions(GraphOptions.newBuilder().setRewriteOptions(QUICK));
    }
    return config.build();
  }
}
