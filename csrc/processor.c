/* processor.c - see processor.h. */
#include "processor.h"

#include <unistd.h>

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define PROCESSOR_AFFINITY 1
#include <sched.h>
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

#endif
