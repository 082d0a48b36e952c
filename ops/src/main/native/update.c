#include "update.h"

#include <float.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "loops_table.h"
#include "plan.h"
#include "pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Below this many elements, waking another thread costs more than it saves. */
enum { WORTH_A_THREAD = 32 * 1024 };

typedef struct {
  const update_loops *loops_float;
  const update_loops *loops_double;
  const char *name;
} instruction_set;

static instruction_set choose(void) {
  instruction_set chosen = {loops_baseline_float(), loops_baseline_double(), "baseline"};
#if defined(__x86_64__)
  const char *asked = getenv("FADAM_NATIVE_INSTRUCTION_SET");
  const char *most = asked == NULL ? "avx512" : asked;
  __builtin_cpu_init();
  if (strcmp(most, "baseline") != 0 && __builtin_cpu_supports("avx2")) {
    chosen = (instruction_set){loops_avx2_float(), loops_avx2_double(), "avx2"};
    if (strcmp(most, "avx2") != 0 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw")) {
      chosen = (instruction_set){loops_avx512_float(), loops_avx512_double(), "avx512"};
    }
  }
#endif
  return chosen;
}

/* Chosen once, when the library is loaded. */
static instruction_set instructions;

static __attribute__((constructor)) void set_instructions(void) { instructions = choose(); }

const char *update_instruction_set(void) { return instructions.name; }

/* Numbers below the smallest normal one count as 0, as on TensorFlow's own threads. */
typedef uint64_t float_mode;

static float_mode flush_subnormals(void) {
#if defined(__x86_64__)
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);
  return before;
#elif defined(__aarch64__)
  float_mode before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  float_mode flushing = before | (1u << 24);
  __asm__ volatile("msr fpcr, %0" : : "r"(flushing));
  return before;
#else
  return 0;
#endif
}

static void restore(float_mode before) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
  (void)before;
#endif
}

/* What has to be over before the next thing can begin for a variable. */
typedef enum { GRADIENT_SUMS, FACTOR_SUMS, DIRECTION_SUMS, APPLY, WHOLE } pass;

typedef struct {
  pass pass;
  int member;
  int64_t first; /* number of its first task in the whole job */
  int64_t tasks;
  bool follows; /* the stage before this one is of the same variable */
  atomic_llong left;
  atomic_bool over;
} stage;

typedef struct {
  const update_loops *loops;
  update_plan *plans;
  stage *stages;
  int64_t stage_count;
  int64_t tasks;
  atomic_llong next;
} job;

static bool is_double(const update_options *options) {
  return options->variable_type == ELEMENT_DOUBLE;
}

static double rounded(const update_options *options, double x) {
  return is_double(options) ? x : (double)(float)x;
}

static double smallest(const update_options *options) {
  return is_double(options) ? DBL_MIN : FLT_MIN;
}

static double larger(double a, double b) { return a > b ? a : b; }

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* The factors of x / max(1, RMS(x) / c). */
static void clip(const update_options *options, long double sum, int64_t size, double factor[2]) {
  const double c = rounded(options, options->clip);
  const long double rms = sqrtl(sum / (long double)size);
  const double tiny = smallest(options);
  factor[0] = 1;
  factor[1] = 1;
  if (!(rms <= c)) {
    long double whole = c / rms;
    /* A product of two normal numbers where one would be flushed to 0. */
    factor[0] = whole < tiny * 0x1p40L ? tiny : 1;
    factor[1] = (double)(whole / factor[0]);
  }
}

static bool clips(const update_options *options) { return !(isinf(options->clip)); }

static int64_t pass_tasks(const update_plan *plan, pass of) {
  return of == FACTOR_SUMS ? ceiling(plan->tiles, plan->tiles_a_task)
         : of == WHOLE     ? 1
                           : plan->tasks;
}

static void finish(const job *all, update_plan *plan, pass of) {
  const update_options *options = plan->options;
  const int64_t size = plan->member->size;
  task_sums total = {0};
  if (of == GRADIENT_SUMS || of == DIRECTION_SUMS) {
    for (int64_t i = 0; i < plan->tasks; i++) {
      total.gradient += plan->sums[i].gradient;
      total.decay += plan->sums[i].decay;
      plan->sums[i] = (task_sums){0};
    }
  }
  switch (of) {
    case GRADIENT_SUMS: {
      double rms = (double)sqrtl(total.gradient / (long double)size);
      double bounded = rounded(options, rms > 1 ? 1 : rms);
      plan->epsilon = larger(bounded * rounded(options, options->epsilon), smallest(options));
      break;
    }
    case FACTOR_SUMS: all->loops->factor_finish(plan); break;
    case DIRECTION_SUMS:
      clip(options, total.gradient, size, plan->gradient_factor);
      if (plan->decays) {
        clip(options, total.decay, size, plan->decay_factor);
      }
      break;
    default: break;
  }
}

static void run_task(const job *all, update_plan *plan, pass of, int64_t task) {
  const int64_t size = plan->member->size;
  const int64_t from = task * TASK;
  const int64_t to = from + TASK < size ? from + TASK : size;
  switch (of) {
    case GRADIENT_SUMS: all->loops->gradient_sums(plan, from, to, &plan->sums[task]); break;
    case FACTOR_SUMS: {
      int64_t first = task * plan->tiles_a_task;
      int64_t last = first + plan->tiles_a_task;
      all->loops->factor_sums(plan, first, last < plan->tiles ? last : plan->tiles);
      break;
    }
    case DIRECTION_SUMS: all->loops->direction_sums(plan, from, to, &plan->sums[task]); break;
    case APPLY: {
      /* From the end: what the sums have read last is still in a cache. */
      int64_t last = (plan->tasks - 1 - task) * TASK;
      all->loops->apply(plan, last, last + TASK < size ? last + TASK : size);
      break;
    }
    case WHOLE: break;
  }
}

/* The passes of a variable in their order. */
static int passes(const update_plan *plan, pass found[4]) {
  const update_options *options = plan->options;
  int count = 0;
  if (options->rule == EPSILON_BY_GRADIENT) found[count++] = GRADIENT_SUMS;
  if (options->factored) found[count++] = FACTOR_SUMS;
  if (clips(options)) found[count++] = DIRECTION_SUMS;
  found[count++] = APPLY;
  return count;
}

/* All passes of a small variable at once. */
static void run_whole(const job *all, update_plan *plan) {
  pass found[4];
  int count = passes(plan, found);
  for (int i = 0; i < count; i++) {
    for (int64_t task = 0; task < pass_tasks(plan, found[i]); task++) {
      run_task(all, plan, found[i], task);
    }
    finish(all, plan, found[i]);
  }
}

static void wait_for(stage *before) {
  for (int tries = 0; !atomic_load_explicit(&before->over, memory_order_acquire); tries++) {
    if (tries < 4000) {
#if defined(__x86_64__)
      _mm_pause();
#endif
    } else {
      sched_yield();
    }
  }
}

/* Takes tasks in their order until there is none. What a task waits for has been taken before it, by
   a thread that is at work on it: nobody waits for ever. */
static void work(void *argument) {
  job *all = argument;
  float_mode before = flush_subnormals();
  int64_t at = 0;
  for (;;) {
    int64_t task = atomic_fetch_add_explicit(&all->next, 1, memory_order_relaxed);
    if (task >= all->tasks) {
      break;
    }
    while (at + 1 < all->stage_count && all->stages[at + 1].first <= task) {
      at++;
    }
    stage *current = &all->stages[at];
    update_plan *plan = &all->plans[current->member];
    if (current->pass == WHOLE) {
      run_whole(all, plan);
      continue;
    }
    if (current->follows) {
      wait_for(current - 1);
    }
    run_task(all, plan, current->pass, task - current->first);
    if (atomic_fetch_sub_explicit(&current->left, 1, memory_order_acq_rel) == 1) {
      finish(all, plan, current->pass);
      atomic_store_explicit(&current->over, true, memory_order_release);
    }
  }
  restore(before);
}

/* beta (1 - beta^(t-1)) / (1 - beta^t) and its complement, exact for any t. */
static void set_decay(update_plan *plan) {
  const double beta = plan->options->beta2;
  const double t = (double)plan->options->step;
  if (beta == 0) {
    plan->decay = 0;
    plan->complement = 1;
    return;
  }
  const double past = -expm1((t - 1) * log(beta));
  const double present = -expm1(t * log(beta));
  plan->decay = beta * past / present;
  plan->complement = (1 - beta) / present;
}

static void set_plan(update_plan *plan, const update_options *options,
                     const update_member *member) {
  *plan = (update_plan){.options = options, .member = member};
  const double size = (double)member->size;
  set_decay(plan);
  if (options->rule != EPSILON_BY_GRADIENT) {
    double epsilon = options->rule == EPSILON_FIXED ? options->epsilon : options->epsilon / size;
    plan->epsilon = larger(pow(epsilon, 2 * options->exponent), smallest(options));
  }
  plan->decays = options->weight_decay != 0;
  plan->wide = options->clip < 1e-12;
  plan->gradient_factor[0] = plan->gradient_factor[1] = 1;
  plan->decay_factor[0] = plan->decay_factor[1] = 1;
  plan->tasks = ceiling(member->size, TASK);
  if (options->factored) {
    int64_t across = member->columns < CHUNK ? member->columns : CHUNK;
    int64_t down = ceiling(TASK, across);
    plan->block_rows = down < 64 ? 64 : down;
    plan->row_blocks = ceiling(member->rows, plan->block_rows);
    plan->column_blocks = ceiling(member->columns, CHUNK);
    plan->tiles = member->batch * plan->row_blocks * plan->column_blocks;
    int64_t tile = member->size / plan->tiles;
    plan->tiles_a_task = tile < TASK ? ceiling(TASK, tile < 1 ? 1 : tile) : 1;
  }
}

/* Room for everything that the plan sums into, from one allocation. */
static size_t room(update_plan *plan, char *base) {
  const update_member *m = plan->member;
  const size_t real = is_double(plan->options) ? sizeof(double) : sizeof(float);
  size_t used = 0;
#define TAKE(field, bytes)                            \
  if (base != NULL) plan->field = (void *)(base + used); \
  used += ((size_t)(bytes) + 63) / 64 * 64
  TAKE(sums, (size_t)plan->tasks * sizeof(task_sums));
  if (plan->options->factored) {
    TAKE(row_sums, (size_t)(m->batch * m->rows * plan->column_blocks) * sizeof(double));
    TAKE(column_sums, (size_t)(m->batch * plan->row_blocks * m->columns) * sizeof(double));
    TAKE(row_power, (size_t)(m->batch * m->rows) * real);
    TAKE(column_power, (size_t)(m->batch * m->columns) * real);
  }
#undef TAKE
  if (base != NULL) {
    memset(plan->sums, 0, (size_t)plan->tasks * sizeof(task_sums));
  }
  return used;
}

static void add_stages(job *all, int member) {
  update_plan *plan = &all->plans[member];
  pass found[4] = {WHOLE};
  int count = plan->tasks == 1 ? 1 : passes(plan, found);
  for (int i = 0; i < count; i++) {
    stage *added = &all->stages[all->stage_count++];
    added->pass = found[i];
    added->member = member;
    added->first = all->tasks;
    added->tasks = pass_tasks(plan, found[i]);
    added->follows = i > 0;
    atomic_init(&added->left, added->tasks);
    atomic_init(&added->over, false);
    all->tasks += added->tasks;
  }
}

bool update_all(const update_options *options, const update_member *members, int count,
                int threads) {
  job all = {
      .loops = is_double(options) ? instructions.loops_double : instructions.loops_float,
      .plans = calloc((size_t)count, sizeof(update_plan)),
      .stages = calloc((size_t)count * 4, sizeof(stage)),
  };
  char *space = NULL;
  bool enough = all.plans != NULL && all.stages != NULL;
  int64_t elements = 0;
  int used = 0;
  if (enough) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
      if (members[i].size > 0) {
        set_plan(&all.plans[used], options, &members[i]);
        bytes += room(&all.plans[used], NULL);
        elements += members[i].size;
        used++;
      }
    }
    space = malloc(bytes + 1);
    enough = space != NULL;
  }
  if (enough) {
    size_t at = 0;
    for (int i = 0; i < used; i++) {
      at += room(&all.plans[i], space + at);
      add_stages(&all, i);
    }
    atomic_init(&all.next, 0);
    int64_t worth = elements / WORTH_A_THREAD + 1;
    pool_run(work, &all, worth < threads ? (int)worth : threads);
  }
  free(space);
  free(all.stages);
  free(all.plans);
  return enough;
}
