/* FisherApplyFAdam and FisherApplyFAdafactor: TensorFlow's side of update.h.

   Every list holds one entry a variable or, where its number is 0, none. State has the compute type:
   double for double variables, float for all others. */

#define _GNU_SOURCE

#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tensorflow.h"
#include "update.h"

/* Scalar inputs, the first of each op. */
enum {
  LEARNING_RATE,
  WEIGHT_DECAY,
  CLIP,
  BETA1,
  BETA2,
  EPSILON,
  EXPONENT,
  AVERAGE_SHARE,
  STEP,
  APPLIED,
  SCALARS
};

static const char *const SCALAR_INPUTS[SCALARS] = {
    "learning_rate: double", "weight_decay: double", "clip: double", "beta1: double",
    "beta2: double", "epsilon: double", "exponent: double", "average_share: double", "step: int64",
    "applied: bool",
};

/* Lists of variables behind the scalars, in the order of inputs; then gradients and squares. */
enum { VARIABLE, FISHER, COLUMNS, MOMENTUM, MASTER, AVERAGE, GRADIENT, SQUARED, LISTS };

static const char *const LIST_NAMES[LISTS] = {
    "variable", "f", "column", "momentum", "master", "average", "gradient", "squared",
};

typedef struct {
  update_options options;
  int64_t count;
  int first[LISTS + 1]; /* input at which each list begins */
  atomic_int threads; /* 0: not known yet */
} kernel;

typedef struct {
  TF_OpKernelContext *context;
  const kernel *op;
  TF_Tensor **tensors;
  update_member *members;
  TF_VariableInputLockHolder *locks;
  TF_Status *status;
} update_call;

static size_t element_size(TF_DataType type) {
  return type == TF_DOUBLE ? 8 : type == TF_FLOAT ? 4 : 2;
}

static element_type element_of(TF_DataType type) {
  return type == TF_HALF       ? ELEMENT_HALF
         : type == TF_BFLOAT16 ? ELEMENT_BFLOAT16
         : type == TF_DOUBLE   ? ELEMENT_DOUBLE
                               : ELEMENT_FLOAT;
}

static TF_DataType type_of(element_type element) {
  return element == ELEMENT_HALF       ? TF_HALF
         : element == ELEMENT_BFLOAT16 ? TF_BFLOAT16
         : element == ELEMENT_DOUBLE   ? TF_DOUBLE
                                       : TF_FLOAT;
}

/* Construction: attributes. */

static void create_failed(TF_OpKernelConstruction *construction, kernel *op, TF_Status *status) {
  TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  free(op);
}

static kernel *create(TF_OpKernelConstruction *construction, bool factored) {
  static const char *const numbers[LISTS] = {
      "N", "N", NULL, "momentums", "masters", "averages", "N", "squares",
  };
  TF_Status *status = TF_NewStatus();
  kernel *op = calloc(1, sizeof(kernel));
  if (op == NULL) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "No memory for a kernel.");
    create_failed(construction, op, status);
    return NULL;
  }
  TF_DataType type = TF_FLOAT;
  TF_DataType gradient = TF_FLOAT;
  TF_DataType momentum = TF_FLOAT;
  TF_DataType compute = TF_FLOAT;
  char rule[16] = "";
  unsigned char saturates = 0;
  TF_OpKernelConstruction_GetAttrType(construction, "T", &type, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrType(construction, "G", &gradient, status);
  }
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrType(construction, "M", &momentum, status);
  }
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrType(construction, "C", &compute, status);
  }
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrBool(construction, "saturates", &saturates, status);
  }
  if (TF_GetCode(status) == TF_OK) {
    TF_OpKernelConstruction_GetAttrString(construction, "epsilon_rule", rule, sizeof rule - 1,
                                          status);
  }
  int at = SCALARS;
  int64_t list_sizes[LISTS];
  for (int list = 0; list < LISTS && TF_GetCode(status) == TF_OK; list++) {
    const char *number = list == COLUMNS ? (factored ? "N" : NULL) : numbers[list];
    int64_t size = 0;
    if (number != NULL) {
      TF_OpKernelConstruction_GetAttrInt64(construction, number, &size, status);
    }
    list_sizes[list] = size;
    op->first[list] = at;
    at += (int)size;
  }
  if (TF_GetCode(status) == TF_OK) {
    op->first[LISTS] = at;
    op->count = list_sizes[VARIABLE];
    bool is_double = type == TF_DOUBLE;
    for (int list = 0; list < LISTS; list++) {
      if (list_sizes[list] != 0 && list_sizes[list] != op->count) {
        TF_SetStatus(status, TF_INVALID_ARGUMENT,
                     "Expected lists of N inputs or of none: momentums, masters, averages and"
                     " squares are N or 0.");
      }
    }
    if (is_double != (compute == TF_DOUBLE)) {
      TF_SetStatus(status, TF_INVALID_ARGUMENT,
                   "Expected C = double for double variables and C = float for all others.");
    } else if (gradient != type && gradient != compute) {
      TF_SetStatus(status, TF_INVALID_ARGUMENT,
                   "Expected gradients of the variables' type T or of the compute type C.");
    } else if (momentum != TF_BFLOAT16 && momentum != compute) {
      TF_SetStatus(status, TF_INVALID_ARGUMENT,
                   "Expected momentum of the compute type C or bfloat16.");
    } else if (list_sizes[MASTER] != 0 && type != TF_HALF && type != TF_BFLOAT16) {
      TF_SetStatus(status, TF_INVALID_ARGUMENT,
                   "Expected master copies of 16-bit variables only.");
    }
  }
  if (TF_GetCode(status) != TF_OK) {
    create_failed(construction, op, status);
    return NULL;
  }
  op->options.factored = factored;
  op->options.saturates = saturates || factored;
  op->options.variable_type = element_of(type);
  op->options.gradient_type = element_of(gradient);
  op->options.momentum_type = element_of(momentum);
  op->options.rule = strncmp(rule, "by-size", 7) == 0       ? EPSILON_BY_SIZE
                     : strncmp(rule, "by-gradient", 11) == 0 ? EPSILON_BY_GRADIENT
                                                            : EPSILON_FIXED;
  atomic_init(&op->threads, 0);
  TF_DeleteStatus(status);
  return op;
}

static void *create_fadam(TF_OpKernelConstruction *construction) {
  return create(construction, false);
}

static void *create_fadafactor(TF_OpKernelConstruction *construction) {
  return create(construction, true);
}

static void destroy(void *op) { free(op); }

/* Threads: what the session's configuration says, as for TensorFlow's own kernels. */

static uint64_t varint(const unsigned char **at, const unsigned char *end) {
  uint64_t value = 0;
  for (int shift = 0; *at < end && shift < 64; shift += 7) {
    unsigned char byte = *(*at)++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) {
      break;
    }
  }
  return value;
}

/* Field 2 of a serialized ConfigProto, intra_op_parallelism_threads; 0 where it is not set. */
static int configured(const unsigned char *at, size_t length) {
  const unsigned char *end = at + length;
  while (at < end) {
    uint64_t key = varint(&at, end);
    switch (key & 7) {
      case 0: {
        uint64_t value = varint(&at, end);
        if (key >> 3 == 2) {
          return value < 4096 ? (int)value : 0;
        }
        break;
      }
      case 1: at += 8; break;
      case 5: at += 4; break;
      case 2: {
        uint64_t skipped = varint(&at, end);
        if (skipped > (uint64_t)(end - at)) {
          return 0;
        }
        at += skipped;
        break;
      }
      default: return 0;
    }
    if (at > end) {
      return 0;
    }
  }
  return 0;
}

/* Those that this process may use. */
static int processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    count = CPU_COUNT(&allowed);
  }
#endif
  return count < 1 ? 1 : count > 256 ? 256 : (int)count;
}

static int threads_of(kernel *op, TF_OpKernelContext *context) {
  int known = atomic_load(&op->threads);
  if (known > 0) {
    return known;
  }
  TF_Status *status = TF_NewStatus();
  TF_Buffer *config = TF_NewBuffer();
  TF_GetSerializedConfigProto(context, config, status);
  if (TF_GetCode(status) == TF_OK && config->data != NULL) {
    known = configured(config->data, config->length);
  }
  TF_DeleteBuffer(config);
  TF_DeleteStatus(status);
  if (known < 1) {
    known = processors();
  }
  atomic_store(&op->threads, known);
  return known;
}

/* Computation. */

static bool fails(update_call *call, TF_Code code, const char *message) {
  TF_SetStatus(call->status, code, message);
  return false;
}

static bool is_fine(update_call *call) { return TF_GetCode(call->status) == TF_OK; }

/* Where a read still shares the buffer, TensorFlow gives the variable a new one. */
static void copy(TF_OpKernelContext *context, TF_Tensor *source, TF_Tensor *target) {
  (void)context;
  size_t bytes = TF_TensorByteSize(source);
  if (bytes > 0 && bytes == TF_TensorByteSize(target)) {
    memcpy(TF_TensorData(target), TF_TensorData(source), bytes);
  }
  TF_DeleteTensor(source);
  TF_DeleteTensor(target);
}

/* Reads scalar inputs; checks what the loops rely on. */
static bool scalars(update_call *call, update_options *options, bool *applied) {
  double values[SCALARS];
  for (int i = 0; i < SCALARS; i++) {
    TF_Tensor *tensor = NULL;
    TF_GetInput(call->context, i, &tensor, call->status);
    if (!is_fine(call) || tensor == NULL) {
      return false;
    }
    TF_DataType expected = i == STEP ? TF_INT64 : i == APPLIED ? TF_BOOL : TF_DOUBLE;
    bool good = TF_TensorElementCount(tensor) == 1 && TF_TensorType(tensor) == expected;
    if (good) {
      const void *data = TF_TensorData(tensor);
      values[i] = 0;
      if (i == STEP) {
        memcpy(&options->step, data, sizeof options->step);
      } else if (i == APPLIED) {
        *applied = *(const unsigned char *)data != 0;
      } else {
        memcpy(&values[i], data, sizeof values[i]);
      }
    }
    TF_DeleteTensor(tensor);
    if (!good) {
      char message[128];
      snprintf(message, sizeof message, "Expected a scalar for input %d, \"%s\".", i,
               SCALAR_INPUTS[i]);
      return fails(call, TF_INVALID_ARGUMENT, message);
    }
  }
  options->learning_rate = values[LEARNING_RATE];
  options->weight_decay = values[WEIGHT_DECAY];
  options->clip = values[CLIP];
  options->beta1 = values[BETA1];
  options->beta2 = values[BETA2];
  options->epsilon = values[EPSILON];
  options->exponent = values[EXPONENT];
  options->average_share = values[AVERAGE_SHARE];
  if (!(options->beta2 >= 0 && options->beta2 < 1)) {
    return fails(call, TF_INVALID_ARGUMENT, "Expected beta2 of at least 0 and below 1.");
  }
  if (!(options->beta1 >= 0 && options->beta1 < 1)) {
    return fails(call, TF_INVALID_ARGUMENT, "Expected beta1 of at least 0 and below 1.");
  }
  if (!(options->epsilon > 0 && !isinf(options->epsilon))) {
    return fails(call, TF_INVALID_ARGUMENT, "Expected a positive finite epsilon.");
  }
  if (!(options->exponent > 0 && options->exponent <= 1)) {
    return fails(call, TF_INVALID_ARGUMENT, "Expected an exponent above 0 and at most 1.");
  }
  if (options->step < 1) {
    return fails(call, TF_INVALID_ARGUMENT, "Expected a step of 1 or more.");
  }
  return true;
}

static bool same_shape(const TF_Tensor *a, const TF_Tensor *b) {
  if (TF_NumDims(a) != TF_NumDims(b)) {
    return false;
  }
  for (int i = 0; i < TF_NumDims(a); i++) {
    if (TF_Dim(a, i) != TF_Dim(b, i)) {
      return false;
    }
  }
  return true;
}

/* Whether a factor has the matrix's shape without one of its last two dimensions. */
static bool is_factor(const TF_Tensor *factor, const TF_Tensor *matrix, int from_last) {
  int rank = TF_NumDims(matrix);
  if (rank < 2 || TF_NumDims(factor) != rank - 1) {
    return false;
  }
  for (int i = 0; i < rank - 1; i++) {
    if (TF_Dim(factor, i) != TF_Dim(matrix, i < rank - from_last ? i : i + 1)) {
      return false;
    }
  }
  return true;
}

static TF_DataType expected_type(const update_options *options, int list) {
  TF_DataType compute = options->variable_type == ELEMENT_DOUBLE ? TF_DOUBLE : TF_FLOAT;
  return list == VARIABLE   ? type_of(options->variable_type)
         : list == GRADIENT ? type_of(options->gradient_type)
         : list == MOMENTUM ? type_of(options->momentum_type)
                            : compute;
}

static bool is_of_the_right_shape(const update_options *options, int list, const TF_Tensor *tensor,
                                  const TF_Tensor *variable) {
  if (options->factored && list == FISHER) {
    return is_factor(tensor, variable, 1);
  }
  return list == COLUMNS ? is_factor(tensor, variable, 2) : same_shape(tensor, variable);
}

static bool describe(update_call *call, int list, int64_t member, const char *what) {
  char message[200];
  snprintf(message, sizeof message,
           "Expected %s of the type and shape that go with variable %lld, and the variable"
           " initialized; %s.",
           list == FISHER && call->op->options.factored ? "row" : LIST_NAMES[list],
           (long long)member, what);
  return fails(call, TF_INVALID_ARGUMENT, message);
}

/* Gets one list's tensors and checks them against the variables. */
static bool tensors(update_call *call, const update_options *options, int list) {
  const kernel *op = call->op;
  for (int input = op->first[list]; input < op->first[list + 1]; input++) {
    int64_t member = input - op->first[list];
    TF_Tensor **tensor = &call->tensors[input];
    if (list >= GRADIENT) {
      TF_GetInput(call->context, input, tensor, call->status);
    } else {
      TF_GetInputTensorFromVariable(call->context, input, true, false, false, copy, tensor,
                                    call->status);
    }
    if (!is_fine(call)) {
      return false;
    }
    if (*tensor == NULL) {
      return describe(call, list, member, "found a variable that cannot be read");
    }
    if (TF_TensorType(*tensor) != expected_type(options, list)) {
      return describe(call, list, member, "found another type");
    }
    if (!is_of_the_right_shape(options, list, *tensor, call->tensors[op->first[VARIABLE] + member])) {
      return describe(call, list, member, "found another shape");
    }
    if (TF_TensorByteSize(*tensor) !=
        (size_t)TF_TensorElementCount(*tensor) * element_size(TF_TensorType(*tensor))) {
      return describe(call, list, member, "found a tensor without its memory");
    }
  }
  return true;
}

static void *data_of(const update_call *call, int list, int64_t member) {
  const kernel *op = call->op;
  return op->first[list] == op->first[list + 1]
             ? NULL
             : TF_TensorData(call->tensors[op->first[list] + member]);
}

static void describe_members(update_call *call) {
  const kernel *op = call->op;
  for (int64_t i = 0; i < op->count; i++) {
    const TF_Tensor *variable = call->tensors[op->first[VARIABLE] + i];
    update_member *member = &call->members[i];
    int rank = TF_NumDims(variable);
    *member = (update_member){
        .size = TF_TensorElementCount(variable),
        .variable = data_of(call, VARIABLE, i),
        .fisher = data_of(call, FISHER, i),
        .columns_fisher = data_of(call, COLUMNS, i),
        .momentum = data_of(call, MOMENTUM, i),
        .master = data_of(call, MASTER, i),
        .average = data_of(call, AVERAGE, i),
        .gradient = data_of(call, GRADIENT, i),
        .squared = data_of(call, SQUARED, i),
    };
    if (op->options.factored && member->size > 0) {
      member->rows = TF_Dim(variable, rank - 2);
      member->columns = TF_Dim(variable, rank - 1);
      member->batch = member->size / (member->rows * member->columns);
    }
  }
}

typedef struct {
  const char *from;
  const char *to;
} span;

static int by_start(const void *a, const void *b) {
  const char *first = ((const span *)a)->from;
  const char *second = ((const span *)b)->from;
  return first < second ? -1 : first > second;
}

/* Whether what is only read shares memory with what is written: a gradient may be a read of a
   reference variable, which is the variable's own buffer. */
static bool overlaps(const span *written, int64_t count, const TF_Tensor *read) {
  const char *from = TF_TensorData(read);
  const char *to = from + TF_TensorByteSize(read);
  int64_t low = 0;
  int64_t high = count;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (written[middle].to <= from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && written[low].from < to;
}

/* Gives gradients and squares that share memory with a variable memory of their own. */
static bool separate(update_call *call, void ***copies, int64_t *copied) {
  const kernel *op = call->op;
  const int first = op->first[VARIABLE];
  const int64_t count = op->first[GRADIENT] - first;
  span *written = malloc((size_t)(count + 1) * sizeof(span));
  *copies = calloc((size_t)(2 * op->count), sizeof(void *));
  *copied = 0;
  bool enough = written != NULL && *copies != NULL;
  int64_t used = 0;
  for (int64_t i = 0; enough && i < count; i++) {
    const TF_Tensor *tensor = call->tensors[first + i];
    size_t bytes = TF_TensorByteSize(tensor);
    if (bytes > 0) {
      const char *from = TF_TensorData(tensor);
      written[used++] = (span){from, from + bytes};
    }
  }
  if (enough) {
    qsort(written, (size_t)used, sizeof(span), by_start);
    for (int64_t i = 1; i < used; i++) {
      if (written[i].from < written[i - 1].to) {
        free(written);
        return fails(call, TF_INVALID_ARGUMENT,
                     "Expected every variable and all of its state in memory of its own, found one"
                     " of them twice.");
      }
    }
  }
  for (int list = GRADIENT; list < LISTS; list++) {
    for (int input = op->first[list]; enough && input < op->first[list + 1]; input++) {
      const TF_Tensor *read = call->tensors[input];
      size_t bytes = TF_TensorByteSize(read);
      if (bytes == 0 || !overlaps(written, used, read)) {
        continue;
      }
      void *own = malloc(bytes);
      if (own == NULL) {
        enough = false;
        break;
      }
      memcpy(own, TF_TensorData(read), bytes);
      (*copies)[(*copied)++] = own;
      update_member *member = &call->members[input - op->first[list]];
      if (list == GRADIENT) {
        member->gradient = own;
      } else {
        member->squared = own;
      }
    }
  }
  free(written);
  return enough;
}

static bool lock(update_call *call) {
  const kernel *op = call->op;
  const int count = op->first[GRADIENT] - op->first[VARIABLE];
  int *inputs = malloc((size_t)count * sizeof(int));
  if (inputs == NULL) {
    return fails(call, TF_RESOURCE_EXHAUSTED, "No memory for the list of variables.");
  }
  for (int i = 0; i < count; i++) {
    inputs[i] = op->first[VARIABLE] + i;
  }
  TF_MaybeLockVariableInputMutexesInOrder(call->context, true, false, inputs, (size_t)count, copy,
                                          &call->locks, call->status);
  free(inputs);
  return is_fine(call);
}

static bool update(update_call *call, int threads) {
  update_options options = call->op->options;
  bool applied = false;
  if (!scalars(call, &options, &applied) || !applied) {
    return is_fine(call);
  }
  call->tensors = calloc((size_t)call->op->first[LISTS], sizeof(TF_Tensor *));
  call->members = calloc((size_t)call->op->count, sizeof(update_member));
  if (call->tensors == NULL || call->members == NULL) {
    return fails(call, TF_RESOURCE_EXHAUSTED, "No memory for the list of variables.");
  }
  if (!lock(call)) {
    return false;
  }
  for (int list = 0; list < LISTS; list++) {
    if (!tensors(call, &options, list)) {
      return false;
    }
  }
  describe_members(call);
  void **copies = NULL;
  int64_t copied = 0;
  bool enough = separate(call, &copies, &copied) &&
                update_all(&options, call->members, (int)call->op->count, threads);
  for (int64_t i = 0; i < copied; i++) {
    free(copies[i]);
  }
  free(copies);
  if (!enough && is_fine(call)) {
    return fails(call, TF_RESOURCE_EXHAUSTED, "No memory for the sums of an update.");
  }
  return enough;
}

static void compute(void *op, TF_OpKernelContext *context) {
  update_call call = {.context = context, .op = op, .status = TF_NewStatus()};
  update(&call, threads_of(op, context));
  if (!is_fine(&call)) {
    TF_OpKernelContext_Failure(context, call.status);
  }
  for (int i = 0; call.tensors != NULL && i < call.op->first[LISTS]; i++) {
    if (call.tensors[i] != NULL) {
      TF_DeleteTensor(call.tensors[i]);
    }
  }
  if (call.locks != NULL) {
    TF_ReleaseVariableInputLockHolder(call.locks);
  }
  free(call.members);
  free(call.tensors);
  TF_DeleteStatus(call.status);
}

/* Registration. */

/* Scalars have rank 0. What else could be checked needs the attribute N, which the C API does not show
   to a shape function: the kernel checks it, and Java before the op is built. */
static void infer(TF_ShapeInferenceContext *context, TF_Status *status) {
  for (int i = 0; i < SCALARS && TF_GetCode(status) == TF_OK; i++) {
    TF_ShapeHandle *handle = TF_NewShapeHandle();
    TF_ShapeInferenceContextGetInput(context, i, handle, status);
    if (TF_GetCode(status) == TF_OK) {
      TF_ShapeInferenceContextWithRank(context, handle, 0, handle, status);
    }
    TF_DeleteShapeHandle(handle);
  }
}

static void add_list(TF_OpDefinitionBuilder *builder, bool reference, const char *name,
                     const char *number, const char *type) {
  char specification[64];
  if (reference) {
    snprintf(specification, sizeof specification, "%s: Ref(%s * %s)", name, number, type);
  } else {
    snprintf(specification, sizeof specification, "%s: %s * resource", name, number);
  }
  TF_OpDefinitionBuilderAddInput(builder, specification);
}

static void register_op(const char *name, bool factored, bool reference) {
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(name);
  for (int i = 0; i < SCALARS; i++) {
    TF_OpDefinitionBuilderAddInput(op, SCALAR_INPUTS[i]);
  }
  add_list(op, reference, "variable", "N", "T");
  add_list(op, reference, factored ? "row" : "f", "N", "C");
  if (factored) {
    add_list(op, reference, "column", "N", "C");
  }
  add_list(op, reference, "momentum", "momentums", "M");
  add_list(op, reference, "master", "masters", "C");
  add_list(op, reference, "average", "averages", "C");
  TF_OpDefinitionBuilderAddInput(op, "gradient: N * G");
  TF_OpDefinitionBuilderAddInput(op, "squared: squares * C");
  TF_OpDefinitionBuilderAddAttr(op, "N: int >= 1");
  TF_OpDefinitionBuilderAddAttr(op, "momentums: int >= 0");
  TF_OpDefinitionBuilderAddAttr(op, "masters: int >= 0");
  TF_OpDefinitionBuilderAddAttr(op, "averages: int >= 0");
  TF_OpDefinitionBuilderAddAttr(op, "squares: int >= 0");
  TF_OpDefinitionBuilderAddAttr(op, "T: {half, bfloat16, float, double}");
  TF_OpDefinitionBuilderAddAttr(op, "G: {half, bfloat16, float, double}");
  TF_OpDefinitionBuilderAddAttr(op, "C: {float, double}");
  TF_OpDefinitionBuilderAddAttr(op, "M: {bfloat16, float, double}");
  TF_OpDefinitionBuilderAddAttr(op, "epsilon_rule: {'fixed', 'by-size', 'by-gradient'} = 'fixed'");
  TF_OpDefinitionBuilderAddAttr(op, "saturates: bool = false");
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, infer);
  TF_Status *status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder *builder = TF_NewKernelBuilder(
        name, "CPU", factored ? create_fadafactor : create_fadam, compute, destroy);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  TF_DeleteStatus(status);
}

static __attribute__((constructor)) void register_ops(void) {
  register_op("FisherApplyFAdam", false, false);
  register_op("FisherApplyFAdamRef", false, true);
  register_op("FisherApplyFAdafactor", true, false);
  register_op("FisherApplyFAdafactorRef", true, true);
}
