package io.github.fadam.savedmodel.model;

/**
 * A file that the model reads when it is loaded, for example a vocabulary.
 *
 * @param fileName name of the file in the model's {@code assets} directory
 * @param tensorName the main graph's string tensor that is fed with the file's path
 */
public record Asset(String fileName, String tensorName) {}
