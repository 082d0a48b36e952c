/**
 * Which variables an option is meant for.
 *
 * <p>{@link io.github.fadam.framework.group.NamePattern} selects variables by their names; a {@link
 * io.github.fadam.framework.group.ParameterGroup} gives variables hyper-parameters of their own.
 */
package io.github.fadam.framework.group;
