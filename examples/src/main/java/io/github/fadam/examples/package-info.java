/** Runnable examples, each one file. */
package io.github.fadam.examples;
