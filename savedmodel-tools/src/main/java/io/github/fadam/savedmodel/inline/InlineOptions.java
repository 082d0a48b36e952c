package io.github.fadam.savedmodel.inline;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * What the inliner may assume and do.
 *
 * @param customGradients what to do with custom gradients that are not recognised as harmless
 * @param inputShapes signature input key to the shape that will be fed; unknown sizes are allowed.
 *     Sizes that the signature leaves open and that are given here count as fixed: the plan checks
 *     them when it runs, and loops over them can be unrolled
 */
public record InlineOptions(CustomGradients customGradients, Map<String, Shape> inputShapes) {

  /**
   * Copies the map.
   *
   * @param customGradients see the record
   * @param inputShapes see the record
   */
  public InlineOptions {
    inputShapes = Collections.unmodifiableMap(new LinkedHashMap<>(inputShapes));
  }

  /**
   * Custom gradients are kept, and shapes are the signature's.
   *
   * @return the options
   */
  public static InlineOptions defaults() {
    return new InlineOptions(CustomGradients.KEEP, Map.of());
  }

  /**
   * Sets what to do with custom gradients.
   *
   * @param choice the choice
   * @return options with it
   */
  public InlineOptions customGradients(CustomGradients choice) {
    return new InlineOptions(choice, inputShapes);
  }

  /**
   * Sets the shapes that will be fed.
   *
   * @param shapes signature input key to shape; inputs that are not named keep the signature's
   * @return options with them
   */
  public InlineOptions inputShapes(Map<String, Shape> shapes) {
    return new InlineOptions(customGradients, shapes);
  }
}
