package io.github.fadam.savedmodel.training;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The combinations of shapes that a step was fed, for each of which XLA has compiled it. */
final class FedShapes {

  private Compilation compilation;
  private final Set<String> seen = new HashSet<>();

  FedShapes(Compilation compilation) {
    this.compilation = compilation;
  }

  Compilation compilation() {
    return compilation;
  }

  /** Takes note of what the choice follows from. */
  void because(String reason) {
    compilation = compilation.because(reason);
  }

  /** Takes note of what the choice follows from. */
  void because(StepTimes times) {
    compilation = compilation.because(times);
  }

  /** Takes note of why a smaller batch is not filled up after all. */
  void notFilledUp(String why) {
    compilation = compilation.notFilledUp(why);
  }

  /** Takes note of one run. */
  void observe(Feeds feeds, long nanos) {
    if (!compilation.compiled()) {
      return;
    }
    String shapes =
        feeds.tensors().entrySet().stream()
            .map(fed -> fed.getKey().op().name() + fed.getValue().shape())
            .collect(Collectors.toCollection(TreeSet::new))
            .toString();
    if (seen.add(shapes)) {
      compilation = compilation.and(shapes, nanos / 1e9);
    }
  }
}
