/* What every processor of the architecture can run: SSE2 on x86-64, NEON on arm64. */
#define LOOPS_FLOAT loops_baseline_float
#define LOOPS_DOUBLE loops_baseline_double
#include "loops_table.h"
#include "loops_of.h"
