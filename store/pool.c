#include "store/pool.h"

#include "store/desktop.h"
#include "store/store_priv.h"

#include <string.h>

/* The order of orl_pool_settings[]. */
#define SETTINGS                                                                                   \
    "template, template_version, spares, max_desktops, memory_mib, vcpus, disconnect_timeout_s,"   \
    " clipboard, clipboard_max_bytes, has_sound, is_maintenance, spares_suspended,"                \
    " spare_max_age_s, schedule, has_forecast, clone_method, cpu_shares, cpu_cap_percent,"         \
    " disk_iops, disk_mib_s, balloon_min_mib, has_tpm, has_secure_boot, firmware, has_autostart,"  \
    " network, network_name, display, idle_timeout_s, max_session_s, warn_first_s, warn_last_s,"   \
    " allowed_hours, allowed_from, max_per_user, person, home, home_size_mib, home_target,"        \
    " on_assign, on_logoff, hook_deadline_s, has_thumbnails"
#define COLUMNS "name, kind, is_deleted, created_ms, problem, problem_text, retry_ms, " SETTINGS

static uint32_t get_choice(struct orl_db_query *q, const struct orl_pool_setting *s)
{
    const char *text = orl_db_get_peek(q);
    for (uint32_t i = 0; s->choices[i] != NULL; i++) {
        if (strcmp(s->choices[i], text) == 0) {
            return i;
        }
    }
    orl_db_fail(q, "a pool has a setting that is no known choice");
    return 0;
}

static void read_settings(struct orl_db_query *q, struct orl_pool_row *row)
{
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        char *at = (char *)row + s->offset;
        if (s->type == ORL_SETTING_TEXT) {
            orl_db_get_text(q, at, s->size);
        } else if (s->type == ORL_SETTING_BOOL) {
            bool flag = orl_db_get_bool(q);
            memcpy(at, &flag, sizeof(flag));
        } else {
            uint32_t number = s->type == ORL_SETTING_CHOICE ? get_choice(q, s)
                              : s->type == ORL_SETTING_FLAG ? orl_db_get_bool(q)
                                                            : orl_db_get_u32_near(q);
            memcpy(at, &number, sizeof(number));
        }
    }
}

static void put_settings(struct orl_db_query *q, const struct orl_pool_row *row)
{
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        const char *at = (const char *)row + s->offset;
        uint32_t number = 0;
        bool flag = false;
        if (s->type == ORL_SETTING_TEXT) {
            orl_db_put_text(q, at);
        } else if (s->type == ORL_SETTING_BOOL) {
            memcpy(&flag, at, sizeof(flag));
            orl_db_put_bool(q, flag);
        } else {
            memcpy(&number, at, sizeof(number));
            if (s->type == ORL_SETTING_CHOICE) {
                orl_db_put_text(q, orl_pool_choice_name(s->choices, number));
            } else if (s->type == ORL_SETTING_FLAG) {
                orl_db_put_bool(q, number != 0);
            } else {
                orl_db_put_u64(q, number < s->min ? s->min : number);
            }
        }
    }
}

static int read_one(struct orl_db_query *q, struct orl_pool_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_pool_row row = {0};
    orl_db_get_text(q, row.name, sizeof(row.name));
    if (!orl_pool_kind_parse(orl_db_get_peek(q), &row.kind)) {
        orl_db_fail(q, "a pool is of no known kind");
    }
    row.is_deleted = orl_db_get_bool(q);
    row.created_ms = orl_db_get_u64(q);
    row.problem = orl_store_get_reason(q);
    orl_db_get_text(q, row.problem_text, sizeof(row.problem_text));
    row.retry_ms = orl_db_get_u64(q);
    read_settings(q, &row);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

/* A clone's RDP server is logged in at as the person that the guest's hook made, at an address that we gave. */
static int check_display(const struct orl_pool_row *row, struct orl_err *err)
{
    const bool has_address =
            row->net.mode == ORL_NETWORK_NAT || row->net.mode == ORL_NETWORK_ROUTED;
    if (row->display != ORL_POOL_DISPLAY_RDP || row->kind == ORL_POOL_STATIC) {
        return 0;
    }
    if (!has_address) {
        return orl_err_set(err, ORL_E_INVAL,
                "display rdp needs network nat or routed: others have no address of ours");
    }
    return row->person.mode == ORL_PERSON_AUTO
                   ? 0
                   : orl_err_set(err, ORL_E_INVAL,
                             "display rdp needs person auto: nobody else can log in there");
}

/* What is kept for a desktop that is given is for RDP or for VNC. */
static int check_display_change(struct orl_store *store, const struct orl_pool_row *old,
        const struct orl_pool_row *wanted, struct orl_err *err)
{
    struct orl_desktop_counts counts = {0};
    if (wanted->kind == ORL_POOL_STATIC ||
            (old->display == ORL_POOL_DISPLAY_RDP) == (wanted->display == ORL_POOL_DISPLAY_RDP)) {
        return 0;
    }
    int rc = orl_desktop_count(store, wanted->name, &counts, err);
    return rc < 0 || counts.given == 0
                   ? rc
                   : orl_err_set(err, ORL_E_CONFLICT,
                             "display can't change to or from rdp while %u of its desktops are "
                             "somebody's",
                             counts.given);
}

/* A template that is there, and that version of it; static pools have none. */
static int check_template(
        struct orl_store *store, const struct orl_pool_row *row, struct orl_err *err)
{
    if ((row->kind == ORL_POOL_STATIC) != (row->template_name[0] == '\0')) {
        return orl_err_set(err, ORL_E_INVAL,
                row->kind == ORL_POOL_STATIC ? "a static pool has no template"
                                             : "a pool needs a template");
    }
    if (row->template_name[0] == '\0') {
        return 0;
    }
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT 1 FROM template_version WHERE template = $1 AND ($2 = 0 OR version = $2)"
            " LIMIT 1");
    orl_db_put_text(&q, row->template_name);
    orl_db_put_u64(&q, row->template_version);
    int rc = orl_db_step(&q, err);
    if (rc == 0 && row->template_version > 0) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no such template %s, version %u",
                row->template_name, row->template_version);
    }
    return rc == 0 ? orl_store_no_such("template", row->template_name, err) : rc < 0 ? rc : 0;
}

/* Deleted ones count until their desktops are gone: vmpool reads them, too. */
static int check_room(struct orl_store *store, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT count(*) FROM pool");
    int rc = orl_db_step(&q, err);
    if (rc == 1 && orl_db_get_u64(&q) >= ORL_POOLS_MAX) {
        return orl_err_set(
                err, ORL_E_CONFLICT, "there are %d pools already: delete one first", ORL_POOLS_MAX);
    }
    return rc < 0 ? rc : 0;
}

static int write_new(struct orl_store *store, const struct orl_pool_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO pool (" COLUMNS ") VALUES ($1, $2, 0, $3, '', '', 0,"
            "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
            " $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,"
            " $37, $38, $39, $40, $41, $42, $43, $44, $45, $46)");
    orl_db_put_text(&q, row->name);
    orl_db_put_text(&q, orl_pool_kind_name(row->kind));
    orl_db_put_u64(&q, now_ms);
    put_settings(&q, row);
    int rc = orl_db_run(&q, err);
    if (rc == ORL_E_EXISTS) {
        return orl_err_set(err, rc, "there is a pool %s", row->name);
    }
    return rc < 0 ? rc : 0;
}

int orl_pool_insert(struct orl_store *store, const struct orl_pool_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    if (!orl_name_is_valid(row->name)) {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a pool: %s", row->name);
    }
    if (row->kind <= ORL_POOL_NONE || row->kind >= ORL_POOL_KIND_COUNT) {
        return orl_err_set(err, ORL_E_INVAL, "a pool needs a kind");
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : check_room(store, err);
    rc = rc < 0 ? rc : check_template(store, row, err);
    rc = rc < 0 ? rc : check_display(row, err);
    rc = rc < 0 ? rc : write_new(store, row, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_pool_get(struct orl_store *store, const char *name, struct orl_pool_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT " COLUMNS " FROM pool WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("pool", name, err) : rc;
}

int orl_pool_list(struct orl_store *store, const struct orl_page *page, orl_pool_fn fn, void *ctx,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_page_query(store->db,
            "SELECT " COLUMNS " FROM pool WHERE name > $1 AND lower(name) LIKE ('' || $2)"
            " ESCAPE '\\' ORDER BY name LIMIT $3",
            page);
    for (;;) {
        struct orl_pool_row row;
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

static int write_settings(
        struct orl_store *store, const struct orl_pool_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE pool SET (" SETTINGS ") = ("
            "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
            " $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34,"
            " $35, $36, $37, $38, $39, $40, $41, $42, $43) WHERE name = $44");
    put_settings(&q, row);
    orl_db_put_text(&q, row->name);
    return orl_store_run_one(&q, "pool", row->name, err);
}

/* What is off since its person left, or since an administrator stopped it, comes up. */
static int start_all(struct orl_store *store, const char *pool, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE desktop SET want = 'run' WHERE pool = $1 AND kind = 'dedicated'"
            " AND lease IN ('assigned', 'ending') AND is_tainted = 1 AND want = 'stop'");
    orl_db_put_text(&q, pool);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_pool_update(struct orl_store *store, const struct orl_pool_row *row, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_pool_row old = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_pool_get(store, row->name, &old, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_pool_row wanted = *row;
    wanted.kind = old.kind;
    rc = check_template(store, &wanted, err);
    rc = rc < 0 ? rc : check_display(&wanted, err);
    rc = rc < 0 ? rc : check_display_change(store, &old, &wanted, err);
    rc = rc < 0 ? rc : write_settings(store, &wanted, err);
    if (rc == 0 && wanted.res.has_autostart && !old.res.has_autostart) {
        rc = start_all(store, wanted.name, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_pool_set_problem(struct orl_store *store, const char *name, enum orl_reason reason,
        const char *text, uint64_t retry_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_pool_row old = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_pool_get(store, name, &old, err);
    if (rc < 0) {
        return rc;
    }
    char cut[ORL_TEXT_MAX + 1];
    orl_msg_text(cut, sizeof(cut), text != NULL ? text : "");
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "UPDATE pool SET problem = $1, problem_text = $2, retry_ms = $3 WHERE name = $4"
                " AND (problem <> $1 OR problem_text <> $2 OR retry_ms <> $3)");
        orl_store_put_reason(&q, reason);
        orl_db_put_text(&q, cut);
        orl_db_put_u64(&q, retry_ms);
        orl_db_put_text(&q, name);
        rc = orl_db_run(&q, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_pool_set_deleted(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE pool SET is_deleted = 1 WHERE name = $1");
    orl_db_put_text(&q, name);
    return orl_store_run_one(&q, "pool", name, err);
}

int orl_pool_remove(struct orl_store *store, const char *name, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM pool WHERE name = $1");
    orl_db_put_text(&q, name);
    int rc = orl_store_run_one(&q, "pool", name, err);
    /* The foreign key of its desktops; nothing else refers to a pool without going with it. */
    if (rc == ORL_E_NOTFOUND && q.failed.code != 0) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "pool %s has desktops", name);
    }
    return rc;
}
