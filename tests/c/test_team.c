/* test_team.c - work shared by workers: reads of many bytes, recoding. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "io.h"
#include "pool_int.h"
#include "recode.h"
#include "team.h"

enum { PARTS = 500, BYTES = 11 * 1000 * 1000 };

struct counted {
    atomic_int runs[PARTS];
    struct gate *gate; /* NULL, or where part 0 is held */
};

static void
count_part(void *work, size_t part)
{
    struct counted *counted = work;
    atomic_fetch_add(&counted->runs[part], 1);
    if (part == 0 && counted->gate != NULL) {
        gate_pass(counted->gate);
    }
}

static bool
all_ran_once(const struct counted *counted)
{
    bool once = true;
    for (int i = 0; i < PARTS; i++) {
        once = once && atomic_load(&counted->runs[i]) == 1;
    }
    return once;
}

static void
test_parts(void)
{
    const struct job part = {.kind = JOB_WAITS}, hangs = {.kind = JOB_HANGS};
    struct counted alone = {0}, crowd = {0}, none = {0};
    struct pool *pool = pool_create(4), *one = pool_create(1);
    struct task busy;
    struct gate gate;

    team_run(pool, &part, PARTS, count_part, &crowd);
    check(all_ran_once(&crowd), "team: each part runs once");

    gate_init(&gate);
    task_init(&busy, &gate, NULL);
    task_submit(one, NULL, &busy);
    check(gate_await(&gate, 1), "team: the only worker is held");
    team_run(one, &part, PARTS, count_part, &alone);
    check(all_ran_once(&alone), "team: it needs no worker to end");
    gate_open(&gate);
    pool_wait(one, &busy.job);

    team_run(pool, &hangs, 0, count_part, &none);
    check(atomic_load(&none.runs[0]) == 0, "team: no parts, no calls");
    check(pool_orphans(pool) == NULL, "team: its members are no orphans");
    pool_destroy(one);
    pool_destroy(pool);
}

struct runner {
    struct job job;
    struct pool *pool;
    struct counted *counted;
};

static void
runner_run(struct job *job)
{
    struct runner *runner = (struct runner *)job;
    team_run(runner->pool, job, PARTS, count_part, runner->counted);
}

/* As files use it: from inside of jobs, several at once, more than workers. */
static void
test_nested(void)
{
    static struct counted counted[6];
    struct runner runners[6];
    struct pool *pool = pool_create(3);
    bool once = true;

    for (int i = 0; i < 6; i++) {
        runners[i] = (struct runner){.pool = pool, .counted = &counted[i]};
        runners[i].job.run = runner_run;
        runners[i].job.awaited = true;
        pool_submit(pool, NULL, &runners[i].job);
    }
    for (int i = 0; i < 6; i++) {
        pool_wait(pool, &runners[i].job);
        once = once && all_ran_once(&counted[i]);
    }
    check(once, "team: teams inside of jobs end, each part run once");
    pool_destroy(pool);
}

/* Read len bytes at off of fd, which has size bytes, by one job. */
static bool
reads_right(struct pool *pool, int fd, size_t size, off_t off, size_t len)
{
    struct io io = {.steps = IO_READ, .fd = fd, .off = off, .len = len};
    size_t want = (size_t)off < size ? size - (size_t)off : 0;
    bool right = true;

    want = want < len ? want : len;
    io.pool = pool;
    io.buf = malloc(len);
    io_run(&io.job);
    for (size_t i = 0; i < io.done; i++) {
        right = right && io.buf[i] == (char)((i + (size_t)off) % 251);
    }
    free(io.buf);
    return right && io.err == 0 && io.done == want && io.eof == (want < len);
}

static void
test_shared_read(void)
{
    struct pool *pool = pool_create(4);
    char name[] = "/tmp/aiofiles_c-team-XXXXXX";
    char *data = malloc(BYTES);
    int fd = mkstemp(name);

    unlink(name);
    for (size_t i = 0; i < BYTES; i++) {
        data[i] = (char)(i % 251);
    }
    check(write(fd, data, BYTES) == BYTES, "shared read: the file is there");
    check(reads_right(pool, fd, BYTES, 0, BYTES), "shared read: all of it");
    check(reads_right(pool, fd, BYTES, 12345, BYTES),
          "shared read: past the end, from an odd place");
    check(reads_right(pool, fd, BYTES, BYTES + 5, 8 << 20),
          "shared read: nothing behind the end");
#ifdef AIOF_DEBUG
    sys_inject(SYS_READV, 1, 1, 0, 1000);
    check(reads_right(pool, fd, BYTES, 0, BYTES),
          "shared read: a short one goes on");
    sys_inject(SYS_READV, 0, 1000, 5, 0);
    struct io io = {
        .steps = IO_READ, .fd = fd, .buf = data, .len = BYTES, .pool = pool};
    io_run(&io.job);
    check(io.err == 5 && io.done == 0, "shared read: an error is the job's");
    sys_inject(SYS_READV, 0, 0, 0, 0);
#endif
    close(fd);
    free(data);
    pool_destroy(pool);
}

/* Recode n bytes to characters of 4 bytes; their number, or -1 if bad. */
static long
recoded(struct pool *pool, enum recode_from from, bool translate,
        const char *src, size_t n, uint32_t *to, unsigned *max)
{
    const struct job part = {.kind = JOB_WAITS};
    struct recode r = {.src = src,
                       .n = n,
                       .from = from,
                       .universal = true,
                       .translate = translate,
                       .width = 4};
    long chars = -1;
    if (recode_plan(&r) == 0) {
        recode_measure(&r, pool, &part);
        if (!atomic_load(&r.bad)) {
            r.dst = to;
            recode_write(&r, pool, &part);
            chars = (long)r.chars;
            *max = r.max;
        }
        recode_free(&r);
    }
    return chars;
}

static void
test_recode(void)
{
    static const char unit[] = "a\r\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\r";
    static const uint32_t chars[] = {'a', '\n', 0xE9, 0x20AC, 0x1F600, '\n'};
    const size_t len = sizeof(unit) - 1, times = 200000;
    struct pool *pool = pool_create(4);
    char *src = malloc(len * times);
    uint32_t *to = malloc(len * times * sizeof(*to));
    unsigned max = 0;
    bool same = true;

    for (size_t i = 0; i < times; i++) {
        memcpy(src + i * len, unit, len);
    }
    long n = recoded(pool, RECODE_UTF8, true, src, len * times, to, &max);
    check(n == 6 * (long)times && max == 0x10FFFF, "recode: characters");
    for (long i = 0; i < n; i++) {
        same = same && to[i] == chars[i % 6];
    }
    check(same, "recode: UTF-8 with line ends translated, over all cuts");
    n = recoded(pool, RECODE_UTF8, false, src, len * times, to, &max);
    check(n == 7 * (long)times && to[1] == '\r', "recode: line ends kept");
    n = recoded(pool, RECODE_LATIN1, false, src, len * times, to, &max);
    check(n == (long)(len * times) && max == 0xFF, "recode: Latin-1");
    check(recoded(pool, RECODE_ASCII, false, src, len * times, to, &max) < 0,
          "recode: what is not ASCII is bad");
    check(recoded(pool, RECODE_UTF8, false, src, len * times - 2, to, &max)
              < 0,
          "recode: a character that is cut off is bad");
    free(src);
    free(to);
    pool_destroy(pool);
}

/* The processor is given to who was woken, unless that has cost too much. */
static void
test_make_way(void)
{
    struct pool *pool = pool_create(1);

    pool->refrain = 2;
    pool_make_way(pool);
    pool_make_way(pool);
    check(pool->refrain == 0, "make way: it is given up some times");
    check(pool->refrain_next == 0, "make way: nothing is learnt meanwhile");
    pool->refrain_next = 5;
    pool_make_way(pool);
    check(pool->refrain > 0 ? pool->refrain_next == 2 * pool->refrain
                            : pool->refrain_next == 4,
          "make way: then it is tried, and its outcome is noted");
    pool_destroy(pool);
}

void
test_team(void)
{
    test_make_way();
    test_parts();
    test_nested();
    test_shared_read();
    test_recode();
}
