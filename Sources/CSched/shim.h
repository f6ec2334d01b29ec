#ifndef GATEHOUSE_CSCHED_SHIM_H
#define GATEHOUSE_CSCHED_SHIM_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc before 2.41 has no sched_setattr, and syscall is variadic, which Swift can't call. The layout is version 0 of the kernel's
// struct sched_attr (sched_setattr(2)). Of a thread with the ordinary policy `runtime` is its slice, from Linux 6.12 on; older kernels
// overlook it. 0 once the calling thread runs with them.
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

#endif
