/* A world for the pool's property test: the real store, the real reconciler, a fake hypervisor, and
 * persons, administrators, faults and kills that a seed decides about. Checks what must always hold
 * after every step. */
#ifndef ORL_TESTS_VMPOOL_POOL_WORLD_H
#define ORL_TESTS_VMPOOL_POOL_WORLD_H
#include "fake_backend.h"
#include "store/desktop.h"
#include "store/golden.h"
#include "store/session.h"
#include "vmpool/reconcile.h"

#define WORLD_USERS 6
#define WORLD_POOLS 2
#define WORLD_JOBS 128
#define WORLD_SEEN 65536

/* Bugs that are put in on purpose: the test must find each. */
enum world_bug {
    WORLD_SOUND = 0,
    WORLD_BUG_OVER_MAX,  /* the plan counts the maximum wrongly */
    WORLD_BUG_LEAK,      /* removal says done and does nothing */
    WORLD_BUG_REUSE,     /* a desktop that was given is started again instead of destroyed */
    WORLD_BUG_ROBBERY,   /* a person's desktop is taken for one that nobody has */
    WORLD_BUG_FLOOD,     /* actions in flight are not counted */
    WORLD_BUG_IMPATIENT, /* back-off is forgotten */
    WORLD_BUG_STUCK,     /* what failed once is never tried again */
    WORLD_BUG_COUNT
};
struct world_job {
    struct orl_job *job;
    bool has_run;
    bool is_late; /* the process that sent it is dead */
    bool is_hung; /* while the world's hangs is that */
};
struct world {
    uint64_t seed;
    enum world_bug bug;
    bool has_golden; /* the floating pool's desktops are copies of golden images */
    struct fake fake;
    struct orl_backend backend;
    char dir[64];
    char target[400]; /* of the store */
    struct orl_store *store;
    struct orl_reconcile *reconcile;
    uint64_t now_ms;
    unsigned step;
    struct world_job jobs[WORLD_JOBS];
    size_t job_count;
    enum orl_template_state templates[4]; /* of each version's files; 0: ready */
    enum orl_job_kind hangs;              /* calls of that kind do not come back ... */
    enum orl_job_kind parks;              /* calls of that kind wait for a worker */
    unsigned hang_max;                    /* ... as many of them */
    int64_t clock_ahead_ms;               /* of the database's */
    char sessions[WORLD_POOLS][WORLD_USERS][ORL_ID_LEN + 1];
    uint32_t rows[WORLD_POOLS]; /* after the last step */
    uint32_t max[WORLD_POOLS];
    /* Desktops ever seen: to whom given, whether ended. */
    struct world_seen {
        char id[ORL_ID_LEN + 1];
        char user[16];
        bool has_ended;
    } * seen;
    size_t seen_count;
    char odd[200];                   /* the row that kept the last settling from its end */
    unsigned given, kills, recycled; /* to know that the run was no idle one */
    char fault[256];                 /* what does not hold; empty: all does */
};

void world_open(struct world *world, uint64_t seed, enum world_bug bug);
void world_open_golden(struct world *world, uint64_t seed);
void world_start(struct world *world); /* another vmpool, which remembers nothing */
void world_close(struct world *world);
/* false: something does not hold (world->fault). */
bool world_step(struct world *world);
/* No faults any more; persons leave. false: it does not settle, or settles wrongly. */
bool world_settle(struct world *world);

/* That many seconds without faults and without anybody's doing. */
void world_calm(struct world *world, unsigned seconds);
void world_calm_in_steps(struct world *world, unsigned steps, unsigned step_ms);

/* cmocka's, for a story on a world that has settled: *state is it. */
int world_setup(void **state);
int world_teardown(void **state);

/* The person comes to pool floating and is in the desktop that they are given; ret_desktop as it was given. 0, or as the
 * store says. */
int world_give(struct world *world, const char *user, struct orl_desktop_row *ret_desktop);

/* SIGKILL, and a start; nothing that was under way is carried out. */
void world_restart(struct world *world);

/* The store becomes what the backup has, as by an administrator; vmpool was stopped for it. */
void world_restore(struct world *world, const char *file);

#endif
