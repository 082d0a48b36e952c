/* Sums of squares over one chunk: included by loops.h with SUM (the type of the lanes) and SUMS (the
   function's name). */

INLINE task_sums SUMS(int mode, bool decays, const NAME(scalars) * c, const NAME(view) * v,
                      int64_t n) {
  const NAME(scalars) s = *c;
  const NAME(view) from = *v;
  SUM gradient[LANES] = {0};
  SUM decay[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    NAME(fetch)(from.gradient, i + CHUNK);
    if (decays) NAME(fetch)(from.theta, i + CHUNK);
    if (mode == OF_FISHER) NAME(fetch)(from.fisher, i + CHUNK);
    for (int lane = 0; lane < LANES; lane++) {
      REAL r = NAME(reciprocal)(mode, &s, &from, i + lane);
      SUM x = NAME(natural)(mode, &s, from.gradient[i + lane], r);
      gradient[lane] += x * x;
      if (decays) {
        SUM w = NAME(bounded)(from.theta[i + lane] * r, REAL_MAX);
        decay[lane] += w * w;
      }
    }
  }
  for (int lane = 0; i < n; i++, lane++) {
    REAL r = NAME(reciprocal)(mode, &s, &from, i);
    SUM x = NAME(natural)(mode, &s, from.gradient[i], r);
    gradient[lane] += x * x;
    if (decays) {
      SUM w = NAME(bounded)(from.theta[i] * r, REAL_MAX);
      decay[lane] += w * w;
    }
  }
  WIDE of_gradient[LANES];
  WIDE of_decay[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    of_gradient[lane] = gradient[lane];
    of_decay[lane] = decay[lane];
  }
  return (task_sums){NAME(total)(of_gradient), NAME(total)(of_decay)};
}

#undef SUM
#undef SUMS
