/** JMH benchmarks, and the Java side of comparisons with Python. */
package io.github.fadam.benchmarks;
