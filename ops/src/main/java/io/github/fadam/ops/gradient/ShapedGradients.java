package io.github.fadam.ops.gradient;

import io.github.fadam.ops.gradient.GradientBuilder.Formula;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;

/**
 * Short gradients for operations that broadcast or reduce along dimensions known before anything
 * runs.
 *
 * <p>TensorFlow's C++ gradients find these dimensions out in every step, by ten operations for a
 * sum or a product and more for a mean, also where only the number of rows in a batch is open.
 * Whoever builds the graph and knows the shapes puts an {@code IdentityN} behind the operation, as
 * {@link RepairedGradients} says, with the attribute {@link #KNOWN}. The numbers are those of the
 * C++ gradients.
 */
public final class ShapedGradients {

  /** Attribute of the {@code IdentityN}: what {@link #broadcast} or {@link #reduction} returned. */
  public static final String KNOWN = RepairedGradients.PREFIX + "known";

  private static final String NAME = "known";

  private static final Map<String, Formula> BROADCASTS =
      Map.of(
          "Add", g -> sums(g, g.dy(0), g.dy(0)),
          "AddV2", g -> sums(g, g.dy(0), g.dy(0)),
          "Mul", g -> sums(g, g.times(g.dy(0), g.x(1)), g.times(g.dy(0), g.x(0))),
          "Sub",
              g ->
                  List.of(summed(g, g.dy(0), side(g, 0)), g.minus(summed(g, g.dy(0), side(g, 1)))));

  private static final Map<String, Formula> REDUCTIONS =
      Map.of("Mean", g -> spread(g, true), "Sum", g -> spread(g, false));

  private ShapedGradients() {}

  /**
   * The types of operations of two inputs that have a short gradient.
   *
   * @return sorted types
   */
  public static Set<String> broadcasting() {
    return new TreeSet<>(BROADCASTS.keySet());
  }

  /**
   * The types of operations that reduce and have a short gradient.
   *
   * @return sorted types
   */
  public static Set<String> reducing() {
    return new TreeSet<>(REDUCTIONS.keySet());
  }

  static Optional<Formula> formula(String type) {
    return Optional.ofNullable(BROADCASTS.get(type))
        .or(() -> Optional.ofNullable(REDUCTIONS.get(type)));
  }

  /**
   * Says along which dimensions two tensors are broadcast with each other.
   *
   * @param left what is known about the first one's shape
   * @param right what is known about the second one's shape
   * @return the value of {@link #KNOWN}; empty where it depends on sizes that are not known
   */
  public static Optional<String> broadcast(Shape left, Shape right) {
    if (left.isUnknown() || right.isUnknown()) {
      return Optional.empty();
    }
    int rank = Math.max(left.numDimensions(), right.numDimensions());
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      int inLeft = axis - (rank - left.numDimensions());
      int inRight = axis - (rank - right.numDimensions());
      if (inLeft < 0) {
        first.add(axis);
      } else if (inRight < 0) {
        second.add(axis);
      } else if (left.get(inLeft) != right.get(inRight) || left.get(inLeft) == Shape.UNKNOWN_SIZE) {
        if (left.get(inLeft) == 1) {
          first.add(axis);
        } else if (right.get(inRight) == 1) {
          second.add(axis);
        } else {
          return Optional.empty();
        }
      }
    }
    // Dimensions that one tensor lacks come first, and a sum has to leave them out.
    return mixed(first, rank - left.numDimensions()) || mixed(second, rank - right.numDimensions())
        ? Optional.empty()
        : Optional.of(
            side(first, left.numDimensions() == rank)
                + ";"
                + side(second, right.numDimensions() == rank));
  }

  /**
   * Says that two tensors have the same shape, whatever it is.
   *
   * @return the value of {@link #KNOWN}
   */
  public static String sameShape() {
    return side(List.of(), true) + ";" + side(List.of(), true);
  }

  /**
   * Says what a reduction leaves of a shape.
   *
   * @param input what is known about the shape of what is reduced
   * @param axes the reduced dimensions, those below 0 counted from the end
   * @param kept whether they remain, with size 1
   * @return the value of {@link #KNOWN}; empty where it depends on sizes that are not known
   */
  public static Optional<String> reduction(Shape input, long[] axes, boolean kept) {
    if (input.isUnknown()) {
      return Optional.empty();
    }
    long[] sizes = input.asArray();
    long count = 1;
    for (long axis : axes) {
      int place = Math.toIntExact(axis < 0 ? axis + sizes.length : axis);
      if (place < 0 || place >= sizes.length || input.get(place) == Shape.UNKNOWN_SIZE) {
        return Optional.empty();
      }
      count *= sizes[place];
      sizes[place] = 1;
    }
    boolean open = Arrays.stream(sizes).filter(size -> size == Shape.UNKNOWN_SIZE).count() > 1;
    boolean fits = Arrays.stream(sizes).allMatch(size -> size <= Integer.MAX_VALUE);
    return (open && !kept) || !fits || count == 0
        ? Optional.empty()
        : Optional.of(
            count
                + ";"
                + Arrays.stream(sizes).mapToObj(Long::toString).collect(Collectors.joining(",")));
  }

  private static boolean mixed(List<Integer> axes, int lacking) {
    return lacking > 0 && axes.stream().anyMatch(axis -> axis >= lacking);
  }

  private static String side(List<Integer> axes, boolean kept) {
    return (kept ? "kept:" : "lost:")
        + axes.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private static String side(GradientBuilder g, int input) {
    return g.textAttribute(NAME).split(";", -1)[input];
  }

  private static List<Output<?>> sums(GradientBuilder g, Output<?> first, Output<?> second) {
    return List.of(summed(g, first, side(g, 0)), summed(g, second, side(g, 1)));
  }

  private static Output<?> summed(GradientBuilder g, Output<?> gradient, String side) {
    String[] parts = side.split(":", -1);
    return parts[1].isEmpty()
        ? gradient
        : g.operation("Sum")
            .attr("keep_dims", parts[0].equals("kept"))
            .of(gradient, g.integers(integers(parts[1])));
  }

  private static int[] integers(String list) {
    return list.isEmpty()
        ? new int[0]
        : Arrays.stream(list.split(",", -1)).mapToInt(Integer::parseInt).toArray();
  }

  /** Every element that went into a sum gets its gradient, and a share of that of a mean. */
  private static List<Output<?>> spread(GradientBuilder g, boolean mean) {
    String[] known = g.textAttribute(NAME).split(";", -1);
    Output<?> each = g.dy(0);
    if (mean) {
      each = g.add("RealDiv", each, g.constant(Double.parseDouble(known[0])));
    }
    if (!g.booleanAttribute("keep_dims")) {
      each = g.reshape(each, g.integers(integers(known[1])));
    }
    return List.of(g.add("BroadcastTo", each, g.shape(g.x(0))), g.zeros(1));
  }
}
