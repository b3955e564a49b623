#include "bad_world.h"
#include "store/alarm.h"
#include "store/store_db.h"
#include "store/store_priv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLED_S = 60 };

int bad_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    world_open(w, 1, WORLD_SOUND);
    world_calm(w, SETTLED_S);
    *state = w;
    return w->fault[0] ? -1 : 0;
}

int bad_close(void **state)
{
    world_close(*state);
    free(*state);
    return 0;
}

struct wanted {
    enum orl_reason reason;
    const char *object;
    unsigned count;
};

static int is_wanted(void *ctx, const struct orl_alarm_row *row)
{
    const struct wanted *wanted = ctx;
    return row->reason == wanted->reason && strcmp(row->object, wanted->object) == 0;
}

bool bad_has_alarm(struct world *w, enum orl_reason reason, const char *object)
{
    struct wanted wanted = {.reason = reason, .object = object};
    return orl_alarm_list(w->store, NULL, is_wanted, &wanted, NULL) == 1;
}

bool bad_has_desktop_alarm(struct world *w, enum orl_reason reason, const char *id)
{
    char object[64];
    (void)snprintf(object, sizeof object, "desktop:%s", id);
    return bad_has_alarm(w, reason, object);
}

static int count_one(void *ctx, const struct orl_alarm_row *row)
{
    struct wanted *wanted = ctx;
    print_message("alarm %s of %s: %s\n", orl_reason_code(row->reason), row->object, row->text);
    wanted->count++;
    return 0;
}

unsigned bad_count_alarms(struct world *w)
{
    struct wanted wanted = {0};
    assert_int_equal(orl_alarm_list(w->store, NULL, count_one, &wanted, NULL), 0);
    return wanted.count;
}

struct orl_pool_row bad_pool(struct world *w, const char *name)
{
    struct orl_pool_row pool;
    struct orl_err err = {0};
    if (orl_pool_get(w->store, name, &pool, &err) < 0) {
        fail_msg("pool %s: %s", name, err.text);
    }
    return pool;
}

void bad_set(struct world *w, const struct orl_pool_row *pool)
{
    assert_int_equal(orl_pool_update(w->store, pool, NULL), 0);
}

void bad_minutes(struct world *w, unsigned count)
{
    world_calm_in_steps(w, 12 * count, 5000);
}

unsigned bad_count_ready(struct world *w, const char *pool)
{
    struct orl_desktop_counts counts;
    assert_int_equal(orl_desktop_count(w->store, pool, &counts, NULL), 0);
    return counts.ready;
}

struct orl_desktop_row bad_give(struct world *w, const char *pool, const char *user)
{
    struct orl_session_row session = {.conn = 1, .protocol = ORL_PROTOCOL_RDP};
    struct orl_desktop_row desktop;
    struct orl_id id;
    const uint64_t until_ms = w->now_ms + 999999999;
    (void)snprintf(session.pool, sizeof session.pool, "%s", pool);
    (void)snprintf(session.user, sizeof session.user, "%s", user);
    assert_int_equal(orl_session_insert(w->store, &session, until_ms, w->now_ms, &id, NULL), 0);
    assert_int_equal(orl_session_claim(w->store, id.text, w->now_ms, &desktop, NULL), 0);
    assert_int_equal(orl_session_activate(w->store, id.text, until_ms, w->now_ms, NULL), 0);
    return bad_row(w, desktop.id);
}

struct orl_desktop_row bad_row(struct world *w, const char *id)
{
    struct orl_desktop_row row;
    assert_int_equal(orl_desktop_get(w->store, id, &row, NULL), 0);
    return row;
}

int bad_try_edit(struct world *w, const char *sql)
{
    ORL_DB_AUTO q = orl_db_query(w->store->db, sql);
    return orl_db_run(&q, NULL);
}

void bad_edit(struct world *w, const char *sql)
{
    if (bad_try_edit(w, sql) != 1) {
        fail_msg("%s", sql);
    }
}
