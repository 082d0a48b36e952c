package io.github.fadam.benchmarks;

/**
 * What one contestant took for one set of variables, over the rounds of a run.
 *
 * @param set the set's name
 * @param variables what it is like
 * @param elements its parameters
 * @param type their type
 * @param contestant what updated them
 * @param median milliseconds
 * @param least milliseconds
 * @param bytes of a parameter that the update has to move
 * @param ofMemory median of the ratio to the time in which memory moves so many bytes
 * @param ofTenStreams median of the ratio to the time of ten streams of the elements
 * @param ofAdam median of the ratio to ResourceApplyAdam's, 0 where that did not run
 * @param bandwidth of memory, median in 1e9 bytes a second
 * @param rounds number of rounds
 */
record UpdateTime(
    VariableSet set,
    String variables,
    long elements,
    String type,
    Contestant contestant,
    double median,
    double least,
    int bytes,
    double ofMemory,
    double ofTenStreams,
    double ofAdam,
    double bandwidth,
    int rounds) {}
