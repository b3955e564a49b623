#include "store/host.h"

#include "store/audit.h"
#include "store/job.h"
#include "store/store_priv.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "name, uri, accel, accel_reason, report, memory_mib, free_memory_mib, free_disk_mib, state,"   \
    " reason, reason_text, heartbeat_ms, cpus, cpu_permille, load_centi, pressure_cpu_centi,"      \
    " pressure_memory_centi, pressure_io_centi"

const char *orl_host_state_name(enum orl_host_state state)
{
    return state == ORL_HOST_UP ? "up" : "down";
}

static int read_one(struct orl_db_query *q, struct orl_host_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_host_row row = {0};
    orl_db_get_text(q, row.name, sizeof(row.name));
    orl_db_get_text(q, row.uri, sizeof(row.uri));
    orl_db_get_text(q, row.accel, sizeof(row.accel));
    orl_db_get_text(q, row.accel_reason, sizeof(row.accel_reason));
    orl_db_get_text(q, row.report, sizeof(row.report));
    row.memory_mib = orl_db_get_u64(q);
    row.free_memory_mib = orl_db_get_u64(q);
    row.free_disk_mib = orl_db_get_u64(q);
    row.state = strcmp(orl_db_get_peek(q), "up") == 0 ? ORL_HOST_UP : ORL_HOST_DOWN;
    row.reason = orl_store_get_reason(q);
    orl_db_get_text(q, row.reason_text, sizeof(row.reason_text));
    row.heartbeat_ms = orl_db_get_u64(q);
    row.load.cpus = orl_db_get_u32(q);
    row.load.cpu_permille = orl_db_get_u32(q);
    row.load.load_centi = orl_db_get_u32(q);
    row.load.pressure_cpu_centi = orl_db_get_u32(q);
    row.load.pressure_memory_centi = orl_db_get_u32(q);
    row.load.pressure_io_centi = orl_db_get_u32(q);
    row.is_draining = orl_db_get_bool(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_host_put(struct orl_store *store, const struct orl_host_row *row, struct orl_err *err)
{
    if (!orl_name_is_valid(row->name)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a host: %s", row->name);
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO host (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
            " $12, $13, $14, $15, $16, $17, $18) ON CONFLICT (name) DO UPDATE SET uri = "
            "excluded.uri, accel = excluded.accel,"
            " accel_reason = excluded.accel_reason, report = excluded.report,"
            " memory_mib = excluded.memory_mib, free_memory_mib = excluded.free_memory_mib,"
            " free_disk_mib = excluded.free_disk_mib, state = excluded.state,"
            " reason = excluded.reason, reason_text = excluded.reason_text,"
            " heartbeat_ms = excluded.heartbeat_ms, cpus = excluded.cpus,"
            " cpu_permille = excluded.cpu_permille, load_centi = excluded.load_centi,"
            " pressure_cpu_centi = excluded.pressure_cpu_centi,"
            " pressure_memory_centi = excluded.pressure_memory_centi,"
            " pressure_io_centi = excluded.pressure_io_centi");
    orl_db_put_text(&q, row->name);
    orl_db_put_text(&q, row->uri);
    orl_db_put_text(&q, row->accel);
    orl_db_put_text(&q, row->accel_reason);
    orl_db_put_text(&q, row->report);
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->free_memory_mib);
    orl_db_put_u64(&q, row->free_disk_mib);
    orl_db_put_text(&q, orl_host_state_name(row->state));
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_u64(&q, row->heartbeat_ms);
    orl_db_put_u64(&q, row->load.cpus);
    orl_db_put_u64(&q, row->load.cpu_permille <= 1000 ? row->load.cpu_permille : 1000);
    orl_db_put_u64(&q, row->load.load_centi);
    orl_db_put_u64(&q, row->load.pressure_cpu_centi);
    orl_db_put_u64(&q, row->load.pressure_memory_centi);
    orl_db_put_u64(&q, row->load.pressure_io_centi);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_host_get(struct orl_store *store, const char *name, struct orl_host_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT " COLUMNS ", is_draining FROM host WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("host", name, err) : rc;
}

int orl_host_list(struct orl_store *store, const struct orl_page *page, orl_host_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            "SELECT " COLUMNS
            ", is_draining FROM host WHERE name > $1 AND lower(name) LIKE ('' || $2)"
            " ESCAPE '\\' ORDER BY name LIMIT $3",
            page);
    for (;;) {
        struct orl_host_row row;
        int rc = read_one(&q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_host_drain(struct orl_store *store, const char *name, bool is_draining, const char *actor,
        uint64_t now_ms, struct orl_err *err)
{
    char object[ORL_NAME_MAX + 8];
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE host SET is_draining = $1 WHERE name = $2");
        orl_db_put_bool(&q, is_draining);
        orl_db_put_text(&q, name);
        rc = orl_store_run_one(&q, "host", name, err);
    }
    (void)snprintf(object, sizeof(object), "host:%.*s", ORL_NAME_MAX, name);
    struct orl_audit_event event = {.actor = actor,
            .action = is_draining ? "host.drain" : "host.undrain",
            .object = object};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_host_is_draining(
        struct orl_store *store, const char *name, bool *ret_is_draining, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT is_draining FROM host WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    bool is_draining = rc > 0 && orl_db_get_bool(&q);
    rc = rc > 0 ? orl_db_row_done(&q, err) : 0;
    if (rc == 0) {
        *ret_is_draining = is_draining;
    }
    return rc;
}

int orl_host_count(struct orl_store *store, const char *name, struct orl_host_counts *ret_counts,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN user_name <> '' THEN 1 ELSE 0 END), 0),"
            " COALESCE(SUM(CASE WHEN session <> '' THEN 1 ELSE 0 END), 0)"
            " FROM desktop WHERE host = $1");
    orl_db_put_text(&q, name);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_SYS;
    }
    struct orl_host_counts counts = {0};
    counts.desktops = orl_db_get_u32(&q);
    counts.given = orl_db_get_u32(&q);
    counts.sessions = orl_db_get_u32(&q);
    rc = orl_db_row_done(&q, err);
    if (rc == 0) {
        *ret_counts = counts;
    }
    return rc;
}

static int check_removable(
        struct orl_store *store, const char *name, uint64_t now_ms, struct orl_err *err)
{
    struct orl_host_row row;
    struct orl_host_counts counts;
    int rc = orl_host_get(store, name, &row, err);
    rc = rc < 0 ? rc : orl_host_count(store, name, &counts, err);
    if (rc == 0 && counts.sessions > 0) {
        return orl_err_set(err, ORL_E_CONFLICT, "host %s has %u sessions", name, counts.sessions);
    }
    if (rc == 0 && counts.desktops > 0) {
        return orl_err_set(err, ORL_E_CONFLICT, "host %s has %u desktops", name, counts.desktops);
    }
    if (rc == 0 && now_ms < row.heartbeat_ms + ORL_HOST_SILENT_MS) {
        return orl_err_set(err, ORL_E_CONFLICT,
                "host %s is there: stop its oriel-vmpool first, and wait half a minute", name);
    }
    return rc;
}

int orl_host_remove(struct orl_store *store, const char *name, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : check_removable(store, name, now_ms, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM host WHERE name = $1");
        orl_db_put_text(&q, name);
        rc = orl_store_run_one(&q, "host", name, err);
    }
    rc = rc < 0 ? rc : orl_job_fail_lost(store, name, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
