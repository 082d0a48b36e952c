/* Updates of all sorts of variables without TensorFlow, for a build with sanitizers: check_update
   [COMBINATIONS [THREADS]], of options for each type, 24 at most, each with the first so many of the
   numbers of threads 1, 3, 2 and 8. Prints one sum of bits for each combination, which no number of
   threads, no instruction set and no processor may change. Everything is in memory of its exact size,
   so that a step beyond it is seen. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elements.h"
#include "update.h"

enum { VARIABLES = 8, STEPS = 3 };

static const int64_t SHAPES[VARIABLES][3] = {
    {1, 1, 1}, {1, 3, 5}, {1, 129, 137}, {2, 65, 33}, {1, 2, 2100}, {1, 70001, 1}, {1, 257, 1023},
    {0, 4, 4},
};

typedef struct {
  element_type variable, gradient, momentum;
} types;

static const types TYPES[] = {
    {ELEMENT_FLOAT, ELEMENT_FLOAT, ELEMENT_FLOAT},
    {ELEMENT_DOUBLE, ELEMENT_DOUBLE, ELEMENT_DOUBLE},
    {ELEMENT_HALF, ELEMENT_HALF, ELEMENT_FLOAT},
    {ELEMENT_BFLOAT16, ELEMENT_FLOAT, ELEMENT_BFLOAT16},
};

static uint64_t seed;

static double noise(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)(seed >> 11) / 0x1p52 - 1;
}

static size_t size_of(element_type type) {
  return type == ELEMENT_DOUBLE ? 8 : type == ELEMENT_FLOAT ? 4 : 2;
}

static void *filled(element_type type, int64_t count, double scale, double offset) {
  char *memory = malloc((size_t)count * size_of(type) + (count == 0));
  for (int64_t i = 0; i < count; i++) {
    double x = offset + scale * noise();
    float single = (float)x;
    uint16_t half = type == ELEMENT_HALF ? float_to_half(single) : float_to_bfloat16(single);
    const void *from = type == ELEMENT_DOUBLE  ? (const void *)&x
                       : type == ELEMENT_FLOAT ? (const void *)&single
                                               : (const void *)&half;
    memcpy(memory + (size_t)i * size_of(type), from, size_of(type));
  }
  return memory;
}

static uint64_t mixed(uint64_t sum, const void *memory, size_t bytes) {
  const unsigned char *at = memory;
  for (size_t i = 0; i < bytes; i++) {
    sum = (sum ^ at[i]) * 1099511628211u;
  }
  return sum;
}

static uint64_t run(update_options options, int extras, int threads) {
  const bool is_double = options.variable_type == ELEMENT_DOUBLE;
  const element_type compute = is_double ? ELEMENT_DOUBLE : ELEMENT_FLOAT;
  const bool half = size_of(options.variable_type) == 2;
  update_member members[VARIABLES];
  seed = 1;
  for (int i = 0; i < VARIABLES; i++) {
    const int64_t batch = SHAPES[i][0];
    const int64_t rows = SHAPES[i][1];
    const int64_t columns = SHAPES[i][2];
    const int64_t size = batch * rows * columns;
    members[i] = (update_member){
        .size = size,
        .batch = batch,
        .rows = rows,
        .columns = columns,
        .variable = filled(options.variable_type, size, 1, 0),
        .fisher = filled(compute, options.factored ? batch * rows : size, 0, 1),
        .columns_fisher = options.factored ? filled(compute, batch * columns, 0, 1) : NULL,
        .momentum = extras & 1 ? NULL : filled(options.momentum_type, size, 0, 0),
        .master = half && !(extras & 2) ? filled(ELEMENT_FLOAT, size, 1, 0) : NULL,
        .average = extras & 4 ? filled(compute, size, 0, 0) : NULL,
        .gradient = filled(options.gradient_type, size, extras & 8 ? 1e25 : 1, 0),
        .squared = extras & 16 ? filled(compute, size, 0.5, 0.5) : NULL,
    };
  }
  for (options.step = 1; options.step <= STEPS; options.step++) {
    if (!update_all(&options, members, VARIABLES, threads)) {
      abort();
    }
  }
  uint64_t sum = 14695981039346656037u;
  for (int i = 0; i < VARIABLES; i++) {
    update_member *m = &members[i];
    size_t size = (size_t)m->size;
    size_t fisher = options.factored ? (size_t)(m->batch * m->rows) : size;
    sum = mixed(sum, m->variable, size * size_of(options.variable_type));
    sum = mixed(sum, m->fisher, fisher * size_of(compute));
    if (m->momentum != NULL) sum = mixed(sum, m->momentum, size * size_of(options.momentum_type));
    if (m->average != NULL) sum = mixed(sum, m->average, size * size_of(compute));
    free(m->variable);
    free(m->fisher);
    free(m->columns_fisher);
    free(m->momentum);
    free(m->master);
    free(m->average);
    free((void *)m->gradient);
    free((void *)m->squared);
  }
  return sum;
}

int main(int count, char **arguments) {
  const int combinations = count > 1 ? atoi(arguments[1]) : 24;
  const int thread_counts = count > 2 ? atoi(arguments[2]) : 4;
  static const double CLIPS[] = {1, 0.1, INFINITY, 1e-20};
  static const double EXPONENTS[] = {0.5, 1, 0.3};
  static const double EPSILONS[] = {1e-15, 1e-20, 1e-3};
  static const int THREADS[] = {1, 3, 2, 8};
  int different = 0;
  int combination = 0;
  for (size_t type = 0; type < sizeof TYPES / sizeof *TYPES; type++) {
    for (int factored = 0; factored < 2; factored++) {
      for (int i = 0; i < combinations; i++, combination++) {
        const update_options options = {
            .learning_rate = 0.01,
            .beta1 = 0.9,
            .beta2 = i % 5 == 4 ? 0 : 0.999,
            .epsilon = EPSILONS[i % 3],
            .clip = CLIPS[i % 4],
            .weight_decay = i % 2 == 0 ? 0.1 : 0,
            .exponent = EXPONENTS[i / 2 % 3],
            .average_share = 0.1,
            .rule = (epsilon_rule)(i / 3 % 3),
            .factored = factored == 1,
            .saturates = factored == 1 || i % 7 == 6,
            .variable_type = TYPES[type].variable,
            .gradient_type = TYPES[type].gradient,
            .momentum_type = TYPES[type].momentum,
        };
        const uint64_t first = run(options, i, THREADS[0]);
        printf("%d %016" PRIx64 "\n", combination, first);
        for (int threads = 1; threads < thread_counts; threads++) {
          const uint64_t next = run(options, i, THREADS[threads]);
          if (next != first) {
            fprintf(stderr, "combination %d: other bits with %d threads\n", combination,
                    THREADS[threads]);
            different++;
          }
        }
      }
    }
  }
  return different > 0;
}
