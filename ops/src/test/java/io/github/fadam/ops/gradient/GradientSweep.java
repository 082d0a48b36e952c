package io.github.fadam.ops.gradient;

import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.OpDef;

/**
 * The child process of {@link GradientSweepTest}: asks TensorFlow, without the check, for the
 * gradient of every operation that has one, by every input, as a value and as a reference variable.
 *
 * <p>Prints what the check says, then what TensorFlow did; the process may end in between.
 * Arguments: a dtype, and the case after which to go on (or nothing).
 */
final class GradientSweep {

  /** One operation, one of its inputs; {@code onReference} makes that input a VariableV2. */
  record Case(OpDef op, int input, boolean onReference) {
    String key() {
      return op.getName() + "/" + input + "/" + (onReference ? "reference" : "value");
    }
  }

  private record Argument(DataType type, int count, boolean isList, boolean isReference) {}

  private final DataType floating;
  private final DataType integer;

  private GradientSweep(DataType floating, DataType integer) {
    this.floating = floating;
    this.integer = integer;
  }

  public static void main(String[] arguments) {
    GradientRegistry.registerOurs();
    var sweep = new GradientSweep(DataType.valueOf(arguments[0]), DataType.valueOf(arguments[1]));
    boolean started = arguments.length == 2;
    for (Case one : cases()) {
      if (started) {
        System.out.println("CASE " + one.key());
        try {
          sweep.run(one);
        } catch (RuntimeException e) {
          System.out.println("UNBUILDABLE");
        }
      }
      started |= one.key().equals(arguments[arguments.length - 1]);
    }
    System.out.println("DONE");
  }

  private static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    TensorFlow.registeredOpList().getOpList().stream()
        .filter(op -> GradientRegistry.hasGradient(op.getName()))
        .sorted(Comparator.comparing(OpDef::getName))
        .forEach(
            op -> {
              for (int i = 0; i < op.getInputArgCount(); i++) {
                cases.add(new Case(op, i, false));
                cases.add(new Case(op, i, true));
              }
            });
    return cases;
  }

  private void run(Case one) {
    int outputs;
    try (Graph graph = new Graph()) {
      outputs = build(graph, one).op().numOutputs();
    }
    for (int i = 0; i < outputs; i++) {
      try (Graph graph = new Graph()) {
        Built built = build(graph, one);
        Output<?> loss = built.op().output(i);
        if (built.variable() != null && Dtypes.isFloating(loss.dataType())) {
          System.out.println("CHECK " + expectation(loss, built.variable()));
          System.out.println("FOUND " + found(graph, loss, built.variable()));
        }
      }
    }
  }

  private static String expectation(Output<?> loss, TrainableVariable variable) {
    GradientCheck check = GradientCheck.of(loss, List.of(variable));
    if (!check.reasons().isEmpty()) {
      return "REFUSED";
    }
    return check.verdict().reached().isEmpty() ? "UNREACHED" : "REACHED";
  }

  private static String found(Graph graph, Output<?> loss, TrainableVariable variable) {
    try {
      var gradient =
          (GraphOperation) graph.addGradients(loss, new Output<?>[] {variable.handle()})[0].op();
      var handle = gradient.getUnsafeNativeHandle();
      return handle == null || handle.isNull() ? "NONE" : "GRADIENT";
    } catch (RuntimeException e) {
      return "THROWN " + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
  }

  private record Built(GraphOperation op, TrainableVariable variable) {}

  /**
   * Every input is a placeholder of unknown shape but the one examined, which is a variable or what
   * an identity makes of it. Where that is not of the floating dtype, the variable is put in front
   * of the first input that is.
   */
  private Built build(Graph graph, Case one) {
    Ops tf = Ops.create(graph);
    OpDef op = one.op();
    List<Argument> arguments = op.getInputArgList().stream().map(arg -> argument(op, arg)).toList();
    int differentiated =
        arguments.get(one.input()).type() == floating ? one.input() : firstFloating(arguments);
    OperationBuilder builder = graph.opBuilder(op.getName(), "op", tf.scope());
    TrainableVariable variable = null;
    for (int i = 0; i < arguments.size(); i++) {
      Argument argument = arguments.get(i);
      Output<?>[] tensors = new Output<?>[argument.count()];
      for (int j = 0; j < tensors.length; j++) {
        boolean isReference =
            argument.isReference() || (one.onReference() && i == one.input() && j == 0);
        boolean isVariable = i == differentiated && j == 0;
        String name = "x" + i + "-" + j;
        Shape shape = shape(op.getInputArg(i).getName(), op.getName());
        String type = isReference || isVariable ? "VariableV2" : "Placeholder";
        Output<?> tensor = source(tf, type, name, argument.type(), shape);
        if (isVariable) {
          variable = TrainableVariable.of(tensor);
        }
        tensors[j] = isVariable && !isReference ? Raw.of(tf, "Identity", tensor) : tensor;
      }
      if (argument.isList()) {
        builder.addInputList(tensors);
      } else {
        builder.addInput(tensors[0]);
      }
    }
    setAttributes(builder, op);
    return new Built((GraphOperation) builder.build(), variable);
  }

  private int firstFloating(List<Argument> arguments) {
    for (int i = 0; i < arguments.size(); i++) {
      if (arguments.get(i).type() == floating) {
        return i;
      }
    }
    return -1;
  }

  private static Output<?> source(Ops tf, String op, String name, DataType type, Shape shape) {
    return tf.scope()
        .withName(name)
        .opBuilder(op, name)
        .setAttr("dtype", type)
        .setAttr("shape", shape)
        .build()
        .output(0);
  }

  private Argument argument(OpDef op, OpDef.ArgDef arg) {
    boolean isTypeList = !arg.getTypeListAttr().isEmpty();
    boolean isList = isTypeList || !arg.getNumberAttr().isEmpty();
    DataType type = arg.getType();
    if (isTypeList) {
      type = floating;
    } else if (!arg.getTypeAttr().isEmpty()) {
      type = type(attribute(op, arg.getTypeAttr()));
    }
    return new Argument(type, isList ? 2 : 1, isList, arg.getIsRef());
  }

  private DataType type(OpDef.AttrDef attribute) {
    List<DataType> allowed = attribute.getAllowedValues().getList().getTypeList();
    if (allowed.isEmpty()) {
      return attribute.hasDefaultValue() ? attribute.getDefaultValue().getType() : floating;
    }
    for (DataType preferred : List.of(floating, DataType.DT_FLOAT, integer, DataType.DT_INT32)) {
      if (allowed.contains(preferred)) {
        return preferred;
      }
    }
    return allowed.get(0);
  }

  private static OpDef.AttrDef attribute(OpDef op, String name) {
    return op.getAttrList().stream()
        .filter(attribute -> attribute.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static Shape shape(String argument, String op) {
    return switch (argument) {
      case "block_shape" -> Shape.of(2);
      case "crops" -> Shape.of(2, 2);
      case "paddings" -> op.endsWith("ND") ? Shape.of(2, 2) : Shape.unknown();
      default -> Shape.unknown();
    };
  }

  private void setAttributes(OperationBuilder builder, OpDef op) {
    Set<String> inferred = new HashSet<>();
    for (OpDef.ArgDef arg : op.getInputArgList()) {
      inferred.addAll(List.of(arg.getTypeAttr(), arg.getNumberAttr(), arg.getTypeListAttr()));
    }
    for (OpDef.AttrDef attribute : op.getAttrList()) {
      if (!inferred.contains(attribute.getName()) && !attribute.hasDefaultValue()) {
        setAttribute(builder, op, attribute);
      }
    }
  }

  private void setAttribute(OperationBuilder builder, OpDef op, OpDef.AttrDef attribute) {
    String name = attribute.getName();
    switch (attribute.getType()) {
      case "type" -> builder.setAttr(name, type(attribute));
      case "list(type)" -> builder.setAttr(name, new DataType[] {floating, floating});
      case "int" -> builder.setAttr(name, Math.max(2, attribute.getMinimum()));
      case "float" -> builder.setAttr(name, 1f);
      case "bool" -> builder.setAttr(name, false);
      case "shape" -> builder.setAttr(name, Shape.unknown());
      case "string" -> builder.setAttr(name, text(op, attribute));
      case "list(int)" -> {
        long[] ones = new long[op.getName().matches(".*(3D|Volume).*") ? 5 : 4];
        Arrays.fill(ones, 1);
        builder.setAttr(name, ones);
      }
      case "list(float)" -> builder.setAttr(name, new float[] {1, 1, 1, 1});
      default -> throw new IllegalStateException("attribute " + name + attribute.getType());
    }
  }

  private static String text(OpDef op, OpDef.AttrDef attribute) {
    if (attribute.hasAllowedValues()) {
      return attribute.getAllowedValues().getList().getS(0).toStringUtf8();
    }
    return op.getName().equals("Einsum") ? "i,i->" : "text";
  }
}
