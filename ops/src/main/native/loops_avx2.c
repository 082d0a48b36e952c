/* Eight floats at a time. No fused multiply-add: results are those of the baseline, bit by bit. */
#if defined(__x86_64__)
#include <float.h>
#include <math.h>
#include <string.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#define LOOPS_FLOAT loops_avx2_float
#define LOOPS_DOUBLE loops_avx2_double
#include "loops_table.h"
#include "loops_of.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
