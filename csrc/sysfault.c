/* sysfault.c - the faults that a debug build injects, for any thread. */
#include "sys_int.h"

#ifdef AIOF_DEBUG

#include <errno.h>
#include <stdatomic.h>

/* The one mutable table of this half: the calls have no object that it could
 * hang from, and it is not there in a release.  Atomics, not a mutex: a
 * worker that holds a mutex at a fork would leave it held in the child, and
 * a mutex in each call would hide races from ThreadSanitizer. */
static struct {
    atomic_ullong left; /* skip in the upper half, count in the lower */
    atomic_int err;
    atomic_size_t limit;
} fault_table[SYS_CALLS];

int
sys_inject(enum sys_call call, int skip, int count, int err, size_t limit)
{
    unsigned long long left = (unsigned long long)(unsigned)skip << 32;
    unsigned long long before = atomic_exchange(&fault_table[call].left, 0);

    atomic_store(&fault_table[call].err, err);
    atomic_store(&fault_table[call].limit, limit);
    if (count > 0) {
        left |= (unsigned)count;
        atomic_store(&fault_table[call].left, left);
    }
    return (int)(before & 0x7fffffff);
}

bool
fault_next(enum sys_call call, size_t *limit)
{
    const unsigned long long one_skip = 1ULL << 32;
    atomic_ullong *counts = &fault_table[call].left;
    unsigned long long left = atomic_load(counts), next;

    do {
        if (left == 0) {
            return false;
        }
        next = left >= one_skip ? left - one_skip : left - 1;
    } while (!atomic_compare_exchange_weak(counts, &left, next));
    if (left >= one_skip) {
        return false;
    }
    int err = atomic_load(&fault_table[call].err);
    if (err > 0) {
        errno = err;
        return true;
    }
    *limit = atomic_load(&fault_table[call].limit);
    return false;
}

#endif

bool
sys_fault(enum sys_call call)
{
    return fault_fails(call);
}
