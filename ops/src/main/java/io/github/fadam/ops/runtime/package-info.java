/** The running TensorFlow: its native library, and the operations that it knows. */
package io.github.fadam.ops.runtime;
