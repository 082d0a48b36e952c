#include "update.h"

#include <float.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
typedef enum { GRADIENT_SUMS, FACTOR_SUMS, DIRECTION_SUMS, APPLY } pass;

typedef struct {
  pass pass;
  int member;
  int64_t first; /* number of its first task among all stages' */
  int64_t tasks;
  bool follows; /* the stage before this one is of the same variable */
  atomic_llong left;
  atomic_bool over;
} stage;

/* Large variables are updated by all threads together, stage by stage. Small ones are each updated by
   one thread, all passes, so that the second pass finds in a cache what the first has read. */
typedef struct {
  const update_loops *loops;
  update_plan *plans;
  int plan_count;
  stage *stages;
  int64_t stage_count;
  int64_t stage_tasks;
  atomic_llong next_stage_task;
  update_plan **whole; /* the largest first */
  int64_t whole_count;
  atomic_llong next_whole;
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

/* a where it is no number. */
static double larger(double a, double b) { return b > a ? b : a; }

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* The factors of x / max(1, RMS(x) / c). */
static void clip(const update_options *options, long double sum, int64_t size, double factor[2]) {
  const double c = rounded(options, options->clip);
  const long double rms = sqrtl(sum / (long double)size);
  const double tiny = smallest(options);
  factor[0] = 1;
  factor[1] = 1;
  /* With an element that is no number, or infinite, none of the others is left as it was. */
  if (!(sum <= LDBL_MAX)) {
    factor[1] = NAN;
  } else if (!(rms <= c)) {
    long double whole = c / rms;
    /* A product of two normal numbers where one would be flushed to 0. */
    factor[0] = whole < tiny * 0x1p40L ? tiny : 1;
    factor[1] = (double)(whole / factor[0]);
  }
}

static bool clips(const update_options *options) { return !(isinf(options->clip)); }

static int64_t pass_tasks(const update_plan *plan, pass of) {
  return of == FACTOR_SUMS ? ceiling(plan->tiles, plan->tiles_a_task) : plan->tasks;
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
      double rms =
          total.gradient <= LDBL_MAX ? (double)sqrtl(total.gradient / (long double)size) : NAN;
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

/* Takes one small variable, if there is one left. */
static bool take_whole(job *all) {
  int64_t index = atomic_fetch_add_explicit(&all->next_whole, 1, memory_order_relaxed);
  if (index >= all->whole_count) {
    return false;
  }
  update_plan *plan = all->whole[index];
  pass found[4];
  int count = passes(plan, found);
  for (int i = 0; i < count; i++) {
    for (int64_t task = 0; task < pass_tasks(plan, found[i]); task++) {
      run_task(all, plan, found[i], task);
    }
    finish(all, plan, found[i]);
  }
  return true;
}

/* Makes itself useful until a stage is over. */
static void wait_for(job *all, stage *before) {
  bool others = true;
  for (int tries = 0; !atomic_load_explicit(&before->over, memory_order_acquire);) {
    others = others && take_whole(all);
    if (others) {
      continue;
    }
    if (tries++ < 2000) {
#if defined(__x86_64__)
      _mm_pause();
#elif defined(__aarch64__)
      __asm__ volatile("yield");
#endif
    } else {
      sched_yield();
    }
  }
}

/* Takes the stages' tasks in their order, and then small variables, until there is none. What a task
   waits for has been taken before it, by a thread that is at work on it: nobody waits for ever. */
static void work(void *argument) {
  job *all = argument;
  float_mode before = flush_subnormals();
  int64_t at = 0;
  for (;;) {
    int64_t task = atomic_fetch_add_explicit(&all->next_stage_task, 1, memory_order_relaxed);
    if (task >= all->stage_tasks) {
      break;
    }
    while (at + 1 < all->stage_count && all->stages[at + 1].first <= task) {
      at++;
    }
    stage *current = &all->stages[at];
    update_plan *plan = &all->plans[current->member];
    if (current->follows) {
      wait_for(all, current - 1);
    }
    run_task(all, plan, current->pass, task - current->first);
    if (atomic_fetch_sub_explicit(&current->left, 1, memory_order_acq_rel) == 1) {
      finish(all, plan, current->pass);
      atomic_store_explicit(&current->over, true, memory_order_release);
    }
  }
  while (take_whole(all)) {
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
    plan->block_rows = 64;
    while (plan->block_rows < down && plan->block_rows < GRAPH_BLOCK) {
      plan->block_rows *= 2;
    }
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
  pass found[4];
  int count = passes(plan, found);
  for (int i = 0; i < count; i++) {
    stage *added = &all->stages[all->stage_count++];
    added->pass = found[i];
    added->member = member;
    added->first = all->stage_tasks;
    added->tasks = pass_tasks(plan, found[i]);
    added->follows = i > 0;
    atomic_init(&added->left, added->tasks);
    atomic_init(&added->over, false);
    all->stage_tasks += added->tasks;
  }
}

static int larger_first(const void *a, const void *b) {
  int64_t first = (*(update_plan *const *)a)->member->size;
  int64_t second = (*(update_plan *const *)b)->member->size;
  return first < second ? 1 : first > second ? -1 : 0;
}

/* Largest number of elements that a thread has for itself: they stay in its part of the last cache
   between the passes, and the others find something to do meanwhile. */
static int64_t whole_limit(const update_options *options, int64_t elements, int threads) {
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const long found = sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
  const long found = 0;
#endif
  const int64_t cache = found > 0 ? found : 8 << 20;
  const int64_t bytes = 3 * (is_double(options) ? 8 : 4);
  const int64_t fits = cache / 2 / threads / bytes;
  const int64_t fair = elements / (4 * (int64_t)threads);
  const int64_t limit = fits < fair ? fits : fair;
  return threads == 1 ? fits : limit > TASK ? limit : TASK;
}

bool update_all(const update_options *options, const update_member *members, int count,
                int threads) {
  job all = {
      .loops = is_double(options) ? instructions.loops_double : instructions.loops_float,
      .plans = calloc((size_t)count, sizeof(update_plan)),
      .stages = calloc((size_t)count * 4, sizeof(stage)),
      .whole = calloc((size_t)count, sizeof(update_plan *)),
  };
  char *space = NULL;
  bool enough = all.plans != NULL && all.stages != NULL && all.whole != NULL;
  int64_t elements = 0;
  if (enough) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
      if (members[i].size > 0) {
        update_plan *plan = &all.plans[all.plan_count++];
        set_plan(plan, options, &members[i]);
        bytes += room(plan, NULL);
        elements += members[i].size;
      }
    }
    space = malloc(bytes + 1);
    enough = space != NULL;
  }
  if (enough) {
    int64_t worth = elements / WORTH_A_THREAD + 1;
    int used = worth < threads ? (int)worth : threads;
    int64_t limit = whole_limit(options, elements, used);
    size_t at = 0;
    for (int i = 0; i < all.plan_count; i++) {
      update_plan *plan = &all.plans[i];
      at += room(plan, space + at);
      if (plan->member->size <= limit) {
        all.whole[all.whole_count++] = plan;
      } else {
        add_stages(&all, i);
      }
    }
    qsort(all.whole, (size_t)all.whole_count, sizeof(update_plan *), larger_first);
    atomic_init(&all.next_stage_task, 0);
    atomic_init(&all.next_whole, 0);
    pool_run(work, &all, used);
  }
  free(space);
  free(all.whole);
  free(all.stages);
  free(all.plans);
  return enough;
}
