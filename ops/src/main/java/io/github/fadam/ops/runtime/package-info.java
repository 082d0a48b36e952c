/**
 * The running TensorFlow: its native library, the operations that it knows, and what is loaded in
 * the background while other work goes on.
 */
package io.github.fadam.ops.runtime;
