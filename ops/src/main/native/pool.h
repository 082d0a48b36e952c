/* Threads of our own: TensorFlow's C API gives a kernel none of the session's. */
#ifndef FADAM_POOL_H
#define FADAM_POOL_H

/* Runs work(job) on this thread and on at most threads - 1 others at once, and returns when all have
   returned. The others may be none, also where another call has them. */
void pool_run(void (*work)(void *job), void *job, int threads);

#endif
