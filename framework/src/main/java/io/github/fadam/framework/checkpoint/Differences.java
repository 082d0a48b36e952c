package io.github.fadam.framework.checkpoint;

import io.github.fadam.framework.checkpoint.Manifest.StoredTensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Compares what a checkpoint is of with what it is to be restored into. */
final class Differences {

  /**
   * What carries out the update may change: state has the same names and shapes with any kernel.
   */
  private static final String KERNEL = "kernel";

  private final List<String> found = new ArrayList<>();

  private Differences() {}

  static List<String> between(
      Manifest saved,
      Manifest.Optimizer optimizer,
      Map<String, String> run,
      List<StoredTensor> tensors) {
    Differences differences = new Differences();
    if (saved.optimizer().type().equals(optimizer.type())) {
      differences.compare(
          "option ",
          withoutKernel(saved.optimizer().settings()),
          withoutKernel(optimizer.settings()));
    } else {
      differences.add("optimizer", saved.optimizer().type(), optimizer.type());
    }
    differences.compare("", saved.run(), run);
    differences.compareTensors(byName(saved.tensors()), byName(tensors));
    return differences.found;
  }

  private static Map<String, String> withoutKernel(Map<String, String> settings) {
    Map<String, String> others = new LinkedHashMap<>(settings);
    others.remove(KERNEL);
    return others;
  }

  private void add(String what, Object saved, Object here) {
    found.add(what + ": saved " + saved + ", here " + here);
  }

  private void compare(String what, Map<String, String> saved, Map<String, String> here) {
    for (String key : union(saved.keySet(), here.keySet())) {
      String before = saved.getOrDefault(key, "none");
      String now = here.getOrDefault(key, "none");
      if (!before.equals(now)) {
        add(what + key, before, now);
      }
    }
  }

  private void compareTensors(Map<String, StoredTensor> saved, Map<String, StoredTensor> here) {
    for (String name : union(saved.keySet(), here.keySet())) {
      StoredTensor before = saved.get(name);
      StoredTensor now = here.get(name);
      if (before == null) {
        found.add(name + ": missing in the checkpoint");
      } else if (now == null) {
        found.add(name + ": in the checkpoint and not here");
      } else if (!before.dtype().equals(now.dtype()) || !before.fits(now.shape())) {
        add(name, describe(before), describe(now));
      }
    }
  }

  private static String describe(StoredTensor tensor) {
    return tensor.dtype() + " " + (tensor.shape() == null ? "of any shape" : tensor.shape());
  }

  private static Map<String, StoredTensor> byName(List<StoredTensor> tensors) {
    Map<String, StoredTensor> byName = new LinkedHashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    return byName;
  }

  private static Set<String> union(Set<String> first, Set<String> second) {
    Set<String> union = new LinkedHashSet<>(first);
    union.addAll(second);
    return union;
  }
}
