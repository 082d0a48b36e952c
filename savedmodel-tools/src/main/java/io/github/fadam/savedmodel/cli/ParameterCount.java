package io.github.fadam.savedmodel.cli;

/**
 * Number of parameters in a report.
 *
 * @param all of all variables, each counted once
 * @param trainable of those that train
 */
record ParameterCount(long all, long trainable) {}
