#include "tests/store/store_fixture.h"

#include "store/entitlement.h"
#include "store/pool.h"
#include "store/template.h"
#include "store/user.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START_MS UINT64_C(1700000000000)

void fixture_check(const struct fixture *f, int rc, const char *call, int line)
{
    if (rc < 0) {
        fail_msg("line %d: %s: %d %s", line, call, rc, f->err.text);
    }
}

static void must(int rc)
{
    if (rc < 0 && rc != ORL_E_EXISTS) {
        abort();
    }
}

void fixture_seed(struct orl_store *store)
{
    struct orl_template_row tiny = {
            .name = "tiny", .kind = ORL_TEMPLATE_KERNEL, .memory_mib = 256, .vcpus = 1};
    must(orl_template_insert(store, &tiny, START_MS, NULL));
    static const struct orl_pool_row pools[] = {
            {.name = "demo",
                    .kind = ORL_POOL_FLOATING,
                    .template_name = "tiny",
                    .spares = 1,
                    .max_desktops = 4,
                    .disconnect_timeout_s = 60},
            {.name = "own",
                    .kind = ORL_POOL_DEDICATED,
                    .template_name = "tiny",
                    .max_desktops = 4,
                    .disconnect_timeout_s = 60},
            {.name = "desks", .kind = ORL_POOL_STATIC, .max_desktops = 4},
    };
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        must(orl_pool_insert(store, &pools[i], START_MS, NULL));
    }
    static const char *const names[] = {"alice", "bob", "carol"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct orl_user_row user = {.role = ORL_ROLE_USER};
        orl_msg_text(user.name, sizeof(user.name), names[i]);
        must(orl_user_insert(store, &user, START_MS, NULL));
    }
}

static void use_postgres(struct fixture *f)
{
    const char *server = getenv("ORIEL_TEST_PG");
    if (server == NULL) {
        return;
    }
    f->is_postgres = true;
    (void)snprintf(f->path, sizeof(f->path), "%s options=-csearch_path=t%d", server, (int)getpid());
}

static void exec_postgres(struct fixture *f, const char *verb)
{
    char script[160];
    struct orl_db *db = NULL;
    (void)snprintf(
            script, sizeof(script), "DROP SCHEMA IF EXISTS t%d CASCADE; %s", (int)getpid(), verb);
    assert_ok(f, orl_db_open(getenv("ORIEL_TEST_PG"), 10000, &db, &f->err));
    assert_ok(f, orl_db_exec(db, script, &f->err));
    orl_db_close(db);
}

enum { OF_STORE = 4 };

static void remove_files(struct fixture *f, bool is_all)
{
    static const char *const suffixes[] = {
            "", "-wal", "-shm", "-journal", ".copy", ".copy-wal", ".copy-shm", ".before"};
    size_t count = is_all ? sizeof(suffixes) / sizeof(suffixes[0]) : OF_STORE;
    for (size_t i = 0; i < count; i++) {
        char path[100];
        (void)snprintf(path, sizeof(path), "%s%s", f->file, suffixes[i]);
        (void)unlink(path);
    }
}

void fixture_empty(struct fixture *f)
{
    char verb[64];
    remove_files(f, false);
    if (f->is_postgres) {
        (void)snprintf(verb, sizeof(verb), "CREATE SCHEMA t%d", (int)getpid());
        exec_postgres(f, verb);
    }
}

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return -1;
    }
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/oriel-store-XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        free(f);
        return -1;
    }
    (void)snprintf(f->file, sizeof(f->file), "%s/store.db", f->folder);
    (void)snprintf(f->path, sizeof(f->path), "%s", f->file);
    use_postgres(f);
    fixture_empty(f);
    f->now_ms = START_MS;
    *state = f;
    if (orl_store_open(f->path, &f->store, &f->err) < 0) {
        print_error("%s\n", f->err.text);
        return -1;
    }
    fixture_seed(f->store);
    return 0;
}

void fixture_remove(struct fixture *f)
{
    remove_files(f, true);
    if (f->is_postgres) {
        exec_postgres(f, "");
    }
    (void)rmdir(f->folder);
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;
    orl_store_close(f->store);
    fixture_remove(f);
    free(f);
    return 0;
}

struct orl_id fixture_ready_desktop(struct fixture *f, const char *pool)
{
    struct orl_desktop_row row = {
            .lease = ORL_LEASE_FREE, .power = ORL_POWER_RUNNING, .is_ready = true};
    orl_msg_text(row.pool, sizeof(row.pool), pool);
    struct orl_id id = {{0}};
    assert_ok(f, orl_desktop_insert(f->store, &row, "test", ++f->now_ms, &id, &f->err));
    return id;
}

void fixture_power(struct fixture *f, const char *id, enum orl_power power)
{
    struct orl_desktop_move move = {.id = id, .power = power, .actor = "vmpool"};
    assert_ok(f, orl_desktop_move(f->store, &move, ++f->now_ms, NULL, &f->err));
}

struct orl_desktop_row fixture_desktop(struct fixture *f, const char *id)
{
    struct orl_desktop_row row = {0};
    assert_ok(f, orl_desktop_get(f->store, id, &row, &f->err));
    return row;
}

struct orl_session_row fixture_session(struct fixture *f, const char *id)
{
    struct orl_session_row row = {0};
    assert_ok(f, orl_session_get(f->store, id, &row, &f->err));
    return row;
}

struct orl_id fixture_wait(struct fixture *f, const char *user, const char *pool, uint32_t conn)
{
    struct orl_session_row row = {
            .protocol = ORL_PROTOCOL_RDP, .client = "192.0.2.7:4711", .gateway = "g", .conn = conn};
    orl_msg_text(row.user, sizeof(row.user), user);
    orl_msg_text(row.pool, sizeof(row.pool), pool);
    struct orl_id id = {{0}};
    f->now_ms++;
    assert_ok(f, orl_session_insert(f->store, &row, f->now_ms + 30000, f->now_ms, &id, &f->err));
    return id;
}

struct orl_id fixture_active(struct fixture *f, const char *user, const char *pool)
{
    (void)fixture_ready_desktop(f, pool);
    struct orl_id id = fixture_wait(f, user, pool, 7);
    struct orl_desktop_row desktop;
    assert_ok(f, orl_session_claim(f->store, id.text, ++f->now_ms, &desktop, &f->err));
    f->now_ms++;
    assert_ok(f, orl_session_activate(f->store, id.text, f->now_ms + 30000, f->now_ms, &f->err));
    return id;
}

uint64_t fixture_number(struct fixture *f, const char *sql)
{
    ORL_DB_AUTO q = orl_db_query(f->store->db, sql);
    int rc = orl_db_step(&q, &f->err);
    assert_int_equal(rc, 1);
    return orl_db_get_u64(&q);
}
