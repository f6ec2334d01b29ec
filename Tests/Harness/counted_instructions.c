// Dumps the counts of callgrind when a test says so. Preloaded into a process under valgrind; it connects to the Unix socket that
// INSTRUCTIONS_SOCKET names. Each byte that comes from there dumps the counts and sets them to zero; then the byte goes back.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

static int test = -1;

static void *obey(void *none) {
  char order;
  while (read(test, &order, 1) == 1) {
    CALLGRIND_DUMP_STATS;
    if (write(test, &order, 1) != 1) break;
  }
  return none;
}

__attribute__((constructor)) static void hear_test(void) {
  const char *path = getenv("INSTRUCTIONS_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  // The valgrind command loads this too, before it becomes the process that counts.
  if (!path || strlen(path) >= sizeof address.sun_path || !RUNNING_ON_VALGRIND) return;
  strcpy(address.sun_path, path);
  test = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (test < 0 || connect(test, (struct sockaddr *)&address, sizeof address) != 0) return;
  // Signals are the service's own: its threads take them.
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_create(&thread, 0, obey, 0);
  pthread_sigmask(SIG_SETMASK, &before, 0);
}

// Valgrind 3.19 writes into the mask that it is given, and ends with a fault where that is read-only, as libdispatch's is.
int sigsuspend(const sigset_t *mask) {
  sigset_t copy = *mask;
  return syscall(SYS_rt_sigsuspend, &copy, _NSIG / 8);
}
