#include "store/template.h"

#include "store/store_priv.h"
#include <string.h>

#define COLUMNS                                                                                    \
    "name, kind, path, kernel, initrd, cmdline, disk_format, virtual_bytes, sha256, memory_mib,"   \
    " vcpus, state, reason, reason_text, created_ms"

static const char *const state_names[ORL_TEMPLATE_STATE_COUNT] = {
        NULL, "checking", "ready", "missing", "corrupt", "removed"};

const char *orl_template_state_name(enum orl_template_state state)
{
    return state > ORL_TEMPLATE_UNKNOWN && state < ORL_TEMPLATE_STATE_COUNT ? state_names[state]
                                                                            : "?";
}

bool orl_template_state_parse(const char *text, enum orl_template_state *ret_state)
{
    for (unsigned i = 1; i < ORL_TEMPLATE_STATE_COUNT; i++) {
        if (strcmp(state_names[i], text) == 0) {
            *ret_state = (enum orl_template_state)i;
            return true;
        }
    }
    return false;
}

const char *orl_template_kind_name(enum orl_template_kind kind)
{
    switch (kind) {
    case ORL_TEMPLATE_DISK:
        return "disk";
    case ORL_TEMPLATE_KERNEL:
        return "kernel";
    case ORL_TEMPLATE_NONE:
    default:
        return "?";
    }
}

bool orl_template_kind_parse(const char *text, enum orl_template_kind *ret_kind)
{
    for (enum orl_template_kind kind = ORL_TEMPLATE_DISK; kind <= ORL_TEMPLATE_KERNEL; kind++) {
        if (strcmp(text, orl_template_kind_name(kind)) == 0) {
            *ret_kind = kind;
            return true;
        }
    }
    return false;
}

static int read_one(struct orl_db_query *q, struct orl_template_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_template_row row = {0};
    orl_db_get_text(q, row.name, sizeof(row.name));
    bool is_known = orl_template_kind_parse(orl_db_get_peek(q), &row.kind);
    orl_db_get_text(q, row.path, sizeof(row.path));
    orl_db_get_text(q, row.kernel, sizeof(row.kernel));
    orl_db_get_text(q, row.initrd, sizeof(row.initrd));
    orl_db_get_text(q, row.cmdline, sizeof(row.cmdline));
    orl_db_get_text(q, row.disk_format, sizeof(row.disk_format));
    row.virtual_bytes = orl_db_get_u64(q);
    orl_db_get_text(q, row.sha256, sizeof(row.sha256));
    row.memory_mib = orl_db_get_u32(q);
    row.vcpus = orl_db_get_u32(q);
    if (!orl_template_state_parse(orl_db_get_peek(q), &row.state) || !is_known) {
        orl_db_fail(q, "a template is of no known kind or state");
    }
    row.reason = orl_store_get_reason(q);
    orl_db_get_text(q, row.reason_text, sizeof(row.reason_text));
    row.created_ms = orl_db_get_u64(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_template_insert(struct orl_store *store, const struct orl_template_row *row,
        uint64_t now_ms, struct orl_err *err)
{
    if (!orl_name_is_valid(row->name)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a template: %s", row->name);
    }
    /* A removed name may be used again: nothing refers to it any more. */
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO template (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', $8, $9,"
            " 'checking', '', '', $10) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind,"
            " path = excluded.path, kernel = excluded.kernel, initrd = excluded.initrd,"
            " cmdline = excluded.cmdline, disk_format = excluded.disk_format, virtual_bytes = 0,"
            " sha256 = '', memory_mib = excluded.memory_mib, vcpus = excluded.vcpus,"
            " state = 'checking', reason = '', reason_text = '',"
            " created_ms = excluded.created_ms WHERE template.state = 'removed'");
    orl_db_put_text(&q, row->name);
    orl_db_put_text(&q, orl_template_kind_name(row->kind));
    orl_db_put_text(&q, row->path);
    orl_db_put_text(&q, row->kernel);
    orl_db_put_text(&q, row->initrd);
    orl_db_put_text(&q, row->cmdline);
    orl_db_put_text(&q, row->disk_format);
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->vcpus);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc == 0  ? orl_err_set(err, ORL_E_EXISTS, "there is a template %s", row->name)
           : rc < 0 ? rc
                    : 0;
}

int orl_template_get(struct orl_store *store, const char *name, struct orl_template_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT " COLUMNS " FROM template WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("template", name, err) : rc;
}

int orl_template_list(struct orl_store *store, orl_template_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT " COLUMNS " FROM template ORDER BY name");
    for (;;) {
        struct orl_template_row row;
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

int orl_template_update(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE template SET state = CASE WHEN path = $1 AND kernel = $2 AND initrd = $3"
            " THEN state ELSE 'checking' END, path = $1, kernel = $2, initrd = $3, cmdline = $4,"
            " memory_mib = $5, vcpus = $6 WHERE name = $7 AND state <> 'removed'");
    orl_db_put_text(&q, row->path);
    orl_db_put_text(&q, row->kernel);
    orl_db_put_text(&q, row->initrd);
    orl_db_put_text(&q, row->cmdline);
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->vcpus);
    orl_db_put_text(&q, row->name);
    return orl_store_run_one(&q, "template", row->name, err);
}

int orl_template_observe(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE template SET state = $1, reason = $2, reason_text = $3, sha256 = $4,"
            " virtual_bytes = $5, disk_format = $6 WHERE name = $7 AND state <> 'removed'");
    orl_db_put_text(&q, orl_template_state_name(row->state));
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_text(&q, row->sha256);
    orl_db_put_u64(&q, row->virtual_bytes);
    orl_db_put_text(&q, row->disk_format);
    orl_db_put_text(&q, row->name);
    return orl_store_run_one(&q, "template", row->name, err);
}

static int is_used(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT 1 FROM pool WHERE template = $1 LIMIT 1");
    orl_db_put_text(&q, name);
    return orl_db_step(&q, err);
}

int orl_template_remove(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : is_used(store, name, err);
    if (rc == 1) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "a pool uses template %s", name);
    }
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "UPDATE template SET state = 'removed' WHERE name = $1 AND state <> 'removed'");
        orl_db_put_text(&q, name);
        rc = orl_store_run_one(&q, "template", name, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
