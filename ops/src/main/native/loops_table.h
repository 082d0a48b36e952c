/* The loops of every instruction set that this build has. */
#ifndef FADAM_LOOPS_TABLE_H
#define FADAM_LOOPS_TABLE_H

#include "plan.h"

const update_loops *loops_baseline_float(void);
const update_loops *loops_baseline_double(void);
#if defined(__x86_64__)
const update_loops *loops_avx2_float(void);
const update_loops *loops_avx2_double(void);
const update_loops *loops_avx512_float(void);
const update_loops *loops_avx512_double(void);
#endif

#endif
