/* processor.c - see processor.h. */
#include "processor.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

bool
processor_can_own(void)
{
#if defined(__x86_64__)
    enum { EXTENDED = 0x80000001, PREFETCHW = 1 << 8 };
    unsigned a, b, c, d;
    return __get_cpuid(EXTENDED, &a, &b, &c, &d) && c & PREFETCHW;
#else
    return true;
#endif
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

#if defined(PROCESSOR_AFFINITY) && defined(SYS_sched_setattr)

/* As the kernel has it, the first version; glibc has it from 2.41 on. */
struct slice_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* Of the calling thread: whether its slice is known and ours to set. */
static bool
slice_get(struct slice_attr *attr)
{
    return syscall(SYS_sched_getattr, 0, attr, sizeof(*attr), 0) == 0
           && attr->policy == SCHED_OTHER;
}

long long
processor_slice(void)
{
    struct slice_attr attr;
    return slice_get(&attr) ? (long long)attr.runtime : 0;
}

void
processor_set_slice(long long slice)
{
    struct slice_attr attr;
    if (slice > 0 && slice_get(&attr)) {
        attr.size = sizeof(attr);
        attr.runtime = (uint64_t)slice;
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
    }
}

#else

long long
processor_slice(void)
{
    return 0;
}

void
processor_set_slice(long long slice)
{
    (void)slice;
}

#endif
