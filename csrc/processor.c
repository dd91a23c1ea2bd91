/* processor.c - see processor.h. */
#include "processor.h"

#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define PROCESSOR_AFFINITY 1
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
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

/* Longer than what the kernel gives by itself, 0.7 to 3 ms: a thread with the
 * shorter slice that wakes takes the processor at once, and does not wait for
 * the end of the slice that runs. */
enum { SLICE_NS = 4000000 };

/* As the kernel has it, the first version; glibc has it from 2.41 on. */
struct slice_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

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

void
processor_give_way(void)
{
    struct slice_attr attr = {0};
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0
        && attr.policy == SCHED_OTHER && attr.runtime > 0
        && attr.runtime < SLICE_NS) {
        attr.size = sizeof(attr);
        attr.runtime = SLICE_NS;
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
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
