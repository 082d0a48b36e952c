package io.github.fadam.ops.kernel;

import io.github.fadam.ops.fisher.Epsilon;
import io.github.fadam.ops.fisher.FactoredFisher;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * The update of FAdam (Algorithm 1) or FAdafactor (Algorithm 2) of a list of variables as one
 * native operation, which reads and writes variables and state in place: two passes over memory,
 * one for the RMS clips and one for the update.
 *
 * <p>It computes what the graph's operations compute, rounded elsewhere: in float64 for float64
 * variables and in float32 for all others, with the same bits on every run, whatever the number of
 * threads. It holds the variables' locks from the first read to the last write.
 *
 * @param beta1 decay of the momentum, in [0, 1)
 * @param beta2 decay of the FIM EMA, in [0, 1)
 * @param epsilon epsilon with its rule
 * @param exponent the FIM exponent p, above 0 and at most 1
 * @param saturates whether {@code g / d} of a diagonal FIM is held at the type's largest number, as
 *     that of a factored one always is
 */
public record FisherApply(
    double beta1, double beta2, Epsilon epsilon, double exponent, boolean saturates) {

  /**
   * One variable with its state, all of one kind; state but {@code momentum} has the compute type.
   *
   * @param variable what is trained, of rank 2 or more where the FIM is factored
   * @param fisher {@code f}, of the variable's shape, or {@code R} and {@code C}, of the shapes
   *     that {@link FactoredFisher} says
   * @param momentum {@code m}, of the variable's shape, of the compute type or bfloat16; empty to
   *     take the clipped gradient in its place
   * @param master the value of a 16-bit variable in float32
   * @param average the average of the variable's values
   * @param gradient g, of the variable's shape, of its type or of the compute type
   * @param squared what enters the FIM EMA, of the compute type; empty for the square of {@code
   *     gradient}
   */
  public record Parameter(
      TrainableVariable variable,
      List<TrainableVariable> fisher,
      Optional<TrainableVariable> momentum,
      Optional<TrainableVariable> master,
      Optional<TrainableVariable> average,
      Operand<?> gradient,
      Optional<Operand<?>> squared) {

    /**
     * Checks types and shapes.
     *
     * @param variable what is trained
     * @param fisher one slot or two
     * @param momentum m
     * @param master the master copy
     * @param average the average
     * @param gradient g
     * @param squared what enters the FIM EMA
     * @throws IllegalArgumentException if something has another type, shape or kind than it should
     */
    public Parameter {
      fisher = List.copyOf(fisher);
      Shape shape = variable.shape();
      DataType compute = compute(variable.dataType());
      if (fisher.size() == 1) {
        require(variable, "f", fisher.get(0), shape, compute);
      } else if (fisher.size() == 2) {
        require(variable, "R", fisher.get(0), FactoredFisher.rowShape(shape), compute);
        require(variable, "C", fisher.get(1), FactoredFisher.columnShape(shape), compute);
      } else {
        throw new IllegalArgumentException(
            "Expected the slot f, or R and C, for "
                + variable.name()
                + ", found "
                + fisher.size()
                + " slots.");
      }
      momentum.ifPresent(
          m ->
              require(
                  variable,
                  "momentum",
                  m,
                  shape,
                  m.dataType() == DataType.DT_BFLOAT16 ? m.dataType() : compute));
      master.ifPresent(m -> require(variable, "master", m, shape, compute));
      average.ifPresent(a -> require(variable, "average", a, shape, compute));
      Output<?> g = gradient.asOutput();
      if (g.dataType() != compute && g.dataType() != variable.dataType()) {
        throw mismatch(variable, "gradient", g.dataType() + " " + g.shape(), compute, shape);
      }
      requireShape(variable, "gradient", g, shape, compute);
      squared.ifPresent(s -> requireShape(variable, "squared", s.asOutput(), shape, compute));
    }

    private static void requireShape(
        TrainableVariable variable, String name, Output<?> found, Shape shape, DataType type) {
      if (!found.shape().isCompatibleWith(shape)) {
        throw mismatch(variable, name, found.dataType() + " " + found.shape(), type, shape);
      }
    }

    private static void require(
        TrainableVariable variable,
        String name,
        TrainableVariable slot,
        Shape shape,
        DataType type) {
      if (slot.dataType() != type
          || !slot.shape().equals(shape)
          || slot.kind() != variable.kind()) {
        throw mismatch(
            variable, name, slot.dataType() + " " + slot.shape() + " " + slot.kind(), type, shape);
      }
    }

    private static IllegalArgumentException mismatch(
        TrainableVariable variable, String name, String found, DataType type, Shape shape) {
      return new IllegalArgumentException(
          "Expected "
              + name
              + " of "
              + variable.name()
              + " to be "
              + type
              + " "
              + shape
              + " "
              + variable.kind()
              + ", found "
              + found);
    }

    /**
     * What decides which parameters one operation can update.
     *
     * @return equal for parameters that can go together
     */
    public Form form() {
      return new Form(
          variable.kind(),
          variable.dataType(),
          gradient.asOutput().dataType(),
          momentum.map(TrainableVariable::dataType),
          fisher.size() == 2,
          master.isPresent(),
          average.isPresent(),
          squared.isPresent());
    }
  }

  /**
   * What all parameters of one operation have in common.
   *
   * @param kind kind of the variables and their state
   * @param type dtype of the variables
   * @param gradient dtype of the gradients
   * @param momentum dtype of m, if there is any
   * @param factored whether the FIM is R and C
   * @param master whether there are master copies
   * @param average whether there are averages
   * @param squared whether squares are given
   */
  public record Form(
      TrainableVariable.Kind kind,
      DataType type,
      DataType gradient,
      Optional<DataType> momentum,
      boolean factored,
      boolean master,
      boolean average,
      boolean squared) {}

  /**
   * What changes from step to step.
   *
   * @param learningRate eta, a float64 scalar
   * @param weightDecay lambda, a float64 scalar, 0 for none
   * @param clip c, a positive float64 scalar, infinity for none
   * @param step t, an int64 scalar, 1 at the first
   * @param applied whether anything changes at all, a scalar
   * @param averageShare how much of the new value enters the average of the values, 1 less its
   *     decay
   */
  public record Scalars(
      Operand<TFloat64> learningRate,
      Operand<TFloat64> weightDecay,
      Operand<TFloat64> clip,
      Operand<TInt64> step,
      Operand<TBool> applied,
      double averageShare) {}

  /**
   * Adds the operation. Where to has to be behind everything that reads the variables' values
   * before the step.
   *
   * @param tf where to add it
   * @param parameters the variables, at least one, all of one {@link Form}
   * @param scalars what changes from step to step
   * @return the operation, to run or to depend on
   * @throws IllegalStateException if the native ops are {@link NativeOps#missing}
   * @throws IllegalArgumentException if there is no parameter, they do not go together, or a
   *     variable is there twice
   */
  public Op add(Ops tf, List<Parameter> parameters, Scalars scalars) {
    NativeOps.missing()
        .ifPresent(
            reason -> {
              throw new IllegalStateException(
                  "Expected the native ops, but " + reason + "; use graph operations.");
            });
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("Expected at least one variable to update, found none.");
    }
    Parameter first = parameters.get(0);
    Form form = first.form();
    for (Parameter parameter : parameters) {
      if (!parameter.form().equals(form)) {
        throw new IllegalArgumentException(
            "Expected variables of one kind and one type with the same state, found "
                + first.variable().name()
                + " of "
                + form
                + " and "
                + parameter.variable().name()
                + " of "
                + parameter.form());
      }
    }
    requireApart(parameters);
    Scope scope = tf.scope();
    String type =
        (form.factored() ? "FisherApplyFAdafactor" : "FisherApplyFAdam")
            + (form.kind() == TrainableVariable.Kind.REFERENCE ? "Ref" : "");
    OperationBuilder builder = scope.env().opBuilder(type, scope.makeOpName(type), scope);
    for (Operand<?> scalar : scalars(tf, scalars)) {
      builder.addInput(scalar.asOutput());
    }
    builder.addInputList(outputs(parameters, p -> List.of(p.variable())));
    builder.addInputList(outputs(parameters, p -> List.of(p.fisher().get(0))));
    if (form.factored()) {
      builder.addInputList(outputs(parameters, p -> List.of(p.fisher().get(1))));
    }
    builder.addInputList(outputs(parameters, p -> p.momentum().stream().toList()));
    builder.addInputList(outputs(parameters, p -> p.master().stream().toList()));
    builder.addInputList(outputs(parameters, p -> p.average().stream().toList()));
    builder.addInputList(
        parameters.stream().map(p -> p.gradient().asOutput()).toArray(Output<?>[]::new));
    builder.addInputList(
        parameters.stream()
            .flatMap(p -> p.squared().stream())
            .map(Operand::asOutput)
            .toArray(Output<?>[]::new));
    long count = parameters.size();
    DataType compute = compute(form.type());
    Operation built =
        builder
            .setAttr("N", count)
            .setAttr("momentums", form.momentum().isPresent() ? count : 0)
            .setAttr("masters", form.master() ? count : 0)
            .setAttr("averages", form.average() ? count : 0)
            .setAttr("squares", form.squared() ? count : 0)
            .setAttr("T", form.type())
            .setAttr("G", form.gradient())
            .setAttr("C", compute)
            .setAttr("M", form.momentum().orElse(compute))
            .setAttr("epsilon_rule", epsilon.rule())
            .setAttr("saturates", saturates)
            .build();
    return () -> built;
  }

  /** Of a variable that is there twice one of the two updates would be lost. */
  private static void requireApart(List<Parameter> parameters) {
    Set<Output<?>> handles = new HashSet<>();
    for (Parameter parameter : parameters) {
      Stream.of(
              Stream.of(parameter.variable()),
              parameter.fisher().stream(),
              parameter.momentum().stream(),
              parameter.master().stream(),
              parameter.average().stream())
          .flatMap(Function.identity())
          .filter(variable -> !handles.add(variable.handle()))
          .findFirst()
          .ifPresent(
              variable -> {
                throw new IllegalArgumentException(
                    "Expected every variable and all of its state once, found "
                        + variable.name()
                        + " twice; give each a variable of its own.");
              });
    }
  }

  /** In the order of the op's inputs. */
  private List<Operand<?>> scalars(Ops tf, Scalars scalars) {
    return List.of(
        scalars.learningRate(),
        scalars.weightDecay(),
        scalars.clip(),
        tf.constant(beta1),
        tf.constant(beta2),
        tf.constant(epsilon.value()),
        tf.constant(exponent),
        tf.constant(scalars.averageShare()),
        scalars.step(),
        scalars.applied());
  }

  private static Output<?>[] outputs(
      List<Parameter> parameters, Function<Parameter, List<TrainableVariable>> of) {
    List<Output<?>> outputs = new ArrayList<>();
    for (Parameter parameter : parameters) {
      of.apply(parameter).forEach(variable -> outputs.add(variable.handle()));
    }
    return outputs.toArray(Output<?>[]::new);
  }

  private static DataType compute(DataType type) {
    return type == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
  }
}
