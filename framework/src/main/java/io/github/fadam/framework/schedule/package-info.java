/**
 * Hyper-parameters as functions of the step, computed in the graph.
 *
 * <p>A {@link io.github.fadam.framework.schedule.Schedule} turns the number of completed steps into
 * a float64 scalar; {@link io.github.fadam.framework.schedule.Schedules} has the ready ones.
 */
package io.github.fadam.framework.schedule;
