package io.github.fadam.savedmodel.training;

import io.github.fadam.ops.gradient.UnsupportedGradientException.Reason;
import io.github.fadam.savedmodel.model.ModelVariable;
import io.github.fadam.savedmodel.model.SavedModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.tensorflow.ndarray.Shape;

/**
 * What of a signature would be trained where nothing else is said, what cannot be, and why: all
 * reasons at once, before there are data and a loss. The sum of the floating point outputs stands
 * for the loss.
 *
 * <pre>{@code
 * Trainability.of(SavedModel.read(directory)).get("serving_default").obstacles();
 * }</pre>
 *
 * @param signature key of the signature
 * @param meant the variables that it reads and that the model's author meant to be trained
 * @param trains those of {@code meant} that have a gradient
 * @param unreached those of {@code meant} on which no floating point output depends in a way that
 *     can be differentiated; they stay as they are, with a warning
 * @param obstacles every operation without a right gradient on the way from {@code meant} to the
 *     outputs; training is refused unless the variables of each stay frozen
 * @param freeOutputs where there are obstacles, the outputs that have none in their way, of which
 *     alone a loss can be taken; else all outputs of a floating point dtype
 * @param refusal why nothing trains apart from obstacles: nothing is meant to, no output can be
 *     differentiated, the signature cannot be inlined or depends on placeholders without a value;
 *     the lists of what was not looked at are empty then
 */
public record Trainability(
    String signature,
    List<ModelVariable> meant,
    List<ModelVariable> trains,
    List<ModelVariable> unreached,
    List<Obstacle> obstacles,
    List<String> freeOutputs,
    Optional<String> refusal) {

  /**
   * One operation that stands in the way.
   *
   * @param reason which one, what would happen and what to change in the graph; names are those of
   *     the plan: calls, from the outermost to the innermost, then the node's name
   * @param kept for a conditional or loop, why it could not be replaced
   * @param variables the variables that cannot be trained because of it
   */
  public record Obstacle(Reason reason, Optional<String> kept, List<ModelVariable> variables) {

    /**
     * Copies the list.
     *
     * @param reason see the record
     * @param kept see the record
     * @param variables see the record
     */
    public Obstacle {
      variables = List.copyOf(variables);
    }
  }

  /**
   * Copies the lists.
   *
   * @param signature see the record
   * @param meant see the record
   * @param trains see the record
   * @param unreached see the record
   * @param obstacles see the record
   * @param freeOutputs see the record
   * @param refusal see the record
   */
  public Trainability {
    meant = List.copyOf(meant);
    trains = List.copyOf(trains);
    unreached = List.copyOf(unreached);
    obstacles = List.copyOf(obstacles);
    freeOutputs = List.copyOf(freeOutputs);
  }

  /**
   * Looks at all signatures. Builds graphs and runs none: no session is opened, no variable read.
   *
   * @param model the model
   * @return an answer for each signature, in the order of {@link SavedModel#signatures()}
   */
  public static Map<String, Trainability> of(SavedModel model) {
    return asked(model).answers();
  }

  /**
   * Starts to look at all signatures of which more is known than the model says.
   *
   * @param model the model
   * @return what to say it to
   */
  public static Question asked(SavedModel model) {
    return new Question(model);
  }

  /**
   * What is known before a model is looked at: the same as a {@link FineTuner.Builder} is told, and
   * with the same consequences.
   */
  public static final class Question {
    private final SavedModel model;
    private final Map<String, Shape> shapes = new LinkedHashMap<>();
    private final Map<String, PlaceholderValues.Fed> fed = new LinkedHashMap<>();

    private Question(SavedModel model) {
      this.model = model;
    }

    /**
     * Says the shape of an input, see {@link ObjectiveBuilder#inputShape}.
     *
     * @param input key of the input, of all signatures that have it
     * @param shape its shape, the batch dimension first, {@link Shape#UNKNOWN_SIZE} for what stays
     *     open
     * @return this question
     */
    public Question inputShape(String input, Shape shape) {
      shapes.put(input, shape);
      return this;
    }

    /**
     * Gives a placeholder that is no input of a signature its values, see {@link
     * ObjectiveBuilder#feed(String, Object)}.
     *
     * @param placeholder the placeholder's name
     * @param training its value in training steps
     * @return this question
     */
    public Question feed(String placeholder, Object training) {
      fed.put(placeholder, new PlaceholderValues.Fed(training, Optional.empty()));
      return this;
    }

    /**
     * Gives a placeholder that is no input of a signature its values.
     *
     * @param placeholder the placeholder's name
     * @param training its value in training steps
     * @param inference its value wherever else the model runs
     * @return this question
     */
    public Question feed(String placeholder, Object training, Object inference) {
      fed.put(placeholder, new PlaceholderValues.Fed(training, Optional.of(inference)));
      return this;
    }

    /**
     * Looks at all signatures, as {@link Trainability#of} does.
     *
     * @return an answer for each signature; where a shape or value does not fit one, that is its
     *     refusal
     * @throws IllegalArgumentException if no signature has an input or placeholder of a name, with
     *     all such names
     */
    public Map<String, Trainability> answers() {
      return TrainabilityCheck.of(model, shapes, fed);
    }
  }

  /**
   * The variables of a signature that train where nothing else is said.
   *
   * @param model the model
   * @param signatureKey key of the signature
   * @return those that the author meant to be trained and that hold floating point numbers, in the
   *     order of {@link SavedModel#variables()}; possibly none
   * @throws io.github.fadam.savedmodel.model.SavedModelException if there is no such signature
   */
  public static List<ModelVariable> meant(SavedModel model, String signatureKey) {
    return Trainables.meant(model, signatureKey);
  }

  /**
   * Whether a training of all that is meant to be trained would begin.
   *
   * @return true if something trains and nothing stands in the way
   */
  public boolean isReady() {
    return refusal.isEmpty() && obstacles.isEmpty() && !trains.isEmpty();
  }
}
