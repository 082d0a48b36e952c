/** JMH benchmarks. */
package io.github.fadam.benchmarks;
