/* Preloaded into a worker by tests/cluster/supervise_test.py: SIGUSR2 makes it exit with code 3 wherever it is, as a library that calls exit
   would. The program itself has no such door. */
#include <signal.h>
#include <unistd.h>

static void leave(int signal) {
  (void)signal;
  _exit(3);
}

__attribute__((constructor)) static void install(void) { signal(SIGUSR2, leave); }
