package io.github.fadam.framework.optimizer;

import io.github.fadam.framework.group.ParameterGroup;
import io.github.fadam.framework.rule.Hyper;
import io.github.fadam.ops.variable.TrainableVariable;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Which variable belongs to which parameter group.
 *
 * @param groups the groups; the first that fits has the variable
 * @param names from a variable to the name that users know
 */
record Grouping(List<ParameterGroup> groups, Function<TrainableVariable, String> names) {

  Optional<ParameterGroup> of(TrainableVariable variable) {
    String name = names.apply(variable);
    return groups.stream().filter(group -> group.matches(name, variable)).findFirst();
  }

  boolean isFrozen(TrainableVariable variable) {
    return of(variable).map(ParameterGroup::isFrozen).orElse(false);
  }

  /** Refuses groups that set what the rule does not have. */
  void requireOptions(String optimizer, Set<Hyper> hypers) {
    for (ParameterGroup group : groups) {
      for (Hyper hyper : group.schedules().keySet()) {
        if (!hypers.contains(hyper)) {
          throw new IllegalArgumentException(
              optimizer
                  + " has no option "
                  + hyper.key()
                  + ", which parameter group '"
                  + group
                  + "' sets; remove it from the group.");
        }
      }
    }
  }

  /** Refuses groups that mean nothing, and to train nothing. */
  void check(String optimizer, Collection<TrainableVariable> variables) {
    Map<String, TrainableVariable> byName = new LinkedHashMap<>();
    variables.forEach(variable -> byName.put(names.apply(variable), variable));
    for (ParameterGroup group : groups) {
      group.requireMatches(byName);
      if (!group.mayBeEmpty()
          && variables.stream().noneMatch(variable -> of(variable).orElse(null) == group)) {
        throw new IllegalArgumentException(
            optimizer
                + " expected a variable in parameter group '"
                + group
                + "', found none: earlier groups have all that it fits, and the first that fits"
                + " counts; put it before them.");
      }
    }
    if (!variables.isEmpty() && variables.stream().allMatch(this::isFrozen)) {
      throw new IllegalArgumentException(
          optimizer
              + " expected at least one variable to train, found all of them in frozen groups: "
              + String.join(", ", byName.keySet()));
    }
  }
}
