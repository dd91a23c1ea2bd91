/* spin.h - to look for a change for some microseconds, and not to sleep. */
#ifndef AIOFILES_C_SPIN_H
#define AIOFILES_C_SPIN_H

#include <stdbool.h>
#include <time.h>

/* ns between two looks after which others must have had the processor. */
enum { SPIN_LOST = 100000 };

struct spin {
    struct timespec last;
    long left; /* ns */
    bool lost; /* the processor was, for a while: it is wanted by others */
};

static inline void
spin_start(struct spin *spin, long most)
{
    spin->left = most;
    spin->lost = false;
    clock_gettime(CLOCK_MONOTONIC, &spin->last);
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

/* A short while; false when the time is up, or the processor was lost. */
static inline bool
spin_on(struct spin *spin)
{
    struct timespec now;

    for (int i = 0; i < 16; i++) {
        spin_pause();
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    long past = (long)(now.tv_sec - spin->last.tv_sec) * 1000000000L
                + (now.tv_nsec - spin->last.tv_nsec);
    spin->last = now;
    spin->left -= past;
    spin->lost = past > SPIN_LOST;
    return spin->left > 0 && !spin->lost;
}

#endif
