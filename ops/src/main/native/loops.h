/* The loops for one compute type: included with REAL, WIDE (a type whose range holds the squares of
   REAL), REAL_TYPE, REAL_MAX, REAL_MIN_NORMAL, SQRT, POWER(x, p) and NAME(x). Plain loops over
   fixed numbers of lanes: every instruction set adds in the same order and gives the same bits. */

#define LANES 32

/* How the reciprocal of the denominator d = f^p + epsilon comes about. */
#define OF_FISHER 0 /* from f and g, p = 1/2: the common case in one loop */
#define OF_FACTORS 1 /* from one row's factor and the columns' factors */
#define GIVEN 2

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  const REAL *theta;
  const REAL *gradient;
  REAL *fisher;             /* OF_FISHER */
  const REAL *column_power; /* OF_FACTORS */
  REAL row_power;
  const REAL *reciprocal; /* GIVEN */
} NAME(view);

typedef struct {
  REAL decay, complement, epsilon, limit;
  REAL beta1, complement1, rate, weight_decay;
  REAL gradient_factor[2], decay_factor[2];
} NAME(scalars);

/* Converted copies of one chunk. */
typedef struct {
  REAL theta[CHUNK], gradient[CHUNK], momentum[CHUNK], fisher[CHUNK], reciprocal[CHUNK];
} NAME(scratch);

static NAME(scalars) NAME(scalars_of)(const update_plan *plan) {
  const update_options *o = plan->options;
  NAME(scalars) s = {
      .decay = (REAL)plan->decay,
      .complement = (REAL)plan->complement,
      .epsilon = (REAL)plan->epsilon,
      .limit = o->saturates ? REAL_MAX : (REAL)INFINITY,
      .beta1 = (REAL)o->beta1,
      .complement1 = (REAL)(1 - o->beta1),
      .rate = (REAL)o->learning_rate,
      .weight_decay = (REAL)o->weight_decay,
      .gradient_factor = {(REAL)plan->gradient_factor[0], (REAL)plan->gradient_factor[1]},
      .decay_factor = {(REAL)plan->decay_factor[0], (REAL)plan->decay_factor[1]},
  };
  return s;
}

/* What is no number stays none here and in all that follows, as in graph operations. */
INLINE REAL NAME(square)(REAL g) {
  REAL s = g * g;
  return s > REAL_MAX / 4 ? REAL_MAX / 4 : s;
}

INLINE REAL NAME(bounded)(REAL x, REAL limit) {
  REAL below = x > limit ? limit : x;
  return below < -limit ? -limit : below;
}

INLINE int64_t NAME(least)(int64_t a, int64_t b) { return a < b ? a : b; }

/* The elements as the compute type: where they are, or converted. */
static const REAL *NAME(load)(element_type type, const void *base, int64_t at, int64_t n,
                              REAL *scratch) {
  if (type == REAL_TYPE) {
    return (const REAL *)base + at;
  }
  switch (type) {
    case ELEMENT_HALF:
      for (int64_t i = 0; i < n; i++) scratch[i] = half_to_float(((const uint16_t *)base)[at + i]);
      break;
    case ELEMENT_BFLOAT16:
      for (int64_t i = 0; i < n; i++)
        scratch[i] = bfloat16_to_float(((const uint16_t *)base)[at + i]);
      break;
    case ELEMENT_FLOAT:
      for (int64_t i = 0; i < n; i++) scratch[i] = (REAL)((const float *)base)[at + i];
      break;
    case ELEMENT_DOUBLE:
      for (int64_t i = 0; i < n; i++) scratch[i] = (REAL)((const double *)base)[at + i];
      break;
  }
  return scratch;
}

static void NAME(store)(element_type type, void *base, int64_t at, int64_t n, const REAL *values) {
  if (type == ELEMENT_HALF) {
    for (int64_t i = 0; i < n; i++) ((uint16_t *)base)[at + i] = float_to_half((float)values[i]);
  } else if (type == ELEMENT_BFLOAT16) {
    for (int64_t i = 0; i < n; i++)
      ((uint16_t *)base)[at + i] = float_to_bfloat16((float)values[i]);
  } else if (type == REAL_TYPE) {
    REAL *to = (REAL *)base + at;
    if (to != values) memcpy(to, values, (size_t)n * sizeof(REAL));
  }
}

/* The master copy, or the variable itself where somebody else has assigned it since. */
static const REAL *NAME(load_theta)(const update_plan *plan, int64_t at, int64_t n, REAL *scratch) {
  const update_member *member = plan->member;
  element_type type = plan->options->variable_type;
  const REAL *stored = NAME(load)(type, member->variable, at, n, scratch);
  if (member->master == NULL) {
    return stored;
  }
  const REAL *master = (const REAL *)member->master + at;
  if (type == ELEMENT_HALF) {
    for (int64_t i = 0; i < n; i++)
      scratch[i] = half_to_float(float_to_half((float)master[i])) == scratch[i] ? master[i]
                                                                               : scratch[i];
  } else {
    for (int64_t i = 0; i < n; i++)
      scratch[i] = bfloat16_to_float(float_to_bfloat16((float)master[i])) == scratch[i]
                       ? master[i]
                       : scratch[i];
  }
  return scratch;
}

/* 1 / (f^p + epsilon) with f after this step, which is left in `next`. */
static void NAME(reciprocals)(const NAME(scalars) *c, double exponent, int64_t n,
                              const REAL *gradient, const REAL *squared, const REAL *fisher,
                              REAL *next, REAL *reciprocal) {
  if (squared == NULL) {
    for (int64_t i = 0; i < n; i++)
      next[i] = c->decay * fisher[i] + c->complement * NAME(square)(gradient[i]);
  } else {
    for (int64_t i = 0; i < n; i++)
      next[i] = c->decay * fisher[i] + c->complement * squared[i];
  }
  if (exponent == 0.5) {
    for (int64_t i = 0; i < n; i++) reciprocal[i] = 1 / (SQRT(next[i]) + c->epsilon);
  } else if (exponent == 1) {
    for (int64_t i = 0; i < n; i++) reciprocal[i] = 1 / (next[i] + c->epsilon);
  } else {
    for (int64_t i = 0; i < n; i++) reciprocal[i] = 1 / (POWER(next[i], exponent) + c->epsilon);
  }
}

INLINE REAL NAME(reciprocal)(int mode, const NAME(scalars) *c, const NAME(view) *v, int64_t i) {
  if (mode == OF_FISHER) {
    REAL f = c->decay * v->fisher[i] + c->complement * NAME(square)(v->gradient[i]);
    return 1 / (SQRT(f) + c->epsilon);
  }
  if (mode == OF_FACTORS) {
    return 1 / (v->row_power * v->column_power[i] + c->epsilon);
  }
  return v->reciprocal[i];
}

INLINE REAL NAME(natural)(int mode, const NAME(scalars) *c, REAL gradient, REAL reciprocal) {
  REAL x = gradient * reciprocal;
  return mode == OF_FISHER ? x : NAME(bounded)(x, c->limit);
}

/* Asks for one block of the next chunk while this one is at work: the processor's own look-ahead ends
   with the page, which a chunk of floats is. Harmless beyond an array. */
INLINE void NAME(fetch)(const REAL *base, int64_t at) {
  const uintptr_t from = (uintptr_t)base + (uintptr_t)at * sizeof(REAL);
  for (uintptr_t line = 0; line < LANES * sizeof(REAL); line += 64) {
    __builtin_prefetch((const void *)(from + line));
  }
}

/* Halves a number of sums until one is left. */
INLINE WIDE NAME(total)(WIDE sums[LANES]) {
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

#define SUM REAL
#define SUMS NAME(sums_fast)
#include "sums.h"
#define SUM WIDE
#define SUMS NAME(sums_wide)
#include "sums.h"

static __attribute__((noinline)) task_sums NAME(sums_in_wide)(int mode, bool decays,
                                                              const NAME(scalars) * c,
                                                              const NAME(view) * v, int64_t n) {
  switch (mode) {
    case OF_FISHER: return NAME(sums_wide)(OF_FISHER, decays, c, v, n);
    case OF_FACTORS: return NAME(sums_wide)(OF_FACTORS, decays, c, v, n);
    default: return NAME(sums_wide)(GIVEN, decays, c, v, n);
  }
}

/* In the compute type, and again in the wider one where that overflowed. */
INLINE void NAME(add_sums)(int mode, const update_plan *plan, const NAME(scalars) * c,
                           const NAME(view) * v, int64_t n, task_sums *total) {
  task_sums sums = {0};
  bool wide = plan->wide;
  if (!wide) {
    sums = plan->decays ? NAME(sums_fast)(mode, true, c, v, n)
                        : NAME(sums_fast)(mode, false, c, v, n);
    wide = !(sums.gradient <= REAL_MAX && sums.decay <= REAL_MAX);
  }
  if (wide) {
    sums = NAME(sums_in_wide)(mode, plan->decays, c, v, n);
  }
  total->gradient += sums.gradient;
  total->decay += sums.decay;
}

/* The elements from `from` to `to`, at most LANES of them, and where it is a whole block so many that
   the compiler knows. */
INLINE void NAME(apply_block)(int mode, bool moment, bool decays, const NAME(scalars) s,
                              const NAME(view) of, int64_t from, int64_t to, REAL *momentum,
                              REAL *theta) {
  ELEMENTS_ARE_APART
  for (int64_t i = from; i < to; i++) {
    REAL g = of.gradient[i];
    REAL r;
    if (mode == OF_FISHER) {
      REAL f = s.decay * of.fisher[i] + s.complement * NAME(square)(g);
      of.fisher[i] = f;
      r = 1 / (SQRT(f) + s.epsilon);
    } else {
      r = NAME(reciprocal)(mode, &s, &of, i);
    }
    REAL m = NAME(natural)(mode, &s, g, r) * s.gradient_factor[0] * s.gradient_factor[1];
    if (moment) {
      m = s.beta1 * momentum[i] + s.complement1 * m;
      momentum[i] = m;
    }
    if (decays) {
      REAL w = NAME(bounded)(of.theta[i] * r, REAL_MAX) * s.decay_factor[0] * s.decay_factor[1];
      m += s.weight_decay * w;
    }
    theta[i] = of.theta[i] - s.rate * m;
  }
}

INLINE void NAME(apply_loop)(int mode, bool moment, bool decays, const NAME(scalars) * c,
                             const NAME(view) * v, int64_t n, REAL *momentum, REAL *theta) {
  const NAME(scalars) s = *c;
  const NAME(view) from = *v;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    NAME(fetch)(from.gradient, i - CHUNK);
    NAME(fetch)(from.theta, i - CHUNK);
    if (mode == OF_FISHER) NAME(fetch)(from.fisher, i - CHUNK);
    if (moment) NAME(fetch)(momentum, i - CHUNK);
    NAME(apply_block)(mode, moment, decays, s, from, i, i + LANES, momentum, theta);
  }
  NAME(apply_block)(mode, moment, decays, s, from, i, n, momentum, theta);
}

INLINE void NAME(apply_mode)(int mode, bool decays, const NAME(scalars) * c, const NAME(view) * v,
                             int64_t n, REAL *momentum, REAL *theta) {
  if (momentum != NULL && decays) {
    NAME(apply_loop)(mode, true, true, c, v, n, momentum, theta);
  } else if (momentum != NULL) {
    NAME(apply_loop)(mode, true, false, c, v, n, momentum, theta);
  } else if (decays) {
    NAME(apply_loop)(mode, false, true, c, v, n, momentum, theta);
  } else {
    NAME(apply_loop)(mode, false, false, c, v, n, momentum, theta);
  }
}

/* Squares of the gradient alone, for the epsilon that follows it. */
static void NAME(gradient_sums)(const update_plan *plan, int64_t from, int64_t to,
                                task_sums *sums) {
  NAME(scratch) copies;
  NAME(scalars) c = NAME(scalars_of)(plan);
  c.limit = (REAL)INFINITY;
  for (int64_t i = 0; i < CHUNK; i++) copies.reciprocal[i] = 1;
  for (int64_t at = from; at < to; at += CHUNK) {
    int64_t n = NAME(least)(CHUNK, to - at);
    NAME(view) v = {
        .gradient = NAME(load)(plan->options->gradient_type, plan->member->gradient, at, n,
                               copies.gradient),
        .reciprocal = copies.reciprocal,
    };
    task_sums chunk = NAME(sums_fast)(GIVEN, false, &c, &v, n);
    /* Squares below the smallest number are lost: epsilon multiplies what is left of them. */
    if (!(chunk.gradient <= REAL_MAX && chunk.gradient >= REAL_MIN_NORMAL * 0x1p40)) {
      chunk = NAME(sums_in_wide)(GIVEN, false, &c, &v, n);
    }
    sums->gradient += chunk.gradient;
  }
}

/* Adds one row's squares to the columns' sums and returns their sum. `next` is the next row's. */
INLINE double NAME(row)(bool squared, const REAL *values, const REAL *next, int64_t columns,
                        REAL *column_sums) {
  if (columns < LANES) {
    double sum = 0;
    for (int64_t j = 0; j < columns; j++) {
      REAL s = squared ? values[j] : NAME(square)(values[j]);
      column_sums[j] += s;
      sum += s;
    }
    return sum;
  }
  REAL lanes[LANES] = {0};
  int64_t j = 0;
  for (; j + LANES <= columns; j += LANES) {
    NAME(fetch)(next, j);
    for (int lane = 0; lane < LANES; lane++) {
      REAL s = squared ? values[j + lane] : NAME(square)(values[j + lane]);
      column_sums[j + lane] += s;
      lanes[lane] += s;
    }
  }
  for (int lane = 0; j < columns; j++, lane++) {
    REAL s = squared ? values[j] : NAME(square)(values[j]);
    column_sums[j] += s;
    lanes[lane] += s;
  }
  WIDE wide[LANES];
  for (int lane = 0; lane < LANES; lane++) wide[lane] = lanes[lane];
  return (double)NAME(total)(wide);
}

/* Sums of squares of one tile, by rows and by columns. */
static void NAME(tile)(const update_plan *plan, int64_t tile) {
  const update_member *member = plan->member;
  const int64_t tiles_a_matrix = plan->row_blocks * plan->column_blocks;
  const int64_t matrix = tile / tiles_a_matrix;
  const int64_t row_block = tile % tiles_a_matrix / plan->column_blocks;
  const int64_t column_block = tile % plan->column_blocks;
  const int64_t first_row = row_block * plan->block_rows;
  const int64_t rows = NAME(least)(plan->block_rows, member->rows - first_row);
  const int64_t first_column = column_block * CHUNK;
  const int64_t columns = NAME(least)(CHUNK, member->columns - first_column);
  double *column_sums = plan->column_sums +
                        (matrix * plan->row_blocks + row_block) * member->columns + first_column;
  const element_type type = plan->options->gradient_type;
  const int64_t together = columns == member->columns ? CHUNK / columns : 1;
  REAL copy[CHUNK];
  REAL block[CHUNK];
  for (int64_t j = 0; j < columns; j++) column_sums[j] = 0;
  for (int64_t top = 0; top < rows; top += COLUMN_BLOCK) {
    int64_t bottom = NAME(least)(top + COLUMN_BLOCK, rows);
    for (int64_t j = 0; j < columns; j++) block[j] = 0;
    for (int64_t i = top, taken; i < bottom; i += taken) {
      taken = NAME(least)(together, bottom - i);
      int64_t row = matrix * member->rows + first_row + i;
      int64_t at = row * member->columns + first_column;
      const bool squared = member->squared != NULL;
      const REAL *values =
          squared ? (const REAL *)member->squared + at
                  : NAME(load)(type, member->gradient, at, taken * columns, copy);
      double *sums = plan->row_sums + row * plan->column_blocks + column_block;
      for (int64_t k = 0; k < taken; k++) {
        sums[k * plan->column_blocks] =
            NAME(row)(squared, values + k * columns, values + k * columns + member->columns, columns,
                      block);
      }
    }
    for (int64_t j = 0; j < columns; j++) column_sums[j] += block[j];
  }
}

static void NAME(factor_sums)(const update_plan *plan, int64_t from, int64_t to) {
  for (int64_t tile = from; tile < to; tile++) NAME(tile)(plan, tile);
}

/* Moves one factor towards the mean of a step. */
INLINE REAL NAME(moved)(const NAME(scalars) * c, REAL factor, double sum, int64_t n) {
  double mean = sum / (double)n;
  return c->decay * factor + c->complement * (REAL)(mean > REAL_MAX / 4 ? REAL_MAX / 4 : mean);
}

/* A sum of sums, infinite where a block of graph operations would be. */
static double NAME(block_sum)(const double *sums, int64_t count, int64_t a_block) {
  double total = 0;
  for (int64_t i = 0; i < count;) {
    double block = 0;
    for (int64_t end = NAME(least)(i + a_block, count); i < end; i++) block += sums[i];
    total += block > REAL_MAX ? (double)INFINITY : block;
  }
  return total;
}

/* (x / divisor)^p of each. */
static void NAME(powers)(const REAL *x, int64_t n, double divisor, double exponent, REAL *power) {
  if (exponent == 0.5) {
    for (int64_t i = 0; i < n; i++) power[i] = (REAL)__builtin_sqrt(x[i] / divisor);
  } else if (exponent == 1) {
    for (int64_t i = 0; i < n; i++) power[i] = (REAL)(x[i] / divisor);
  } else {
    for (int64_t i = 0; i < n; i++) power[i] = (REAL)pow(x[i] / divisor, exponent);
  }
}

static void NAME(factor_finish)(const update_plan *plan) {
  const update_member *member = plan->member;
  const double exponent = plan->options->exponent;
  const NAME(scalars) c = NAME(scalars_of)(plan);
  for (int64_t matrix = 0; matrix < member->batch; matrix++) {
    REAL *row = (REAL *)member->fisher + matrix * member->rows;
    REAL *column = (REAL *)member->columns_fisher + matrix * member->columns;
    double *sums = plan->column_sums + matrix * plan->row_blocks * member->columns;
    double total = 0;
    double *row_sums = plan->row_sums + matrix * member->rows * plan->column_blocks;
    if (plan->column_blocks > 1) {
      for (int64_t i = 0; i < member->rows; i++) {
        row_sums[i] = NAME(block_sum)(row_sums + i * plan->column_blocks, plan->column_blocks,
                                      GRAPH_BLOCK / CHUNK);
      }
    }
    const double most = plan->column_blocks > 1 ? (double)INFINITY : REAL_MAX;
    for (int64_t i = 0; i < member->rows; i++) {
      double sum = row_sums[i] > most ? (double)INFINITY : row_sums[i];
      row[i] = NAME(moved)(&c, row[i], sum, member->columns);
    }
    for (int64_t i = 0; i < member->rows; i++) total += row[i];
    NAME(powers)(row, member->rows, 1, exponent, (REAL *)plan->row_power + matrix * member->rows);
    for (int64_t first = 0; first < plan->row_blocks; first += GRAPH_BLOCK / plan->block_rows) {
      int64_t end = NAME(least)(first + GRAPH_BLOCK / plan->block_rows, plan->row_blocks);
      double *block = sums + first * member->columns;
      for (int64_t i = first + 1; i < end; i++) {
        for (int64_t j = 0; j < member->columns; j++) block[j] += sums[i * member->columns + j];
      }
      for (int64_t j = 0; j < member->columns; j++) {
        double sum = block[j] > REAL_MAX ? (double)INFINITY : block[j];
        sums[j] = first == 0 ? sum : sums[j] + sum;
      }
    }
    double mean = total / (double)member->rows;
    mean = mean > DBL_MAX ? DBL_MAX : mean;
    for (int64_t j = 0; j < member->columns; j++) {
      column[j] = NAME(moved)(&c, column[j], sums[j], member->rows);
    }
    NAME(powers)
    (column, member->columns, mean > 0 ? mean : 1, exponent,
     (REAL *)plan->column_power + matrix * member->columns);
  }
}

/* Fills in what a chunk's view needs; the mode says what that is. */
static int NAME(look)(const update_plan *plan, const NAME(scalars) * c, int64_t at, int64_t n,
                      NAME(scratch) * copies, NAME(view) * v) {
  const update_member *member = plan->member;
  const update_options *o = plan->options;
  v->gradient = NAME(load)(o->gradient_type, member->gradient, at, n, copies->gradient);
  if (!o->factored) {
    v->fisher = (REAL *)member->fisher + at;
    if (o->exponent == 0.5 && member->squared == NULL && !o->saturates) {
      return OF_FISHER;
    }
    NAME(reciprocals)
    (c, o->exponent, n, v->gradient,
     member->squared == NULL ? NULL : (const REAL *)member->squared + at, v->fisher, copies->fisher,
     copies->reciprocal);
    v->reciprocal = copies->reciprocal;
    return GIVEN;
  }
  const int64_t rows = member->rows;
  const int64_t columns = member->columns;
  int64_t row = at / columns;
  int64_t column = at % columns;
  const REAL *row_power = (const REAL *)plan->row_power + row;
  const REAL *column_power = (const REAL *)plan->column_power + row / rows * columns;
  if (column + n <= columns) {
    v->row_power = *row_power;
    v->column_power = column_power + column;
    return OF_FACTORS;
  }
  int64_t left = rows - row % rows;
  for (int64_t done = 0, length; done < n; done += length) {
    REAL *reciprocal = copies->reciprocal + done;
    if (columns == 1) {
      length = NAME(least)(left, n - done);
      for (int64_t i = 0; i < length; i++) {
        reciprocal[i] = 1 / (row_power[i] * *column_power + c->epsilon);
      }
      row_power += length;
      left -= length;
    } else {
      length = NAME(least)(columns - column, n - done);
      for (int64_t i = 0; i < length; i++) {
        reciprocal[i] = 1 / (*row_power * column_power[column + i] + c->epsilon);
      }
      column = 0;
      row_power++;
      left--;
    }
    if (left == 0) {
      left = rows;
      column_power += columns;
    }
  }
  v->reciprocal = copies->reciprocal;
  return GIVEN;
}

static void NAME(direction_sums)(const update_plan *plan, int64_t from, int64_t to,
                                 task_sums *sums) {
  NAME(scratch) copies;
  const NAME(scalars) c = NAME(scalars_of)(plan);
  for (int64_t at = from; at < to; at += CHUNK) {
    int64_t n = NAME(least)(CHUNK, to - at);
    NAME(view) v = {0};
    int mode = NAME(look)(plan, &c, at, n, &copies, &v);
    if (plan->decays) {
      v.theta = NAME(load_theta)(plan, at, n, copies.theta);
    }
    switch (mode) {
      case OF_FISHER: NAME(add_sums)(OF_FISHER, plan, &c, &v, n, sums); break;
      case OF_FACTORS: NAME(add_sums)(OF_FACTORS, plan, &c, &v, n, sums); break;
      default: NAME(add_sums)(GIVEN, plan, &c, &v, n, sums);
    }
  }
}

static void NAME(average)(const update_plan *plan, int64_t at, int64_t n, const REAL *theta) {
  const REAL share = (REAL)plan->options->average_share;
  REAL *average = (REAL *)plan->member->average + at;
  ELEMENTS_ARE_APART
  for (int64_t i = 0; i < n; i++) average[i] += share * (theta[i] - average[i]);
}

/* Backwards: what the sums have read last is still in a cache. */
static void NAME(apply)(const update_plan *plan, int64_t from, int64_t to) {
  const update_member *member = plan->member;
  const update_options *o = plan->options;
  NAME(scratch) copies;
  const NAME(scalars) c = NAME(scalars_of)(plan);
  const bool in_place = o->variable_type == REAL_TYPE;
  for (int64_t at = from + (to - from - 1) / CHUNK * CHUNK; at >= from; at -= CHUNK) {
    int64_t n = NAME(least)(CHUNK, to - at);
    NAME(view) v = {0};
    int mode = NAME(look)(plan, &c, at, n, &copies, &v);
    if (mode == GIVEN && !o->factored) {
      memcpy(v.fisher, copies.fisher, (size_t)n * sizeof(REAL));
    }
    v.theta = NAME(load_theta)(plan, at, n, copies.theta);
    if (member->average != NULL && o->step == 1) {
      memcpy((REAL *)member->average + at, v.theta, (size_t)n * sizeof(REAL));
    }
    REAL *theta = in_place ? (REAL *)member->variable + at
                  : member->master != NULL ? (REAL *)member->master + at
                                           : copies.theta;
    REAL *momentum = NULL;
    if (member->momentum != NULL) {
      momentum = (REAL *)NAME(load)(o->momentum_type, member->momentum, at, n, copies.momentum);
    }
    switch (mode) {
      case OF_FISHER:
        NAME(apply_mode)(OF_FISHER, plan->decays, &c, &v, n, momentum, theta);
        break;
      case OF_FACTORS:
        NAME(apply_mode)(OF_FACTORS, plan->decays, &c, &v, n, momentum, theta);
        break;
      default: NAME(apply_mode)(GIVEN, plan->decays, &c, &v, n, momentum, theta);
    }
    if (momentum != NULL && o->momentum_type != REAL_TYPE) {
      NAME(store)(o->momentum_type, member->momentum, at, n, momentum);
    }
    if (!in_place) {
      NAME(store)(o->variable_type, member->variable, at, n, theta);
    }
    if (member->average != NULL) {
      NAME(average)(plan, at, n, theta);
    }
  }
}

static const update_loops NAME(loops) = {
    .gradient_sums = NAME(gradient_sums),
    .factor_sums = NAME(factor_sums),
    .factor_finish = NAME(factor_finish),
    .direction_sums = NAME(direction_sums),
    .apply = NAME(apply),
};

#undef LANES
#undef OF_FISHER
#undef OF_FACTORS
#undef GIVEN
#undef INLINE
