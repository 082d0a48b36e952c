/**
 * What XLA needs on CPU, GPU and TPU. A text for now, in this module's README; the check that runs
 * on a model will live here.
 */
package io.github.fadam.tpu;
