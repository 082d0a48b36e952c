/* Both compute types for one instruction set: included with LOOPS_FLOAT and LOOPS_DOUBLE, the names
   of the two tables. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "elements.h"
#include "plan.h"

/* Arrays overlap either not at all or element by element. */
#if defined(__clang__)
#define ELEMENTS_ARE_APART _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ELEMENTS_ARE_APART _Pragma("GCC ivdep")
#endif

/* x^p for x >= 0 with a relative error of 1e-9, which the compiler vectorises and pow is not. */
static inline __attribute__((always_inline)) float float_power(float x, double p) {
  uint32_t bits = bits_of(x);
  /* x = 2^k (1 + z) / (1 - z), with |z| <= 0.172 */
  int32_t k = ((int32_t)bits - 0x3f3504f3) >> 23;
  double mantissa = float_of(bits - ((uint32_t)k << 23));
  double z = (mantissa - 1) / (mantissa + 1);
  double zz = z * z;
  double series =
      1 + zz * (1. / 3 + zz * (1. / 5 + zz * (1. / 7 + zz * (1. / 9 + zz * (1. / 11)))));
  double y = p * (k + 2 * 1.4426950408889634 * z * series);
  /* y = n + r, with |r| <= 1/2: the number of 2^52 and a half leaves n in the last bits. */
  double shifted = y + 0x1.8p52;
  double r = (y - (shifted - 0x1.8p52)) * 0.6931471805599453;
  double power =
      1 + r * (1 + r * (1. / 2 + r * (1. / 6 + r * (1. / 24 + r * (1. / 120 + r * (1. / 720 +
      r * (1. / 5040 + r * (1. / 40320))))))));
  uint64_t scaled;
  memcpy(&scaled, &shifted, sizeof scaled);
  scaled = (scaled + 1023) << 52;
  double scale;
  memcpy(&scale, &scaled, sizeof scale);
  return x < FLT_MIN ? 0 : x <= FLT_MAX ? (float)(power * scale) : x;
}

#define REAL float
#define WIDE double
#define REAL_TYPE ELEMENT_FLOAT
#define REAL_MAX FLT_MAX
#define REAL_MIN_NORMAL FLT_MIN
#define SQRT(x) __builtin_sqrtf(x)
#define POWER(x, p) float_power(x, p)
#define NAME(x) x##_float
#include "loops.h"
#undef REAL
#undef WIDE
#undef REAL_TYPE
#undef REAL_MAX
#undef REAL_MIN_NORMAL
#undef SQRT
#undef POWER
#undef NAME

#define REAL double
#define WIDE long double
#define REAL_TYPE ELEMENT_DOUBLE
#define REAL_MAX DBL_MAX
#define REAL_MIN_NORMAL DBL_MIN
#define SQRT(x) __builtin_sqrt(x)
#define POWER(x, p) pow(x, p)
#define NAME(x) x##_double
#include "loops.h"

const update_loops *LOOPS_FLOAT(void) { return &loops_float; }
const update_loops *LOOPS_DOUBLE(void) { return &loops_double; }
