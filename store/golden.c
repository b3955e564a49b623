#include "store/golden.h"
#include "store/store_priv.h"
#include <string.h>

#define COLUMNS                                                                                    \
    "id, host, template, template_version, devices, machine, qemu, is_shared, memory_mib, vcpus,"  \
    " uuid, state, percent, state_text, path, bytes, attempts, created_ms, changed_ms, built_ms"

static const char *const state_names[ORL_GOLDEN_STATE_COUNT] = {
        NULL, "building", "ready", "failed", "stale"};

const char *orl_golden_state_name(enum orl_golden_state state)
{
    return state > ORL_GOLDEN_UNKNOWN && state < ORL_GOLDEN_STATE_COUNT ? state_names[state] : "?";
}

bool orl_golden_state_parse(const char *text, enum orl_golden_state *ret_state)
{
    for (unsigned i = 1; i < ORL_GOLDEN_STATE_COUNT; i++) {
        if (strcmp(state_names[i], text) == 0) {
            *ret_state = (enum orl_golden_state)i;
            return true;
        }
    }
    return false;
}

int orl_golden_insert(struct orl_store *store, const struct orl_golden_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    if (!orl_id_is_valid(row->id)) {
        return orl_err_set(err, ORL_E_INVAL, "not a golden image's id: %s", row->id);
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO golden (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
            " 'building', 0, $12, $13, 0, $14, $15, $15, 0)");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->host);
    orl_db_put_text(&q, row->template_name);
    orl_db_put_u64(&q, row->template_version);
    orl_db_put_text(&q, row->devices);
    orl_db_put_text(&q, row->machine);
    orl_db_put_u64(&q, row->qemu);
    orl_db_put_bool(&q, row->is_shared);
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->vcpus);
    orl_db_put_text(&q, row->uuid);
    orl_db_put_text(&q, row->text);
    orl_db_put_text(&q, row->path);
    orl_db_put_u64(&q, row->attempts);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_golden_update(struct orl_store *store, const struct orl_golden_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE golden SET state = $1, percent = $2, state_text = $3, path = $4, bytes = $5,"
            " built_ms = $6, changed_ms = $7 WHERE id = $8");
    uint64_t built_ms =
            row->state == ORL_GOLDEN_READY && row->built_ms == 0 ? now_ms : row->built_ms;
    orl_db_put_text(&q, orl_golden_state_name(row->state));
    orl_db_put_u64(&q, row->percent);
    orl_db_put_text(&q, row->text);
    orl_db_put_text(&q, row->path);
    orl_db_put_u64(&q, row->bytes);
    orl_db_put_u64(&q, built_ms);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, row->id);
    return orl_store_run_one(&q, "golden image", row->id, err);
}

static void read_row(struct orl_db_query *q, struct orl_golden_row *row)
{
    *row = (struct orl_golden_row){0};
    orl_db_get_text(q, row->id, sizeof(row->id));
    orl_db_get_text(q, row->host, sizeof(row->host));
    orl_db_get_text(q, row->template_name, sizeof(row->template_name));
    row->template_version = orl_db_get_u32(q);
    orl_db_get_text(q, row->devices, sizeof(row->devices));
    orl_db_get_text(q, row->machine, sizeof(row->machine));
    row->qemu = orl_db_get_u64(q);
    row->is_shared = orl_db_get_bool(q);
    row->memory_mib = orl_db_get_u32(q);
    row->vcpus = orl_db_get_u32(q);
    orl_db_get_text(q, row->uuid, sizeof(row->uuid));
    if (!orl_golden_state_parse(orl_db_get_peek(q), &row->state)) {
        orl_db_fail(q, "a golden image is in no known state");
    }
    row->percent = orl_db_get_u32(q);
    orl_db_get_text(q, row->text, sizeof(row->text));
    orl_db_get_text(q, row->path, sizeof(row->path));
    row->bytes = orl_db_get_u64(q);
    row->attempts = orl_db_get_u32(q);
    row->created_ms = orl_db_get_u64(q);
    row->changed_ms = orl_db_get_u64(q);
    row->built_ms = orl_db_get_u64(q);
}

int orl_golden_rows(struct orl_store *store, const char *host, const struct orl_page *page,
        orl_golden_fn fn, void *ctx, struct orl_err *err)
{
    struct orl_page_key key;
    int bad = orl_page_key_timed(page, true, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT " COLUMNS
            " FROM golden WHERE ($1 = '' OR host = $1) AND (created_ms, id) < ($2, $3)"
            " AND lower(template) LIKE ('' || $4) ESCAPE '\\' ORDER BY created_ms DESC, id DESC "
            "LIMIT $5");
    orl_db_put_text(&q, host);
    orl_db_put_u64(&q, key.number);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    for (;;) {
        int rc = orl_db_step(&q, err);
        if (rc <= 0) {
            return rc;
        }
        struct orl_golden_row row;
        read_row(&q, &row);
        rc = orl_db_row_done(&q, err);
        rc = rc < 0 ? rc : fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_golden_forget(struct orl_store *store, const char *id, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "DELETE FROM golden WHERE id = $1"
                                    " AND NOT EXISTS (SELECT 1 FROM desktop WHERE golden = $1)");
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    return rc == 0  ? orl_err_set(err, ORL_E_CONFLICT, "golden image %s has copies", id)
           : rc < 0 ? rc
                    : 0;
}

int orl_desktop_set_golden(struct orl_store *store, const char *id, uint64_t version,
        const char *golden, const char *made_text, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "UPDATE desktop SET golden = $1, made_text = $2, is_instant = 0"
                                    " WHERE id = $3 AND version = $4 AND is_tainted = 0");
    orl_db_put_text(&q, golden);
    orl_db_put_text(&q, made_text);
    orl_db_put_text(&q, id);
    orl_db_put_u64(&q, version);
    int rc = orl_db_run(&q, err);
    return rc == 0  ? orl_err_set(err, ORL_E_CONFLICT, "desktop %s is another by now", id)
           : rc < 0 ? rc
                    : 0;
}

int orl_desktop_set_instant(struct orl_store *store, const char *id, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "UPDATE desktop SET is_instant = 1 WHERE id = $1 AND golden <> ''");
    orl_db_put_text(&q, id);
    return orl_store_run_one(&q, "desktop", id, err);
}
