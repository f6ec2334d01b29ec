#ifndef GATEHOUSE_CSQLITE_CUT_H
#define GATEHOUSE_CSQLITE_CUT_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// SQLite maps the log's index into memory. If somebody cuts that file, the kernel answers the next look at it with SIGBUS, which no error code
// of SQLite's can stand for. All of the handler is async-signal-safe.

enum { GATEHOUSE_CUT_LINE_MAX = 4096, GATEHOUSE_STAMP_BYTES = 24 };

struct gatehouse_cut {
  char line[GATEHOUSE_CUT_LINE_MAX];
  size_t count, stamp;
  int status;
  struct sigaction before;
};

// Set before the handler is, and never again. In a function, since Swift's importer drops variables of a header.
static inline struct gatehouse_cut *gatehouse_cut(void) {
  static struct gatehouse_cut cut;
  return &cut;
}

static inline void gatehouse_digits(char *to, int count, int64_t number) {
  for (; count > 0; number /= 10) to[--count] = (char)('0' + number % 10);
}

// Writes the time as 2026-11-30T11:09:54.659Z; the calendar is Howard Hinnant's civil_from_days.
static inline void gatehouse_stamp(char *to, struct timespec now) {
  int64_t day = now.tv_sec / 86400 + 719468, second = now.tv_sec % 86400;
  int64_t era = day / 146097, of_era = day % 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100), fifth = (5 * of_year + 2) / 153;
  int64_t month = fifth < 10 ? fifth + 3 : fifth - 9;
  memcpy(to, "0000-00-00T00:00:00.000Z", GATEHOUSE_STAMP_BYTES);
  gatehouse_digits(to, 4, era * 400 + year + (month <= 2));
  gatehouse_digits(to + 5, 2, month);
  gatehouse_digits(to + 8, 2, of_year - (153 * fifth + 2) / 5 + 1);
  gatehouse_digits(to + 11, 2, second / 3600);
  gatehouse_digits(to + 14, 2, second / 60 % 60);
  gatehouse_digits(to + 17, 2, second % 60);
  gatehouse_digits(to + 20, 3, now.tv_nsec / 1000000);
}

static void gatehouse_on_bus(int number, siginfo_t *info, void *context) {
  (void)context;
  struct gatehouse_cut *cut = gatehouse_cut();
  if (info->si_code == BUS_ADRERR) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    gatehouse_stamp(cut->line + cut->stamp, now);
    // A log that nobody reads must not keep the process.
    struct pollfd log = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&log, 1, 100) == 1 && log.revents & POLLOUT && write(STDERR_FILENO, cut->line, cut->count) < 0) {
      // There is nobody left to tell.
    }
    _exit(cut->status);
  }
  // Not a cut file: whoever was there before decides. What was done is done again on the return; what was sent is sent again.
  sigaction(SIGBUS, &cut->before, 0);
  if (info->si_code <= 0) raise(number);
}

// From here on the process ends with `status` and this line, `count` bytes with room for the time at `stamp`, when a file that it has mapped is
// cut. For one thread, once. 0 once that is so.
static inline int gatehouse_end_when_cut(const char *line, size_t count, size_t stamp, int status) {
  if (count > GATEHOUSE_CUT_LINE_MAX || stamp + GATEHOUSE_STAMP_BYTES > count) return -1;
  struct gatehouse_cut *cut = gatehouse_cut();
  memcpy(cut->line, line, count);
  cut->count = count;
  cut->stamp = stamp;
  cut->status = status;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = gatehouse_on_bus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, &cut->before);
}

#endif
