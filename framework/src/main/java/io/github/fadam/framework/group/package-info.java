/**
 * Which variables an option is meant for.
 *
 * <p>{@link io.github.fadam.framework.group.NamePattern} selects variables by their names.
 */
package io.github.fadam.framework.group;
