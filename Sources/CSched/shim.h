#ifndef GATEHOUSE_CSCHED_SHIM_H
#define GATEHOUSE_CSCHED_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// Functions that glibc has only for GNU sources, or from 2.41 on; and syscall is variadic, which Swift can't call.

// The calling thread's priority and slice. The layout is version 0 of the kernel's struct sched_attr (sched_setattr(2)). Of a thread
// with the ordinary policy `runtime` is its slice, from Linux 6.12 on; older kernels overlook it. 0 once the thread runs with them.
static inline int gatehouse_stand_back(int32_t nice, uint64_t slice_nanoseconds) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {.size = sizeof attributes, .nice = nice, .runtime = slice_nanoseconds};
  return (int)syscall(SYS_sched_setattr, 0, &attributes, 0u);
}

// The number of the calling thread.
static inline int32_t gatehouse_thread(void) { return (int32_t)syscall(SYS_gettid); }

// The cores that a thread may run on, a bit for each. Negative if there is no such thread or the machine has more cores than bits.
static inline int gatehouse_cores(int32_t thread, uint64_t *mask, size_t words) {
  return (int)syscall(SYS_sched_getaffinity, thread, words * sizeof *mask, mask);
}

// Lets a thread run on these cores only. 0 once it does.
static inline int gatehouse_keep_to_cores(int32_t thread, const uint64_t *mask, size_t words) {
  return (int)syscall(SYS_sched_setaffinity, thread, words * sizeof *mask, mask);
}

#endif
