/* team.c - see team.h.
 *
 * Whoever is free takes the next part, so that all end at nearly the same
 * time.  A member that no worker has begun with when the parts are all taken
 * goes back unrun: a team never waits for a worker, only for work.
 */
#include "team.h"

#include <stdatomic.h>

enum { TEAM_MOST = 4 };

struct team {
    team_fn run;
    void *work;
    size_t parts;
    atomic_size_t next; /* the first part that nobody has taken */
};

struct member {
    struct job job; /* first */
    struct team *team;
};

static void
team_work(struct team *team)
{
    size_t part;
    while ((part = atomic_fetch_add(&team->next, 1)) < team->parts) {
        team->run(team->work, part);
    }
}

static void
member_run(struct job *job)
{
    team_work(((struct member *)job)->team);
}

void
team_run(struct pool *pool, const struct job *job, size_t parts, team_fn run,
         void *work)
{
    struct team team = {.run = run, .work = work, .parts = parts};
    struct member members[TEAM_MOST - 1] = {0};
    size_t most = pool_processors(pool), n = 0;

    atomic_init(&team.next, 0);
    most = most < TEAM_MOST ? most : TEAM_MOST;
    most = most < parts ? most : parts;
    for (; n + 1 < most; n++) {
        members[n].team = &team;
        members[n].job.run = member_run;
        members[n].job.kind = job->kind == JOB_HANGS ? JOB_HANGS : JOB_HELPS;
        members[n].job.disk = job->disk;
        members[n].job.awaited = true;
        if (pool_submit(pool, NULL, &members[n].job) < 0) {
            break;
        }
    }
    if (n > 0) {
        pool_make_way(pool);
    }
    team_work(&team);
    while (n-- > 0) {
        if (!pool_cancel(pool, &members[n].job)) {
            pool_wait(pool, &members[n].job);
        }
    }
}
