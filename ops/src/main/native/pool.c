#include "pool.h"

#include <pthread.h>
#include <stdbool.h>

enum { MOST_THREADS = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static pthread_cond_t returned = PTHREAD_COND_INITIALIZER;
static int threads_started;
static bool taken;
static int wanted; /* threads that may still join the current job */
static int joined;
static void (*current_work)(void *job);
static void *current_job;

static void *serve(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    while (wanted == 0) {
      pthread_cond_wait(&called, &lock);
    }
    wanted--;
    joined++;
    void (*work)(void *job) = current_work;
    void *job = current_job;
    pthread_mutex_unlock(&lock);
    work(job);
    pthread_mutex_lock(&lock);
    if (--joined == 0) {
      pthread_cond_signal(&returned);
    }
  }
  return NULL;
}

/* Fewer than asked for where the system gives no more; the caller's own thread always works. */
static void start(int threads) {
  while (threads_started < threads && threads_started < MOST_THREADS) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) != 0) {
      return;
    }
    pthread_detach(thread);
    threads_started++;
  }
}

void pool_run(void (*work)(void *job), void *job, int threads) {
  bool shared = false;
  if (threads > 1) {
    pthread_mutex_lock(&lock);
    if (!taken) {
      taken = shared = true;
      start(threads - 1);
      current_work = work;
      current_job = job;
      wanted = threads - 1 < threads_started ? threads - 1 : threads_started;
      pthread_cond_broadcast(&called);
    }
    pthread_mutex_unlock(&lock);
  }
  work(job);
  if (shared) {
    pthread_mutex_lock(&lock);
    wanted = 0;
    while (joined > 0) {
      pthread_cond_wait(&returned, &lock);
    }
    taken = false;
    pthread_mutex_unlock(&lock);
  }
}
