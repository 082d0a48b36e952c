/**
 * Fine-tuning: from a SavedModel and data to better values of its variables.
 *
 * <p>{@link io.github.fadam.savedmodel.training.FineTuner} is the entry. It adds loss, gradients
 * and the optimizer's step to the loaded graph ({@code TrainingGraph}) and runs the loop ({@code
 * TrainingLoop}), which reports to {@link io.github.fadam.savedmodel.training.TrainingListener}s.
 */
package io.github.fadam.savedmodel.training;
