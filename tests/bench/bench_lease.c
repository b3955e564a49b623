/* oriel-bench-lease [SESSIONS]: what it costs to renew every session's lease once, each in a transaction of its own and
 * 128 in one statement, as the broker does. Under tests/store/with_postgres the store is PostgreSQL's. */
#include "base/clock.h"
#include "tests/store/store_fixture.h"
#include <stdio.h>
#include <stdlib.h>

enum { SESSIONS = 10000, SESSIONS_MAX = 100000 };

static unsigned session_count = SESSIONS;

static double alone_ms(struct fixture *f, const struct orl_id *ids)
{
    uint64_t begin_us = orl_clock_now_us();
    for (unsigned i = 0; i < session_count; i++) {
        struct orl_store_tx tx = {0};
        assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
        assert_ok(f, orl_session_renew(f->store, ids[i].text, f->now_ms + 30000, "{}", &f->err));
        assert_ok(f, orl_store_tx_commit(&tx, &f->err));
    }
    return (double)(orl_clock_now_us() - begin_us) / 1000;
}

static double together_ms(struct fixture *f, const struct orl_id *ids)
{
    uint64_t begin_us = orl_clock_now_us();
    struct orl_session_renewal renewals[ORL_SESSION_RENEWALS_MAX];
    unsigned done = 0;
    while (done < session_count) {
        size_t count = 0;
        for (; count < ORL_SESSION_RENEWALS_MAX && done < session_count; count++) {
            renewals[count] = (struct orl_session_renewal){.id = ids[done++].text, .stats = "{}"};
        }
        assert_ok(f, orl_session_renew_all(f->store, renewals, count, f->now_ms + 30000, &f->err));
    }
    return (double)(orl_clock_now_us() - begin_us) / 1000;
}

static void bench(void **state)
{
    struct fixture *f = *state;
    struct orl_id *ids = calloc(session_count, sizeof(*ids));
    struct orl_store_tx tx = {0};
    char user[32];
    assert_non_null(ids);
    assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
    for (unsigned i = 0; i < session_count; i++) {
        (void)snprintf(user, sizeof(user), "u%u", i);
        ids[i] = fixture_wait(f, user, "demo", i + 1);
    }
    assert_ok(f, orl_store_tx_commit(&tx, &f->err));
    double alone = alone_ms(f, ids);
    double together = together_ms(f, ids);
    printf("%u leases, %s: alone %.0f ms, by %d %.0f ms, ratio %.1f\n", session_count,
            f->is_postgres ? "PostgreSQL" : "SQLite", alone, ORL_SESSION_RENEWALS_MAX, together,
            alone / together);
    free(ids);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : SESSIONS;
    const struct CMUnitTest benches[] = {
            cmocka_unit_test_setup_teardown(bench, fixture_set_up, fixture_tear_down)};
    if (count < 1 || count > SESSIONS_MAX) {
        (void)fprintf(stderr, "usage: oriel-bench-lease [SESSIONS]\n");
        return 64;
    }
    session_count = (unsigned)count;
    return cmocka_run_group_tests(benches, NULL, NULL);
}
