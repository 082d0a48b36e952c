package io.github.fadam.ops.xla;

import java.util.HashMap;
import java.util.Map;
import org.tensorflow.ConcreteFunction;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;

/**
 * A function, with all that it calls, which TensorFlow's graph optimizers leave as it is.
 *
 * <p>They would rewrite it for kernels: where much memory is needed, for example, a sum becomes a
 * {@code TemporaryVariable}, which XLA does not compile. They know that a function is going to be
 * compiled only from the older {@code XlaLaunch}.
 */
final class UntouchedFunction {

  /** {@code MetaOptimizer} skips the functions with this attribute, and nothing else reads it. */
  private static final String SKIPPED = "_tf_data_function";

  private static final AttrValue TRUE = AttrValue.newBuilder().setB(true).build();

  private UntouchedFunction() {}

  /**
   * Adds a function to a graph.
   *
   * @return what calls it, as an attribute of a node
   */
  static AttrValue add(Graph graph, ConcreteFunction function) {
    FunctionDefLibrary definitions = definitions(function);
    // A function that the graph has already, under the same name, is not to change.
    Map<String, String> names = new HashMap<>();
    for (FunctionDef definition : definitions.getFunctionList()) {
      String name = definition.getSignature().getName();
      names.put(name, function.getDefinedName() + "_" + names.size());
    }
    FunctionDefLibrary.Builder library = FunctionDefLibrary.newBuilder();
    definitions
        .getFunctionList()
        .forEach(definition -> library.addFunction(renamed(definition, names)));
    graph.importGraphDef(GraphDef.newBuilder().setLibrary(library).build());
    return renamed(
        AttrValue.newBuilder()
            .setFunc(NameAttrList.newBuilder().setName(function.getDefinedName()))
            .build(),
        names);
  }

  private static FunctionDefLibrary definitions(ConcreteFunction function) {
    try (Graph graph = new Graph()) {
      graph
          .opBuilder("NoOp", "holder", Ops.create(graph).scope())
          .setAttr("_function", function)
          .build();
      return graph.toGraphDef().getLibrary();
    }
  }

  private static FunctionDef renamed(FunctionDef definition, Map<String, String> names) {
    FunctionDef.Builder renamed = definition.toBuilder().putAttr(SKIPPED, TRUE);
    renamed.getSignatureBuilder().setName(names.get(definition.getSignature().getName()));
    for (int i = 0; i < definition.getNodeDefCount(); i++) {
      NodeDef.Builder node = renamed.getNodeDefBuilder(i);
      node.setOp(names.getOrDefault(node.getOp(), node.getOp()));
      Map<String, AttrValue> attributes = new HashMap<>(node.getAttrMap());
      attributes.forEach((key, value) -> node.putAttr(key, renamed(value, names)));
    }
    return renamed.build();
  }

  private static AttrValue renamed(AttrValue value, Map<String, String> names) {
    AttrValue.Builder renamed = value.toBuilder();
    if (value.hasFunc()) {
      String name = value.getFunc().getName();
      renamed.getFuncBuilder().setName(names.getOrDefault(name, name));
    }
    if (value.hasList()) {
      for (int i = 0; i < value.getList().getFuncCount(); i++) {
        String name = value.getList().getFunc(i).getName();
        renamed.getListBuilder().getFuncBuilder(i).setName(names.getOrDefault(name, name));
      }
    }
    return renamed.build();
  }
}
