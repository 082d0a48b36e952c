package io.github.fadam.savedmodel.cli;

import io.github.fadam.savedmodel.cli.InspectReport.Variable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Variables by the paths in their names, the layers of a Keras model or the scopes of TensorFlow 1,
 * with what is in each.
 *
 * <p>A checkpoint path behind {@code @}, which tells variables of one name apart, makes no folders.
 */
final class VariableTree {

  /** What is in a folder and the folders below it; {@code path} begins and ends without slash. */
  record Folder(String path, int variables, ParameterCount parameters) {}

  /**
   * One line of the tree.
   *
   * @param depth number of lines above it that it is in
   * @param label what is added to the path above; a folder's ends with a slash
   * @param folder what is in it; null for a variable
   * @param variable the variable; null for a folder
   */
  record Line(int depth, String label, Folder folder, Variable variable) {}

  private final String path;
  private final Map<String, VariableTree> folders = new LinkedHashMap<>();
  private final Map<String, Variable> leaves = new LinkedHashMap<>();
  private final List<String> order = new ArrayList<>();
  private final List<Variable> all = new ArrayList<>();

  private VariableTree(String path) {
    this.path = path;
  }

  static VariableTree of(List<Variable> variables) {
    VariableTree tree = new VariableTree("");
    variables.forEach(variable -> tree.add(variable.name(), variable));
    return tree;
  }

  private void add(String rest, Variable variable) {
    all.add(variable);
    int at = rest.indexOf('@');
    int slash = rest.indexOf('/');
    if (slash < 0 || (at >= 0 && at < slash)) {
      leaves.put(rest, variable);
      order.add(rest);
    } else {
      String segment = rest.substring(0, slash);
      String label = segment + "/";
      if (!folders.containsKey(label)) {
        folders.put(label, new VariableTree(path.isEmpty() ? segment : path + "/" + segment));
        order.add(label);
      }
      folders.get(label).add(rest.substring(slash + 1), variable);
    }
  }

  private Folder folder() {
    return new Folder(path, all.size(), ParameterCount.of(all));
  }

  /** All folders, each before those below it. */
  List<Folder> folders() {
    List<Folder> found = new ArrayList<>();
    for (VariableTree tree : folders.values()) {
      found.add(tree.folder());
      found.addAll(tree.folders());
    }
    return found;
  }

  /**
   * The tree from top to bottom; a folder that holds nothing but a folder is one line with it.
   *
   * @param depth how many levels to show
   */
  List<Line> lines(int depth) {
    List<Line> lines = new ArrayList<>();
    addLines(0, depth, lines);
    return lines;
  }

  private void addLines(int level, int depth, List<Line> lines) {
    if (level == depth) {
      return;
    }
    for (String key : order) {
      if (leaves.containsKey(key)) {
        lines.add(new Line(level, key, null, leaves.get(key)));
        continue;
      }
      String label = key;
      VariableTree tree = folders.get(key);
      while (tree.leaves.isEmpty() && tree.folders.size() == 1) {
        String only = tree.order.get(0);
        label += only;
        tree = tree.folders.get(only);
      }
      lines.add(new Line(level, label, tree.folder(), null));
      tree.addLines(level + 1, depth, lines);
    }
  }
}
