package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.framework.rule.Rule;
import io.github.fadam.ops.kernel.FisherApply;
import io.github.fadam.ops.kernel.NativeOps;
import io.github.fadam.ops.variable.TrainableVariable;
import io.github.fadam.ops.variable.Variables;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * The variables of a step that native operations update.
 *
 * @param operation the rule as an operation; empty where no variable is updated by it
 * @param variables those that it updates
 * @param choices what updates which number of variables, those of graph operations among them
 */
record FusedUpdates(
    Optional<FisherApply> operation, Set<TrainableVariable> variables, List<KernelChoice> choices) {

  private static final System.Logger LOG = System.getLogger(FusedUpdates.class.getName());

  private static final String ASKED = "asked for";

  /** What the updates have in common that one operation carries out. */
  private record Group(Hypers hypers, FisherApply.Form form) {}

  /**
   * Chooses the variables and says so in the log.
   *
   * @param rows the variables of which only rows are updated
   * @throws IllegalArgumentException if the kernel is {@link Kernel#NATIVE} and a variable cannot
   *     be updated natively
   */
  static FusedUpdates choose(
      String optimizer,
      Kernel kernel,
      Rule rule,
      Collection<TrainableVariable> variables,
      Set<TrainableVariable> rows) {
    if (kernel != Kernel.AUTO && kernel != Kernel.NATIVE) {
      String reason = kernel == Kernel.XLA ? "the update is compiled" : ASKED;
      return none(List.of(new KernelChoice(kernel, variables.size(), reason)));
    }
    Map<String, List<TrainableVariable>> without = new LinkedHashMap<>();
    Set<TrainableVariable> chosen = new LinkedHashSet<>();
    for (TrainableVariable variable : variables) {
      obstacle(kernel, rule, variable, rows)
          .ifPresentOrElse(
              reason -> without.computeIfAbsent(reason, r -> new ArrayList<>()).add(variable),
              () -> chosen.add(variable));
    }
    List<KernelChoice> choices = new ArrayList<>();
    without.forEach(
        (reason, left) -> {
          choices.add(new KernelChoice(Kernel.GRAPH, left.size(), reason));
          if (kernel == Kernel.NATIVE) {
            throw new IllegalArgumentException(
                optimizer
                    + " expected to update "
                    + names(left)
                    + " with native operations, but "
                    + reason
                    + "; choose kernel auto or graph.");
          }
          LOG.log(
              Level.INFO,
              "{0} updates {1} with graph operations: {2}",
              optimizer,
              names(left),
              reason);
        });
    if (chosen.isEmpty()) {
      return none(choices);
    }
    choices.add(
        0,
        new KernelChoice(
            Kernel.NATIVE,
            chosen.size(),
            kernel == Kernel.NATIVE ? ASKED : "auto takes it where it can"));
    if (kernel == Kernel.AUTO) {
      LOG.log(
          Level.INFO,
          "{0} updates {1,number} variables with native operations",
          optimizer,
          chosen.size());
    }
    return new FusedUpdates(Optional.of(((FusedRule) rule).fused()), chosen, List.copyOf(choices));
  }

  private static FusedUpdates none(List<KernelChoice> choices) {
    return new FusedUpdates(Optional.empty(), Set.of(), List.copyOf(choices));
  }

  private static Optional<String> obstacle(
      Kernel kernel, Rule rule, TrainableVariable variable, Set<TrainableVariable> rows) {
    if (!(rule instanceof FusedRule)) {
      return Optional.of("there is none for its rule");
    }
    if (rows.contains(variable)) {
      return Optional.of("only rows of it are updated");
    }
    if (!Variables.isVariable(variable.handle().op())) {
      return Optional.of("it is an argument of a function, which XLA may compile");
    }
    if (kernel == Kernel.AUTO && NativeOps.besideGpu()) {
      return Optional.of("TensorFlow may have put it on a GPU");
    }
    return NativeOps.missing();
  }

  boolean contains(TrainableVariable variable) {
    return variables.contains(variable);
  }

  /**
   * Copies the gradients, where they may share memory with variables that another operation changes
   * at the same time. An operation that is alone looks after itself.
   *
   * @return the copies
   */
  List<Op> separate(
      Ops tf,
      Map<TrainableVariable, VariableUpdate<?>> updates,
      Map<TrainableVariable, Hypers> hypersOf) {
    boolean alone = variables.size() == updates.size() && groups(updates, hypersOf).size() == 1;
    List<Op> copies = new ArrayList<>();
    if (!alone) {
      variables.forEach(variable -> copies.add(updates.get(variable).copyGradient(tf)));
    }
    return copies;
  }

  /**
   * Adds the operations, as few as there are types and groups.
   *
   * @param after behind everything that reads the variables' values before the step
   */
  List<Op> add(
      Ops after,
      Map<TrainableVariable, VariableUpdate<?>> updates,
      Map<TrainableVariable, Hypers> hypersOf,
      Operand<TInt64> step,
      StepOptions options,
      Condition applied) {
    Operand<TBool> condition = applied.scalar().orElseGet(() -> after.constant(true));
    List<Op> operations = new ArrayList<>();
    groups(updates, hypersOf)
        .forEach(
            (group, parameters) -> {
              Map<Hyper, Operand<TFloat64>> hypers = group.hypers().values();
              operations.add(
                  operation
                      .orElseThrow()
                      .add(
                          after,
                          parameters,
                          new FisherApply.Scalars(
                              hypers.get(Hyper.LEARNING_RATE),
                              hypers.get(Hyper.WEIGHT_DECAY),
                              hypers.get(Hyper.CLIP),
                              step,
                              condition,
                              1 - options.ema().orElse(1))));
            });
    return operations;
  }

  private Map<Group, List<FisherApply.Parameter>> groups(
      Map<TrainableVariable, VariableUpdate<?>> updates, Map<TrainableVariable, Hypers> hypersOf) {
    Map<Group, List<FisherApply.Parameter>> groups = new LinkedHashMap<>();
    for (TrainableVariable variable : variables) {
      FisherApply.Parameter parameter = updates.get(variable).fused();
      groups
          .computeIfAbsent(
              new Group(hypersOf.get(variable), parameter.form()), group -> new ArrayList<>())
          .add(parameter);
    }
    return groups;
  }

  private static String names(List<TrainableVariable> variables) {
    return variables.stream().map(TrainableVariable::name).collect(Collectors.joining(", "));
  }
}
