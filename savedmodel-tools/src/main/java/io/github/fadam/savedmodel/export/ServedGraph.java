package io.github.fadam.savedmodel.export;

import com.google.protobuf.ByteString;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Signature;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.VariableDef;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/**
 * The contents of {@code saved_model.pb}: the nodes of a graph that serves, and operations that
 * save and restore its variables by name.
 *
 * @param model the message
 */
record ServedGraph(SavedModel model) {

  private static final String PREDICT = "tensorflow/serving/predict";

  /** Adds what loading needs to the nodes that serve, in a graph of its own. */
  static ServedGraph of(
      GraphDef nodes, Map<String, Signature> signatures, List<String> variableNames) {
    try (Graph graph = new Graph()) {
      graph.importGraphDef(nodes);
      Ops tf = Ops.create(graph).withSubScope("save");
      Placeholder<TString> prefix =
          tf.withName("filename").placeholder(TString.class, Placeholder.shape(Shape.scalar()));
      List<TrainableVariable> variables = new ArrayList<>();
      List<Operand<?>> reads = new ArrayList<>();
      List<Class<? extends TType>> types = new ArrayList<>();
      for (String name : variableNames) {
        TrainableVariable variable = TrainableVariable.of(graph.operation(name).output(0));
        variables.add(variable);
        reads.add(variable.read(tf));
        types.add(variable.type());
      }
      Op save = save(tf, prefix, variableNames, reads);
      Operand<TString> saved = tf.withControlDependencies(List.of(save)).identity(prefix);
      Operand<TString> names = names(tf, variableNames);
      var restored = tf.train.restore(prefix, names, tf.zerosLike(names), types).tensors();
      Set<TrainableVariable> trainable = Set.copyOf(Variables.all(graph));
      CollectionDef.Builder all = CollectionDef.newBuilder();
      CollectionDef.Builder trained = CollectionDef.newBuilder();
      List<Op> assigns = new ArrayList<>();
      for (int i = 0; i < variables.size(); i++) {
        TrainableVariable variable = variables.get(i);
        Op assign = variable.assign(tf, restored.get(i));
        assigns.add(assign);
        boolean isTrainable = trainable.contains(variable);
        ByteString definition = definition(variable, assign, reads.get(i), isTrainable);
        all.getBytesListBuilder().addValue(definition);
        if (isTrainable) {
          trained.getBytesListBuilder().addValue(definition);
        }
      }
      Op restore = tf.withControlDependencies(assigns).withName("restore_all").noOp();
      MetaGraphDef.Builder meta =
          MetaGraphDef.newBuilder()
              .setMetaInfoDef(
                  MetaGraphDef.MetaInfoDef.newBuilder()
                      .addTags("serve")
                      .setTensorflowVersion(TensorFlow.version()))
              .setGraphDef(graph.toGraphDef())
              .setSaverDef(
                  SaverDef.newBuilder()
                      .setFilenameTensorName(prefix.asOutput().op().name() + ":0")
                      .setSaveTensorName(saved.asOutput().op().name() + ":0")
                      .setRestoreOpName(restore.op().name())
                      .setVersion(SaverDef.CheckpointFormatVersion.V2));
      meta.putCollectionDef("variables", all.build());
      meta.putCollectionDef("trainable_variables", trained.build());
      signatures.forEach(
          (key, signature) -> meta.putSignatureDef(key, definition(graph, signature)));
      return new ServedGraph(
          SavedModel.newBuilder().setSavedModelSchemaVersion(1).addMetaGraphs(meta).build());
    }
  }

  /** Adds the operation that saves values under the names of their variables. */
  static Op save(
      Ops tf, Operand<TString> prefix, List<String> variableNames, List<Operand<?>> values) {
    Operand<TString> names = names(tf, variableNames);
    return tf.train.save(prefix, names, tf.zerosLike(names), values);
  }

  private static Operand<TString> names(Ops tf, List<String> names) {
    return tf.constant(NdArrays.vectorOfObjects(names.toArray(String[]::new)));
  }

  /** How Python finds a variable of a graph; restoring is the only way to initialise it here. */
  private static ByteString definition(
      TrainableVariable variable, Op assign, Operand<?> read, boolean trainable) {
    return VariableDef.newBuilder()
        .setVariableName(variable.name() + ":0")
        .setInitializerName(assign.op().name())
        .setSnapshotName(read.asOutput().op().name() + ":0")
        .setIsResource(variable.kind() == TrainableVariable.Kind.RESOURCE)
        .setTrainable(trainable)
        .build()
        .toByteString();
  }

  private static SignatureDef definition(Graph graph, Signature signature) {
    SignatureDef.Builder definition = SignatureDef.newBuilder();
    definition.setMethodName(signature.methodName() == null ? PREDICT : signature.methodName());
    signature.getInputs().forEach((name, input) -> definition.putInputs(name, info(graph, input)));
    signature
        .getOutputs()
        .forEach((name, output) -> definition.putOutputs(name, info(graph, output)));
    return definition.build();
  }

  /** A description shows an open rank as that of a scalar; the graph tells them apart. */
  private static TensorInfo info(Graph graph, Signature.TensorDescription tensor) {
    Shape known = graph.output(tensor.name).shape();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    if (known.isUnknown()) {
      shape.setUnknownRank(true);
    } else {
      for (long size : known.asArray()) {
        shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
      }
    }
    return TensorInfo.newBuilder()
        .setName(tensor.name)
        .setDtype(tensor.dataType)
        .setTensorShape(shape)
        .build();
  }
}
