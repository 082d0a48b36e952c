/* The update of a list of variables, without TensorFlow: what the ops do with the memory they hold. */
#ifndef FADAM_UPDATE_H
#define FADAM_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { ELEMENT_HALF, ELEMENT_BFLOAT16, ELEMENT_FLOAT, ELEMENT_DOUBLE } element_type;

typedef enum { EPSILON_FIXED, EPSILON_BY_SIZE, EPSILON_BY_GRADIENT } epsilon_rule;

/* What all variables of one update share. Numbers are rounded to the compute type where they are
   used; the compute type is double for double variables and float for all others. */
typedef struct {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double clip;         /* c of the RMS clip; infinity clips nothing */
  double weight_decay; /* lambda */
  double exponent;     /* p */
  double average_share; /* 1 - decay of the average of the weights */
  int64_t step;        /* t, 1 at the first */
  epsilon_rule rule;
  bool factored; /* R and C instead of f */
  bool saturates; /* whether g / d stays finite where it would overflow, as theta / d always does */
  element_type variable_type;
  element_type gradient_type;
  element_type momentum_type;
} update_options;

/* One variable with its state. The compute type is that of f, R, C, master, average, squared. */
typedef struct {
  int64_t size;
  int64_t batch; /* factored: number of matrices */
  int64_t rows;
  int64_t columns;
  void *variable;
  void *fisher; /* f, or R */
  void *columns_fisher; /* C */
  void *momentum; /* NULL: none */
  void *master; /* NULL: none; float of a 16-bit variable */
  void *average; /* NULL: none */
  const void *gradient;
  const void *squared; /* NULL: the gradient's own square */
} update_member;

/* Updates all members with at most so many threads; the result does not depend on their number.
   Returns false, and has changed nothing, where there is no memory for the block sums. */
bool update_all(const update_options *options, const update_member *members, int count,
                int threads);

/* Instruction set that the loops run with: baseline, avx2 or avx512. */
const char *update_instruction_set(void);

#endif
