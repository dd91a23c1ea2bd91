/* processor.c - see processor.h. */
#include "processor.h"

#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define PROCESSOR_AFFINITY 1
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#endif

unsigned
processor_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef PROCESSOR_AFFINITY
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
        count = CPU_COUNT(&allowed);
    }
#endif
    return count > 1 ? (unsigned)count : 1;
}

#ifdef PROCESSOR_AFFINITY

#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)

/* As the kernel has it, the first version; glibc has it from 2.41 on. */
struct slice_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* Of a thread, 0: the calling one.  Whether it has a slice of time, in ns of
 * runtime: in Linux from 6.12 on. */
static bool
slice_get(pid_t thread, struct slice_attr *attr)
{
    *attr = (struct slice_attr){.size = sizeof(*attr)};
    return syscall(SYS_sched_getattr, thread, attr, sizeof(*attr), 0) == 0
           && attr->policy == SCHED_OTHER && attr->runtime > 0;
}

/* Of two threads the one with the shorter slice takes the processor when it
 * wakes, and does not wait for the end of the slice that runs.  No longer than
 * that takes: where many want the processor a longer slice waits longer. */
void
processor_give_way(void)
{
    struct slice_attr first, self;
    if (slice_get(getpid(), &first) && slice_get(0, &self)
        && self.runtime <= first.runtime) {
        self.size = sizeof(self);
        self.runtime = first.runtime + first.runtime / 4;
        (void)syscall(SYS_sched_setattr, 0, &self, 0);
    }
}

#else

void
processor_give_way(void)
{
}

#endif

int
processor_current(void)
{
    return sched_getcpu();
}

void
processor_leave(int processor)
{
    cpu_set_t allowed, others;
    if (processor < 0 || processor >= CPU_SETSIZE
        || processor != sched_getcpu()
        || sched_getaffinity(0, sizeof(allowed), &allowed) < 0) {
        return;
    }
    others = allowed;
    CPU_CLR((size_t)processor, &others);
    if (CPU_COUNT(&others) > 0
        && sched_setaffinity(0, sizeof(others), &others) == 0) {
        (void)sched_setaffinity(0, sizeof(allowed), &allowed);
    }
}

#else

int
processor_current(void)
{
    return -1;
}

void
processor_leave(int processor)
{
    (void)processor;
}

void
processor_give_way(void)
{
}

#endif
