/* A broker and a vmpool that do random things, die by SIGKILL at random moments, and start again:
 * the invariants hold after every death, and what a process was told is done stays done.
 *     test_store_property [SEED [ROUNDS]] */
#include "store/audit.h"
#include "store/ticket.h"
#include "tests/store/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 25
#define STEPS_PER_ROUND 500
#define ROWS 64

static uint64_t seed = 1;
static unsigned rounds = ROUNDS;

/* xorshift64*: the same steps for the same seed; only the moment of death is the machine's. */
static uint64_t next(uint64_t *x)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return *x * UINT64_C(2685821657736338717);
}

/* What the children have been told is committed; the parent reads it after their death. */
struct promise {
    volatile uint64_t steps;
    volatile uint64_t stamp_ms;
    volatile uint64_t faults;
    char fault[200];
};

struct actor {
    struct orl_store *store;
    struct promise *promise;
    uint64_t random;
    uint64_t now_ms;
    struct orl_desktop_row desktops[ROWS];
    unsigned desktop_count;
    struct orl_session_row sessions[ROWS];
    unsigned session_count;
};

static unsigned pick(struct actor *a, unsigned below)
{
    return (unsigned)(next(&a->random) % below);
}

static int keep_desktop(void *ctx, const struct orl_desktop_row *row)
{
    struct actor *a = ctx;
    if (a->desktop_count < ROWS) {
        a->desktops[a->desktop_count++] = *row;
    }
    return 0;
}

static int keep_session(void *ctx, const struct orl_session_row *row)
{
    struct actor *a = ctx;
    a->sessions[a->session_count++] = *row;
    return 0;
}

static void look(struct actor *a)
{
    a->desktop_count = a->session_count = 0;
    struct orl_session_filter live = {.is_live = true, .page.max_count = ROWS};
    if (orl_desktop_list(a->store, NULL, keep_desktop, a, NULL) < 0 ||
            orl_session_list(a->store, &live, keep_session, a, NULL) < 0) {
        a->promise->faults++;
    }
}

static const char *a_pool(struct actor *a)
{
    static const char *const pools[] = {"demo", "own", "desks"};
    return pools[pick(a, 3)];
}

static int add_desktop(struct actor *a)
{
    struct orl_desktop_row row = {.lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
    orl_msg_text(row.pool, sizeof(row.pool), a_pool(a));
    if (strcmp(row.pool, "desks") == 0) {
        row.power = ORL_POWER_RUNNING;
        row.is_ready = true;
    }
    return a->desktop_count >= 20
                   ? 0
                   : orl_desktop_insert(a->store, &row, "vmpool", a->now_ms, NULL, NULL);
}

static int any_move(struct actor *a)
{
    if (a->desktop_count == 0) {
        return 0;
    }
    const struct orl_desktop_row *row = &a->desktops[pick(a, a->desktop_count)];
    struct orl_desktop_move move = {.id = row->id,
            .version = pick(a, 8) == 0 ? row->version - 1 : row->version,
            .lease = (enum orl_lease)pick(a, ORL_LEASE_COUNT),
            .power = (enum orl_power)pick(a, ORL_POWER_COUNT)};
    return orl_desktop_move(a->store, &move, a->now_ms, NULL, NULL);
}

/* Mostly forwards, so that there are machines to give. */
static int boot(struct actor *a)
{
    if (a->desktop_count == 0) {
        return 0;
    }
    const struct orl_desktop_row *row = &a->desktops[pick(a, a->desktop_count)];
    struct orl_desktop_seen seen = {.id = row->id, .version = row->version, .is_ready = true};
    bool is_going = row->lease == ORL_LEASE_ENDING;
    switch (row->power) {
    case ORL_POWER_ABSENT:
        seen.power = is_going ? ORL_POWER_ABSENT : ORL_POWER_CLONING;
        break;
    case ORL_POWER_CLONING:
    case ORL_POWER_FAILED:
        seen.power = is_going ? ORL_POWER_ABSENT : ORL_POWER_STARTING;
        break;
    case ORL_POWER_STOPPED:
        seen.power =
                is_going && row->want == ORL_WANT_DELETE ? ORL_POWER_ABSENT : ORL_POWER_STARTING;
        break;
    case ORL_POWER_RUNNING:
        seen.power = is_going ? ORL_POWER_STOPPING : ORL_POWER_RUNNING;
        break;
    case ORL_POWER_STOPPING:
        seen.power = ORL_POWER_STOPPED;
        break;
    default:
        seen.power = ORL_POWER_RUNNING;
        break;
    }
    return orl_desktop_observe(a->store, &seen, a->now_ms, NULL);
}

static int remove_desktop(struct actor *a)
{
    if (a->desktop_count == 0) {
        return 0;
    }
    const struct orl_desktop_row *row = &a->desktops[pick(a, a->desktop_count)];
    return orl_desktop_remove(a->store, row->id, row->version, "vmpool", a->now_ms, NULL);
}

static int log_in(struct actor *a)
{
    struct orl_session_row row = {.gateway = "g", .conn = 1 + pick(a, 1000)};
    (void)snprintf(row.user, sizeof(row.user), "user-%u", pick(a, 6));
    orl_msg_text(row.pool, sizeof(row.pool), a_pool(a));
    struct orl_id id;
    int rc = orl_session_insert(a->store, &row, a->now_ms + 50, a->now_ms, &id, NULL);
    struct orl_desktop_row desktop;
    return rc < 0 ? rc : orl_session_claim(a->store, id.text, a->now_ms, &desktop, NULL);
}

static int live_on(struct actor *a)
{
    if (a->session_count == 0) {
        return 0;
    }
    const struct orl_session_row *row = &a->sessions[pick(a, a->session_count)];
    struct orl_desktop_row desktop;
    switch (pick(a, 5)) {
    case 0:
        return orl_session_claim(a->store, row->id, a->now_ms, &desktop, NULL);
    case 1:
        return orl_session_activate(a->store, row->id, a->now_ms + 50, a->now_ms, NULL);
    case 2:
        return orl_session_disconnect(
                a->store, row->id, row->conn, ORL_REASON_CLIENT_CLOSED, a->now_ms, NULL);
    case 3:
        return orl_session_renew(a->store, row->id, a->now_ms + 50, "{}", NULL);
    default:
        return orl_session_end(a->store, row->id, ORL_REASON_LOGGED_OFF, "broker", a->now_ms, NULL);
    }
}

static int tidy(struct actor *a)
{
    int rc = orl_session_expire(a->store, 5, a->now_ms, NULL);
    return rc < 0 ? rc : orl_session_reap(a->store, 5, a->now_ms + 60000, NULL);
}

static int step(struct actor *a)
{
    switch (pick(a, 16)) {
    case 0:
        return add_desktop(a);
    case 1:
        return any_move(a);
    case 2:
    case 3:
        return remove_desktop(a);
    case 4:
    case 5:
        return log_in(a);
    case 6:
    case 7:
    case 8:
        return live_on(a);
    case 9:
        return pick(a, 4) == 0 ? tidy(a) : 0;
    default:
        return boot(a);
    }
}

/* Refusals are the point; anything else is a fault of ours. */
static bool is_expected(int rc)
{
    return rc >= 0 || rc == ORL_E_NOTFOUND || rc == ORL_E_EXISTS || rc == ORL_E_DENIED ||
           rc == ORL_E_CONFLICT || rc == ORL_E_INVAL;
}

static void act(const char *path, struct promise *promise, uint64_t random, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct actor *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        _exit(1);
    }
    a->promise = promise;
    a->random = random;
    a->now_ms = now_ms;
    if (orl_store_open(path, &a->store, &err) < 0) {
        (void)snprintf(promise->fault, sizeof(promise->fault), "open: %.150s", err.text);
        promise->faults++;
        _exit(1);
    }
    for (unsigned i = 0; i < STEPS_PER_ROUND; i++) {
        a->now_ms++;
        look(a);
        int rc = step(a);
        if (!is_expected(rc)) {
            (void)snprintf(promise->fault, sizeof(promise->fault), "step: %d", rc);
            promise->faults++;
        }
        uint64_t stamp_ms = 0;
        if (orl_store_stamp(a->store, &stamp_ms, NULL) == 0) {
            promise->stamp_ms = stamp_ms;
        }
        promise->steps++;
    }
    orl_store_close(a->store);
    free(a);
    _exit(0);
}

static void check_invariants(struct fixture *f, const struct promise *promise)
{
    assert_ok(f, orl_store_check(f->store, &f->err));
    uint64_t stamp_ms = 0;
    assert_ok(f, orl_store_stamp(f->store, &stamp_ms, &f->err));
    assert_true(stamp_ms >= promise->stamp_ms);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM desktop WHERE is_tainted = 1"
                                       " AND lease = 'free' AND kind <> 'static'"),
            0);
    /* The audit is the memory of rows that are gone: a floating desktop was claimed at most once,
     * and none by two people. */
    assert_int_equal(
            fixture_number(f,
                    "SELECT count(*) FROM (SELECT object FROM audit WHERE action = 'desktop.claim'"
                    " AND detail = 'demo' GROUP BY object HAVING count(*) > 1) x"),
            0);
    assert_int_equal(
            fixture_number(f,
                    "SELECT count(*) FROM (SELECT object FROM audit WHERE action = 'desktop.claim'"
                    " AND detail = 'own' GROUP BY object HAVING count(DISTINCT user_name) > 1) x"),
            0);
    /* Row and audit are one: every claim raised the version of what is still there. */
    assert_int_equal(
            fixture_number(f, "SELECT count(*) FROM desktop d WHERE is_tainted = 1"
                              " AND NOT EXISTS (SELECT 1 FROM audit a WHERE"
                              " a.action = 'desktop.claim' AND a.object = 'desktop:' || d.id)"),
            0);
}

static pid_t start(const char *path, struct promise *promise, uint64_t random, uint64_t now_ms)
{
    pid_t pid = fork();
    if (pid == 0) {
        act(path, promise, random, now_ms);
    }
    return pid;
}

static void end(pid_t pid, bool is_killed)
{
    if (is_killed) {
        assert_int_equal(kill(pid, SIGKILL), 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

static void random_moves_and_kills_keep_the_invariants(void **state)
{
    struct fixture *f = *state;
    struct promise *promise =
            mmap(NULL, sizeof(*promise), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(promise != MAP_FAILED);
    print_message("seed %llu\n", (unsigned long long)seed);
    uint64_t random = seed * 2 + 1;
    for (unsigned round = 0; round < rounds; round++) {
        orl_store_close(f->store);
        f->store = NULL;
        uint64_t now_ms = f->now_ms + (uint64_t)(round + 1) * STEPS_PER_ROUND;
        pid_t a = start(f->path, promise, next(&random) | 1, now_ms);
        pid_t b = start(f->path, promise, next(&random) | 1, now_ms);
        assert_true(a > 0 && b > 0);
        /* Somewhere in its work, not in it for long: the moment is the kernel's choice. */
        struct timespec pause = {.tv_nsec = (long)(next(&random) % 400000000)};
        nanosleep(&pause, NULL);
        end(a, true);
        end(b, next(&random) % 2 == 0);
        if (promise->faults != 0) {
            fail_msg("round %u: %s", round, promise->fault);
        }
        assert_ok(f, orl_store_open(f->path, &f->store, &f->err));
        check_invariants(f, promise);
    }
    print_message("%llu steps, %llu claims\n", (unsigned long long)promise->steps,
            (unsigned long long)fixture_number(
                    f, "SELECT count(*) FROM audit WHERE action = 'desktop.claim'"));
    assert_true(fixture_number(f, "SELECT count(*) FROM audit WHERE action = 'desktop.claim'") > 0);
    (void)munmap(promise, sizeof(*promise));
}

int main(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    random_moves_and_kills_keep_the_invariants, fixture_set_up, fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
