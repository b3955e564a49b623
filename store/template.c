#include "store/template.h"

#include "store/store_priv.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "template, version, kind, path, kernel, initrd, cmdline, disk_format, virtual_bytes, sha256,"  \
    " memory_mib, vcpus, state, reason, reason_text, created_ms, has_hook,"                        \
    " is_windows"

static const char *const state_names[ORL_TEMPLATE_STATE_COUNT] = {
        NULL, "checking", "ready", "missing", "corrupt"};

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
    row.version = orl_db_get_u32(q);
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
    row.has_hook = orl_db_get_bool(q);
    row.is_windows = orl_db_get_bool(q);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

static int check_room(struct orl_store *store, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT count(*) FROM template_version");
    int rc = orl_db_step(&q, err);
    if (rc == 1 && orl_db_get_u64(&q) >= ORL_TEMPLATE_VERSIONS_MAX) {
        return orl_err_set(err, ORL_E_CONFLICT,
                "there are %d versions of templates already: delete one first",
                ORL_TEMPLATE_VERSIONS_MAX);
    }
    return rc < 0 ? rc : 0;
}

static int write_version(struct orl_store *store, const struct orl_template_row *row,
        uint32_t version, uint64_t now_ms, struct orl_err *err)
{
    int room = check_room(store, err);
    if (room < 0) {
        return room;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO template_version (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0,"
            " '', $9, $10, 'checking', '', '', $11, 0, $12)");
    orl_db_put_text(&q, row->name);
    orl_db_put_u64(&q, version);
    orl_db_put_text(&q, orl_template_kind_name(row->kind));
    orl_db_put_text(&q, row->path);
    orl_db_put_text(&q, row->kernel);
    orl_db_put_text(&q, row->initrd);
    orl_db_put_text(&q, row->cmdline);
    orl_db_put_text(&q, row->disk_format);
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->vcpus);
    orl_db_put_u64(&q, now_ms);
    orl_db_put_bool(&q, row->is_windows);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int write_name(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO template (name, last_version) VALUES ($1, 1)");
    orl_db_put_text(&q, name);
    int rc = orl_db_run(&q, err);
    return rc == ORL_E_EXISTS ? orl_err_set(err, rc, "there is a template %s", name)
           : rc < 0           ? rc
                              : 0;
}

int orl_template_insert(struct orl_store *store, const struct orl_template_row *row,
        uint64_t now_ms, struct orl_err *err)
{
    if (!orl_name_is_valid(row->name)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a template: %s", row->name);
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : write_name(store, row->name, err);
    rc = rc < 0 ? rc : write_version(store, row, 1, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int raise_version(
        struct orl_store *store, const char *name, uint32_t *ret_version, struct orl_err *err)
{
    {
        ORL_DB_AUTO q = orl_db_query(
                store->db, "UPDATE template SET last_version = last_version + 1 WHERE name = $1");
        orl_db_put_text(&q, name);
        int rc = orl_store_run_one(&q, "template", name, err);
        if (rc < 0) {
            return rc;
        }
    }
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT last_version FROM template WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = orl_db_step(&q, err);
    if (rc == 1) {
        *ret_version = orl_db_get_u32(&q);
    }
    return rc < 0 ? rc : 0;
}

int orl_template_add_version(struct orl_store *store, const struct orl_template_row *row,
        uint64_t now_ms, uint32_t *ret_version, struct orl_err *err)
{
    uint32_t version = 0;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : raise_version(store, row->name, &version, err);
    rc = rc < 0 ? rc : write_version(store, row, version, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_version = version;
    }
    return rc;
}

int orl_template_get(struct orl_store *store, const char *name, uint32_t version,
        struct orl_template_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT " COLUMNS " FROM template_version WHERE template = $1"
                                    " AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("template", name, err) : rc;
}

int orl_template_list(struct orl_store *store, const struct orl_page *page, orl_template_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            "SELECT " COLUMNS " FROM template_version WHERE template > $1 AND"
            " lower(template) LIKE ('' || $2) ESCAPE '\\'"
            " ORDER BY template, version DESC LIMIT $3",
            page);
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
    ORL_DB_AUTO q =
            orl_db_query(store->db, "UPDATE template_version SET memory_mib = $1, vcpus = $2,"
                                    " is_windows = $3 WHERE template = $4 AND version = $5");
    orl_db_put_u64(&q, row->memory_mib);
    orl_db_put_u64(&q, row->vcpus);
    orl_db_put_bool(&q, row->is_windows);
    orl_db_put_text(&q, row->name);
    orl_db_put_u64(&q, row->version);
    return orl_store_run_one(&q, "template", row->name, err);
}

int orl_template_observe(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE template_version SET state = $1, reason = $2, reason_text = $3, sha256 = $4,"
            " virtual_bytes = $5, disk_format = $6 WHERE template = $7 AND version = $8");
    orl_db_put_text(&q, orl_template_state_name(row->state));
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_text(&q, row->sha256);
    orl_db_put_u64(&q, row->virtual_bytes);
    orl_db_put_text(&q, row->disk_format);
    orl_db_put_text(&q, row->name);
    orl_db_put_u64(&q, row->version);
    return orl_store_run_one(&q, "template", row->name, err);
}

int orl_template_set_hook(struct orl_store *store, const char *name, uint32_t version,
        bool has_hook, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE template_version SET has_hook = $1 WHERE template = $2 AND version = $3");
    orl_db_put_bool(&q, has_hook);
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    return orl_store_run_one(&q, "template", name, err);
}

/* The first of those that the query finds, in err; 0: none. */
static int refuse_if_found(
        struct orl_db_query *q, const char *name, const char *why, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    return rc == 1 ? orl_err_set(err, ORL_E_CONFLICT, "template %s is needed: %s %s", name, why,
                             orl_db_get_peek(q))
                   : rc;
}

static int check_pools(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT name FROM pool WHERE template = $1 AND ($2 = 0 OR template_version = $2)"
            " ORDER BY name LIMIT 1");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    return refuse_if_found(&q, name, "it is what is set for pool", err);
}

/* A pool that follows the newest must be left with one that is as good. */
static int check_followers(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT p.name FROM pool p JOIN template_version v ON v.template = p.template"
            " WHERE p.template = $1 AND p.template_version = 0 AND v.version = $2"
            " AND ((v.state = 'ready' AND NOT EXISTS (SELECT 1 FROM template_version n"
            " WHERE n.template = $1 AND n.version > $2 AND n.state = 'ready'))"
            " OR NOT EXISTS (SELECT 1 FROM template_version o WHERE o.template = $1"
            " AND o.version <> $2)) ORDER BY p.name LIMIT 1");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    return refuse_if_found(&q, name, "it is the newest, which is used by pool", err);
}

static int check_desktops(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id FROM desktop WHERE template = $1 AND ($2 = 0 OR template_version = $2"
            " OR template_version = 0) ORDER BY id LIMIT 1");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    return refuse_if_found(&q, name, "that is what was cloned for desktop", err);
}

/* What its disk lies on is not known: it may be any version of what its pool is cloned of. */
static int check_quarantine(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT q.id FROM quarantine q JOIN pool p ON p.name = q.pool WHERE p.template = $1"
            " ORDER BY q.id LIMIT 1");
    orl_db_put_text(&q, name);
    return refuse_if_found(&q, name, "it may be what was cloned for quarantined desktop", err);
}

static int check_golden(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id FROM golden WHERE template = $1 AND ($2 = 0 OR template_version = $2)"
            " AND state <> 'failed' ORDER BY id LIMIT 1");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    return refuse_if_found(
            &q, name, "until vmpool drops what nobody clones any more, by golden image", err);
}

static int forget_version(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    char text[ORL_NAME_MAX + 24];
    ORL_DB_AUTO q = orl_db_query(
            store->db, "DELETE FROM template_version WHERE template = $1 AND version = $2");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, version);
    (void)snprintf(text, sizeof(text), "%s version %u", name, version);
    return orl_store_run_one(&q, "template", text, err);
}

/* With its last version it goes, too: a template without one is of no use. */
static int forget_name(struct orl_store *store, const char *name, bool is_all, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "DELETE FROM template WHERE name = $1 AND ($2 = 1 OR NOT EXISTS"
            " (SELECT 1 FROM template_version v WHERE v.template = template.name))");
    orl_db_put_text(&q, name);
    orl_db_put_u64(&q, is_all ? 1 : 0);
    int rc = orl_db_run(&q, err);
    return rc == 0 && is_all ? orl_store_no_such("template", name, err) : rc < 0 ? rc : 0;
}

int orl_template_remove(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : check_pools(store, name, version, err);
    rc = rc < 0 ? rc : check_followers(store, name, version, err);
    rc = rc < 0 ? rc : check_desktops(store, name, version, err);
    rc = rc < 0 ? rc : check_quarantine(store, name, err);
    rc = rc < 0 ? rc : check_golden(store, name, version, err);
    if (rc == 0 && version > 0) {
        rc = forget_version(store, name, version, err);
    }
    rc = rc < 0 ? rc : forget_name(store, name, version == 0, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
