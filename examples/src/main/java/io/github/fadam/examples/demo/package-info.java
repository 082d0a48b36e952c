/**
 * {@code ./fadam demo}: an existing Keras 3 model learns images that it was not trained on, with
 * FAdam and with Adam beside it.
 */
package io.github.fadam.examples.demo;
