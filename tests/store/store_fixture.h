/* A store in a folder of its own, with a template, pools of each kind and people. With ORIEL_TEST_PG
 * (tests/store/with_postgres) it is a schema of its own in PostgreSQL. */
#ifndef ORL_TESTS_STORE_FIXTURE_H
#define ORL_TESTS_STORE_FIXTURE_H
#include "store/session.h"
#include "store/store_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char file[80];  /* in the folder: the store, where it is SQLite's */
    char path[400]; /* what orl_store_open() takes */
    bool is_postgres;
    struct orl_store *store;
    struct orl_err err;
    uint64_t now_ms;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_remove(struct fixture *f);     /* folder and files */
void fixture_empty(struct fixture *f);      /* no handle open: as if there had never been a store */
void fixture_seed(struct orl_store *store); /* template "tiny", pools, people; nothing if there */

/* Fails the test with the error's text. */
#define assert_ok(f, call) fixture_check((f), (call), #call, __LINE__)
void fixture_check(const struct fixture *f, int rc, const char *call, int line);

/* A desktop of the pool, running and ready, never given. */
struct orl_id fixture_ready_desktop(struct fixture *f, const char *pool);
/* Walks the machine to power by legal steps. */
void fixture_power(struct fixture *f, const char *id, enum orl_power power);
struct orl_desktop_row fixture_desktop(struct fixture *f, const char *id);
struct orl_session_row fixture_session(struct fixture *f, const char *id);
struct orl_id fixture_wait(struct fixture *f, const char *user, const char *pool, uint32_t conn);
/* A session that is active on a desktop of its own. */
struct orl_id fixture_active(struct fixture *f, const char *user, const char *pool);
/* Rows that a SELECT of one number gives. */
uint64_t fixture_number(struct fixture *f, const char *sql);

#endif
