/* spin.h - to look for a change for some microseconds, and not to sleep. */
#ifndef AIOFILES_C_SPIN_H
#define AIOFILES_C_SPIN_H

#include <stdbool.h>
#include <time.h>

struct spin {
    struct timespec start;
    long most; /* ns */
};

static inline void
spin_start(struct spin *spin, long most)
{
    spin->most = most;
    clock_gettime(CLOCK_MONOTONIC, &spin->start);
}

/* Tell the processor that this is a spin, where it wants to know. */
static inline void
spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* A short while; false when the time is up. */
static inline bool
spin_on(const struct spin *spin)
{
    struct timespec now;

    for (int i = 0; i < 16; i++) {
        spin_pause();
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)(now.tv_sec - spin->start.tv_sec) * 1000000000L
               + (now.tv_nsec - spin->start.tv_nsec)
           < spin->most;
}

#endif
