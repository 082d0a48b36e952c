package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.variable.Variables;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;

/** Finds the variables that operations may change when they are run, averages of batches say. */
final class ChangedVariables {

  private static final Set<String> ONLY_READ =
      Set.of(
          "ReadVariableOp",
          "ResourceGather",
          "ResourceGatherNd",
          "VariableShape",
          "VarIsInitializedOp");
  private static final Set<String> PASS_ON = Set.of("Identity", "Enter", "Switch");

  private ChangedVariables() {}

  /** Names of the variables' operations. */
  static Set<String> by(List<Operation> operations) {
    Set<String> changed = new HashSet<>();
    Set<Operation> seen = new HashSet<>(operations);
    Deque<Operation> open = new ArrayDeque<>(operations);
    while (!open.isEmpty()) {
      if (open.pop() instanceof GraphOperation operation) {
        for (Operand<?> input : operation.inputs()) {
          Operation source = source(input.op());
          if (Variables.isVariable(source) && mayChange(operation, source)) {
            changed.add(source.name());
          }
          if (seen.add(input.op())) {
            open.push(input.op());
          }
        }
        operation.controlInputs().stream().filter(seen::add).forEach(open::push);
      }
    }
    return changed;
  }

  private static Operation source(Operation operation) {
    Operation source = operation;
    while (PASS_ON.contains(source.type()) && source instanceof GraphOperation passing) {
      source = passing.input(0).op();
    }
    return source;
  }

  /** Whoever takes a resource may assign it; a reference is assigned by few. */
  private static boolean mayChange(Operation operation, Operation variable) {
    return variable.type().equals("VarHandleOp")
        ? !ONLY_READ.contains(operation.type()) && !PASS_ON.contains(operation.type())
        : operation.type().startsWith("Assign") || operation.type().startsWith("Scatter");
  }
}
