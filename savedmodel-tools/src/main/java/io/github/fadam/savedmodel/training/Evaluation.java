package io.github.fadam.savedmodel.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A model measured on data.
 *
 * @param rows number of rows of the data
 * @param loss mean loss over the rows
 * @param metrics further means over the rows: {@code accuracy} for classification, {@code
 *     OUTPUT:accuracy} where several outputs have a loss, {@code OUTPUT:loss} likewise
 */
public record Evaluation(long rows, double loss, Map<String, Double> metrics) {

  /**
   * Copies the map.
   *
   * @param rows see the record
   * @param loss see the record
   * @param metrics see the record
   */
  public Evaluation {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }
}
