/* What the loops are given for one variable: sizes, constants of the step, room for block sums. */
#ifndef FADAM_PLAN_H
#define FADAM_PLAN_H

#include "update.h"

enum {
  /* Elements that are summed in the compute type before they join a sum in a wider one. Small enough
     for a handful of converted copies to stay in the first-level cache. */
  CHUNK = 1024,
  /* Elements a thread takes at a time, a multiple of CHUNK: fixed, so that sums are too. */
  TASK = 16 * CHUNK,
  /* Rows of a matrix whose squares are summed in the compute type for the column factor. */
  COLUMN_BLOCK = 32,
  /* Squares that graph operations sum in the compute type, for both factors: where such a sum
     overflows, the mean is the largest that there is. A multiple of CHUNK and of a tile's rows. */
  GRAPH_BLOCK = 4096
};

/* Sums over one task. Wider than double where the machine has it: squares of doubles overflow. */
typedef struct {
  long double gradient; /* natural gradient squared; in the first pass the gradient squared */
  long double decay;    /* decay direction squared */
} task_sums;

typedef struct {
  const update_options *options;
  const update_member *member;
  double decay;      /* beta2Hat */
  double complement; /* 1 - beta2Hat */
  double epsilon;    /* what is added to f^p */
  bool decays;
  bool wide; /* sum squares in the wider type at once: the clip is near the smallest number */
  /* x * first * second is x / max(1, RMS(x) / c); two factors, for one may leave float's range. */
  double gradient_factor[2];
  double decay_factor[2];
  int64_t tasks;
  task_sums *sums; /* one a task */
  /* factored: */
  int64_t block_rows; /* rows of a tile */
  int64_t row_blocks; /* tiles of a matrix down */
  int64_t column_blocks; /* tiles of a matrix across */
  int64_t tiles;
  int64_t tiles_a_task;
  double *row_sums; /* [batch, rows, column_blocks] */
  double *column_sums; /* [batch, row_blocks, columns] */
  void *row_power; /* [batch, rows], compute type */
  void *column_power; /* [batch, columns], compute type */
} update_plan;

/* The loops of one compute type for one instruction set. Ranges are of elements or of tiles. */
typedef struct {
  void (*gradient_sums)(const update_plan *plan, int64_t from, int64_t to, task_sums *sums);
  void (*factor_sums)(const update_plan *plan, int64_t from, int64_t to);
  void (*factor_finish)(const update_plan *plan);
  void (*direction_sums)(const update_plan *plan, int64_t from, int64_t to, task_sums *sums);
  void (*apply)(const update_plan *plan, int64_t from, int64_t to);
} update_loops;

#endif
