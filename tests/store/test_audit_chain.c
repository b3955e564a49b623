/* Component: ten thousand random rows of two writers at once, and whatever is done to them afterwards is found. */
#include "base/clock.h"
#include "store/audit_chain.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 14000, ROWS_POSTGRES = 3000, TRIES = 12 };
#define START_MS (UINT64_C(1700000000) * 1000)

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static int append_one(struct orl_store *store, uint64_t *seed, uint64_t now_ms, struct orl_err *err)
{
    static const enum orl_reason reasons[] = {
            ORL_REASON_NONE, ORL_REASON_AUTH_FAILED, ORL_REASON_NOT_ENTITLED};
    static const char *const details[] = {
            "", "a", "ein \xc3\xbcml\xc3\xa4ut", "'; DROP TABLE audit; --", "no \xff text \xc3"};
    char client[32];
    (void)snprintf(client, sizeof(client), "192.0.%u.7:%u", (unsigned)(next_random(seed) % 2),
            (unsigned)(next_random(seed) % 60000));
    const struct orl_audit_event event = {.actor = "broker",
            .action = next_random(seed) % 2 == 0 ? "login" : "desktop.claim",
            .reason = reasons[next_random(seed) % 3],
            .kind = "desktop",
            .object = details[next_random(seed) % 5],
            .user = "alice",
            .client = client,
            .detail = details[next_random(seed) % 5]};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

/* Some at a time, now and then given up. */
static int write_rows(struct orl_store *store, unsigned count, uint64_t seed, struct orl_err *err)
{
    uint64_t now_ms = START_MS;
    int rc = 0;
    for (unsigned done = 0; rc == 0 && done < count;) {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        unsigned batch = 1 + (unsigned)(next_random(&seed) % 60);
        rc = orl_store_tx_begin(store, &tx, err);
        for (unsigned i = 0; rc == 0 && i < batch; i++) {
            now_ms += next_random(&seed) % 1000;
            rc = append_one(store, &seed, now_ms, err);
        }
        if (rc == 0 && next_random(&seed) % 16 != 0) {
            rc = orl_store_tx_commit(&tx, err);
            done += batch;
        }
    }
    return rc;
}

static void write_by_two(struct fixture *f, unsigned count)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct orl_store *store = NULL;
        struct orl_err err = {0};
        int rc = orl_store_open(f->path, &store, &err);
        rc = rc < 0 ? rc : write_rows(store, count / 2, 77, &err);
        _exit(rc < 0 ? 1 : 0);
    }
    assert_ok(f, write_rows(f->store, count / 2, 4711, &f->err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    while (orl_audit_close(f->store, START_MS * 2, &f->err) > 0) {
    }
}

static struct orl_audit_walk walk(struct fixture *f, const char *want)
{
    struct orl_audit_walk walk = {.rows = 0};
    assert_true(want[0] == '\0' || orl_audit_walk_want(&walk, want));
    while (!walk.is_done) {
        assert_ok(f, orl_audit_walk(f->store, 0, &walk, &f->err));
    }
    return walk;
}

static void exec(struct fixture *f, const char *script)
{
    assert_ok(f, orl_db_exec(f->store->db, script, &f->err));
}

static void assert_good(struct fixture *f)
{
    struct orl_audit_walk w = walk(f, "");
    if (w.bad_seq != 0) {
        fail_msg("row %llu %s: %s", (unsigned long long)w.bad_seq, w.bad_id, w.bad_text);
    }
    assert_int_equal(w.open_counters, 0);
}

static void keep(struct fixture *f)
{
    exec(f, f->is_postgres ? "DROP TRIGGER audit_only_counts ON audit"
                           : "DROP TRIGGER audit_only_counts");
    exec(f, "CREATE TABLE kept AS SELECT * FROM audit;"
            "CREATE TABLE kept_chain AS SELECT * FROM audit_chain");
}

static void put_back(struct fixture *f)
{
    exec(f, "DELETE FROM audit; DELETE FROM audit_chain;"
            "INSERT INTO audit SELECT * FROM kept; INSERT INTO audit_chain SELECT * FROM "
            "kept_chain");
}

/* What somebody did to the rows, then found. */
static void assert_found(struct fixture *f, const char *script)
{
    exec(f, script);
    struct orl_audit_walk w = walk(f, "");
    if (w.bad_seq == 0) {
        fail_msg("not found: %s", script);
    }
    put_back(f);
}

static uint64_t some_seq(struct fixture *f, uint64_t *seed, unsigned place)
{
    uint64_t first = fixture_number(f, "SELECT min(seq) FROM kept");
    uint64_t last = fixture_number(f, "SELECT max(seq) FROM kept");
    return place == 0 ? first : place == 1 ? last : first + next_random(seed) % (last - first + 1);
}

static void change_rows(struct fixture *f, uint64_t *seed)
{
    static const char *const changes[] = {"time_ms = time_ms + 1", "actor = 'x'", "action = 'x'",
            "reason = 'internal'", "object = object || 'x'", "user_name = 'bob'",
            "client = client || '1'", "detail = detail || ' '",
            "flood_prefix = flood_prefix || 'x'", "flood_minute = flood_minute + 1",
            "is_counter = 2", "closed_seq = closed_seq + 1", "chain = ''",
            "id = '0123456789abcdef0123456789abcdef'"};
    char script[256];
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        (void)snprintf(script, sizeof(script), "UPDATE audit SET %s WHERE seq = %llu", changes[i],
                (unsigned long long)some_seq(f, seed, i % 3));
        assert_found(f, script);
    }
}

static void remove_rows(struct fixture *f, uint64_t *seed)
{
    char script[256];
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t seq = some_seq(f, seed, i % 3);
        uint64_t many = i < 6 ? 1 : 1 + next_random(seed) % 50;
        (void)snprintf(script, sizeof(script), "DELETE FROM audit WHERE seq >= %llu AND seq < %llu",
                (unsigned long long)seq, (unsigned long long)(seq + many));
        assert_found(f, script);
    }
    assert_found(f, "DELETE FROM audit");
    /* Removed, and those behind it moved up. */
    (void)snprintf(script, sizeof(script),
            "DELETE FROM audit WHERE seq = %llu; UPDATE audit SET seq = -seq WHERE seq > %llu;"
            " UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
            (unsigned long long)500, (unsigned long long)500);
    assert_found(f, script);
}

static void swap_rows(struct fixture *f, uint64_t *seed)
{
    char script[400];
    for (unsigned i = 0; i < TRIES; i++) {
        unsigned long long a = some_seq(f, seed, i % 3);
        unsigned long long b = i % 2 == 0 ? (a > 1 ? a - 1 : a + 1) : some_seq(f, seed, 2);
        if (a != b) {
            (void)snprintf(script, sizeof(script),
                    "UPDATE audit SET seq = -1 WHERE seq = %llu;"
                    " UPDATE audit SET seq = %llu WHERE seq = %llu;"
                    " UPDATE audit SET seq = %llu WHERE seq = -1",
                    a, a, b, b);
            assert_found(f, script);
        }
    }
}

#define ANY_COUNTER "(SELECT min(seq) FROM kept WHERE is_counter = 1)"
#define ANY_CLOSING "(SELECT max(seq) FROM kept WHERE action = 'audit.count')"

static void change_counters(struct fixture *f)
{
    assert_true(fixture_number(f, "SELECT count(*) FROM kept WHERE is_counter = 1") > 3);
    assert_found(f, "UPDATE audit SET event_count = event_count - 1 WHERE seq = " ANY_COUNTER);
    assert_found(f, "UPDATE audit SET event_count = event_count + 1 WHERE seq = " ANY_COUNTER);
    assert_found(f, "UPDATE audit SET event_count = 9 WHERE seq = (SELECT max(seq) FROM kept)");
    assert_found(f, "UPDATE audit SET closed_seq = 0, event_count = 1 WHERE seq = " ANY_COUNTER);
    assert_found(f, "UPDATE audit SET closed_seq = " ANY_CLOSING ", event_count = 7777"
                    " WHERE seq = " ANY_COUNTER);
    assert_found(f, "UPDATE audit SET detail = '1' WHERE seq = " ANY_CLOSING);
    assert_found(f, "DELETE FROM audit WHERE seq = " ANY_CLOSING);
}

static void change_ends(struct fixture *f)
{
    assert_found(f, "UPDATE audit_chain SET seq = seq - 1 WHERE key = 'head'");
    assert_found(f, "UPDATE audit_chain SET seq = seq + 1 WHERE key = 'head'");
    assert_found(f, "UPDATE audit_chain SET chain = 'x' WHERE key = 'head'");
    assert_found(f, "UPDATE audit_chain SET seq = seq + 1 WHERE key = 'anchor'");
    assert_found(f, "UPDATE audit_chain SET chain = 'x' WHERE key = 'anchor'");
    assert_found(f, "DELETE FROM audit_chain WHERE key = 'head'");
    assert_found(f, "DELETE FROM audit_chain");
    assert_found(f,
            "INSERT INTO audit (seq, id, time_ms, actor, action, reason, object, user_name, client,"
            " detail, event_count, flood_prefix, flood_minute, is_counter, chain) SELECT seq + 1,"
            " 'f', time_ms, actor, action, reason, object, user_name, client, detail, 1, '', 0, 0,"
            " chain FROM kept ORDER BY seq DESC LIMIT 1");
}

static void everything_done_to_the_rows_is_found(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = UINT64_C(88172645463325252);
    write_by_two(f, f->is_postgres ? ROWS_POSTGRES : ROWS);
    struct orl_audit_walk w = walk(f, "");
    assert_int_equal(w.bad_seq, 0);
    assert_int_equal(w.rows, fixture_number(f, "SELECT count(*) FROM audit"));
    assert_true(w.rows >= (f->is_postgres ? 2000 : 10000));
    assert_good(f);
    keep(f);
    change_rows(f, &seed);
    remove_rows(f, &seed);
    swap_rows(f, &seed);
    change_counters(f);
    change_ends(f);
    assert_good(f);
}

static void pruned_rows_leave_a_chain(void **state)
{
    struct fixture *f = *state;
    struct orl_audit_link head;
    char first[ORL_AUDIT_WANT_MAX + 1];
    char text[ORL_AUDIT_WANT_MAX + 1];
    uint64_t seed = 8;
    assert_ok(f, append_one(f->store, &seed, START_MS, &f->err));
    assert_ok(f, orl_audit_head(f->store, &head, &f->err));
    assert_int_equal(head.seq, 1);
    (void)snprintf(first, sizeof(first), "1:%s", head.chain);
    assert_false(walk(f, first).is_want_old);
    assert_true(walk(f, first).has_want);
    assert_ok(f, write_rows(f->store, 600, 5, &f->err));
    uint64_t rows = fixture_number(f, "SELECT count(*) FROM audit");
    uint64_t middle_ms =
            fixture_number(f, "SELECT time_ms FROM audit ORDER BY seq LIMIT 1 OFFSET 150");
    int count = 0;
    int pruned = 0;
    while ((pruned = orl_audit_prune(f->store, middle_ms, UINT64_MAX / 2, 40, &f->err)) > 0) {
        count += pruned;
    }
    assert_int_equal(pruned, 0);
    assert_true(count >= 100);
    /* A head that was kept elsewhere and is pruned here is no fault; without its number nobody knows. */
    assert_true(walk(f, first).is_want_old);
    assert_int_equal(walk(f, first).bad_seq, 0);
    assert_true(walk(f, first + 2).is_want_old);
    (void)snprintf(text, sizeof(text), "%llu:%s", (unsigned long long)rows, first + 2);
    assert_false(walk(f, text).is_want_old);
    assert_int_not_equal(walk(f, text).bad_seq, 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), rows - (uint64_t)count);
    assert_int_equal(walk(f, "").bad_seq, 0);
    assert_ok(f, write_rows(f->store, 50, 6, &f->err));
    assert_int_equal(walk(f, "").bad_seq, 0);
    exec(f, "DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)");
    assert_int_not_equal(walk(f, "").bad_seq, 0);
}

static void a_row_of_a_wrong_clock_does_not_stop_the_pruning(void **state)
{
    struct fixture *f = *state;
    static const uint64_t times_ms[] = {10, 9000, 9000, 9000, 20, 9000, 3000, 30};
    uint64_t seed = 4;
    for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
        assert_ok(f, append_one(f->store, &seed, times_ms[i], &f->err));
    }
    /* In bites; what no old row follows stays, as does all behind a row that is kept. */
    assert_int_equal(orl_audit_prune(f->store, 2000, 4000, 3, &f->err), 3);
    assert_int_equal(walk(f, "").bad_seq, 0);
    assert_int_equal(orl_audit_prune(f->store, 2000, 4000, 3, &f->err), 2);
    assert_int_equal(orl_audit_prune(f->store, 2000, 4000, 3, &f->err), 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM audit"), 3);
    assert_int_equal(walk(f, "").bad_seq, 0);
}

static void a_kept_head_tells_of_a_chain_that_was_made_anew(void **state)
{
    struct fixture *f = *state;
    struct orl_audit_link old;
    struct orl_audit_link head;
    uint64_t seed = 3;
    assert_ok(f, append_one(f->store, &seed, START_MS, &f->err));
    assert_ok(f, orl_audit_head(f->store, &old, &f->err));
    assert_ok(f, append_one(f->store, &seed, START_MS, &f->err));
    assert_ok(f, orl_audit_head(f->store, &head, &f->err));
    assert_true(walk(f, old.chain).has_want);
    assert_int_equal(walk(f, head.chain).bad_seq, 0);
    /* The last row taken away without a trace in the store itself. */
    char script[300];
    (void)snprintf(script, sizeof(script),
            "DELETE FROM audit WHERE seq = 2; UPDATE audit_chain SET seq = 1, chain = '%s'"
            " WHERE key = 'head'",
            old.chain);
    exec(f, script);
    assert_int_equal(walk(f, "").bad_seq, 0);
    assert_int_equal(walk(f, old.chain).bad_seq, 0);
    assert_int_not_equal(walk(f, head.chain).bad_seq, 0);
}

static void rows_from_before_the_chain_are_left_alone(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 9;
    exec(f, "INSERT INTO audit (id, time_ms, actor, action, reason, object, user_name, client,"
            " detail, event_count, flood_prefix, flood_minute, is_counter) VALUES"
            " ('a', 1, 'x', 'y', '', '', '', '', '', 1, '', 0, 0),"
            " ('b', 1, 'x', 'y', 'auth_failed', '', '', '', '', 5, 'p', 0, 1)");
    struct orl_audit_walk w = walk(f, "");
    assert_int_equal(w.bad_seq, 0);
    assert_ok(f, append_one(f->store, &seed, START_MS, &f->err));
    w = walk(f, "");
    assert_int_equal(w.bad_seq, 0);
    assert_int_equal(w.old_rows, 2);
    assert_int_equal(w.rows, 1);
    assert_int_equal(orl_audit_prune(f->store, 1000, START_MS, 1, &f->err), 1);
    assert_int_equal(walk(f, "").old_rows, 1);
    assert_int_equal(orl_audit_prune(f->store, START_MS + 1, START_MS + 1, 10, &f->err), 2);
    assert_int_equal(walk(f, "").bad_seq, 0);
    assert_ok(f, append_one(f->store, &seed, START_MS, &f->err));
    assert_int_equal(walk(f, "").bad_seq, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
            TEST(everything_done_to_the_rows_is_found),
            TEST(pruned_rows_leave_a_chain),
            TEST(a_row_of_a_wrong_clock_does_not_stop_the_pruning),
            TEST(a_kept_head_tells_of_a_chain_that_was_made_anew),
            TEST(rows_from_before_the_chain_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
