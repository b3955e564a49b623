#include "store/desktop.h"

#include "base/ipc_msgs.h"
#include "store/audit.h"
#include "store/desktop_priv.h"
#include <string.h>

#define SELECT "SELECT " ORL_DESKTOP_COLUMNS " FROM desktop "

static const char *const person_names[] = {"none", "wanted", "ready", "failed"};
static const char *const guest_state_names[] = {"", "logged_on", "locked", "logged_off"};
enum { PERSONS = sizeof(person_names) / sizeof(person_names[0]) };
enum { GUEST_STATES = sizeof(guest_state_names) / sizeof(guest_state_names[0]) };

const char *orl_person_name(enum orl_person person)
{
    return (unsigned)person < PERSONS ? person_names[person] : "?";
}

const char *orl_guest_state_name(enum orl_guest_state state)
{
    return (unsigned)state < GUEST_STATES ? guest_state_names[state] : "?";
}

bool orl_guest_state_parse(const char *text, enum orl_guest_state *ret_state)
{
    for (unsigned i = 0; i < GUEST_STATES; i++) {
        if (strcmp(guest_state_names[i], text) == 0) {
            *ret_state = (enum orl_guest_state)i;
            return true;
        }
    }
    return false;
}

static unsigned read_name(struct orl_db_query *q, const char *const *names, unsigned count)
{
    const char *text = orl_db_get_peek(q);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    orl_db_fail(q, "a desktop's guest is in no known state");
    return 0;
}

static void read_state(struct orl_db_query *q, struct orl_desktop_row *row)
{
    if (!orl_pool_kind_parse(orl_db_get_peek(q), &row->kind) ||
            !orl_lease_parse(orl_db_get_peek(q), &row->lease) ||
            !orl_power_parse(orl_db_get_peek(q), &row->power) ||
            !orl_want_parse(orl_db_get_peek(q), &row->want)) {
        orl_db_fail(q, "a desktop is in no known state");
    }
}

void orl_desktop_read(struct orl_db_query *q, struct orl_desktop_row *row)
{
    *row = (struct orl_desktop_row){0};
    orl_db_get_text(q, row->id, sizeof(row->id));
    orl_db_get_text(q, row->pool, sizeof(row->pool));
    orl_db_get_text(q, row->host, sizeof(row->host));
    row->version = orl_db_get_u64(q);
    read_state(q, row);
    row->is_tainted = orl_db_get_bool(q);
    row->is_ready = orl_db_get_bool(q);
    row->is_maintenance = orl_db_get_bool(q);
    orl_db_get_text(q, row->user, sizeof(row->user));
    orl_db_get_text(q, row->session, sizeof(row->session));
    orl_db_get_text(q, row->uuid, sizeof(row->uuid));
    orl_db_get_text(q, row->domain, sizeof(row->domain));
    orl_db_get_text(q, row->overlay, sizeof(row->overlay));
    orl_db_get_text(q, row->vnc_target, sizeof(row->vnc_target));
    orl_db_get_text(q, row->vnc_password, sizeof(row->vnc_password));
    row->reason = orl_store_get_reason(q);
    orl_db_get_text(q, row->reason_text, sizeof(row->reason_text));
    row->attempts = orl_db_get_u32(q);
    row->retry_ms = orl_db_get_u64(q);
    row->created_ms = orl_db_get_u64(q);
    row->changed_ms = orl_db_get_u64(q);
    row->ready_ms = orl_db_get_u64(q);
    row->restart_ms = orl_db_get_u64(q);
    orl_db_get_text(q, row->template_name, sizeof(row->template_name));
    row->template_version = orl_db_get_u32(q);
    row->slot = orl_db_get_u32(q);
    row->person = (enum orl_person)read_name(q, person_names, PERSONS);
    row->guest_state = (enum orl_guest_state)read_name(q, guest_state_names, GUEST_STATES);
    row->is_instant = orl_db_get_bool(q);
    orl_db_get_text(q, row->golden, sizeof(row->golden));
    orl_db_get_text(q, row->made_text, sizeof(row->made_text));
    row->has_hook = orl_db_get_bool(q);
}

int orl_desktop_read_one(
        struct orl_db_query *q, struct orl_desktop_row *ret_row, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    struct orl_desktop_row row;
    orl_desktop_read(q, &row);
    rc = orl_db_row_done(q, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

struct orl_desktop_state orl_desktop_state_of(const struct orl_desktop_row *row)
{
    return (struct orl_desktop_state){.kind = row->kind,
            .lease = row->lease,
            .power = row->power,
            .is_tainted = row->is_tainted};
}

int orl_desktop_get(struct orl_store *store, const char *id, struct orl_desktop_row *ret_row,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, SELECT "WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = orl_desktop_read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("desktop", id, err) : rc;
}

int orl_desktop_get_fenced(struct orl_store *store, const char *id, uint64_t version,
        struct orl_desktop_row *ret_row, struct orl_err *err)
{
    int rc = orl_desktop_get(store, id, ret_row, err);
    if (rc == 0 && version != 0 && ret_row->version != version) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "desktop %s is at version %llu, not %llu", id,
                (unsigned long long)ret_row->version, (unsigned long long)version);
    }
    return rc;
}

static int find_kind(struct orl_store *store, const char *pool, enum orl_pool_kind *ret_kind,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT kind FROM pool WHERE name = $1");
    orl_db_put_text(&q, pool);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_store_no_such("pool", pool, err);
    }
    if (!orl_pool_kind_parse(orl_db_get_peek(&q), ret_kind)) {
        orl_db_fail(&q, "a pool is of no known kind");
    }
    return orl_db_row_done(&q, err);
}

static int write_new(
        struct orl_store *store, const struct orl_desktop_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO desktop (" ORL_DESKTOP_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8,"
            " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,"
            " $25, 0, $26, $27, $28, 'none', '', $29, '', '', 0)");
    orl_db_put_text(&q, row->id);
    orl_db_put_text(&q, row->pool);
    orl_db_put_text(&q, row->host);
    orl_db_put_u64(&q, row->version);
    orl_db_put_text(&q, orl_pool_kind_name(row->kind));
    orl_db_put_text(&q, orl_lease_name(row->lease));
    orl_db_put_text(&q, orl_power_name(row->power));
    orl_db_put_text(&q, orl_want_name(row->want));
    orl_db_put_bool(&q, row->is_tainted);
    orl_db_put_bool(&q, row->is_ready);
    orl_db_put_bool(&q, row->is_maintenance);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, "");
    orl_db_put_text(&q, row->uuid);
    orl_db_put_text(&q, row->domain);
    orl_db_put_text(&q, row->overlay);
    orl_db_put_text(&q, row->vnc_target);
    orl_db_put_text(&q, row->vnc_password);
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_u64(&q, row->attempts);
    orl_db_put_u64(&q, row->retry_ms);
    orl_db_put_u64(&q, row->created_ms);
    orl_db_put_u64(&q, row->changed_ms);
    orl_db_put_u64(&q, row->ready_ms);
    orl_db_put_text(&q, row->template_name);
    orl_db_put_u64(&q, row->template_version);
    orl_db_put_u64(&q, row->slot > 0 ? row->slot : 1);
    orl_db_put_bool(&q, row->is_instant);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_desktop_insert(struct orl_store *store, const struct orl_desktop_row *row,
        const char *actor, uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err)
{
    struct orl_desktop_row new_row = *row;
    struct orl_id id;
    orl_id_new(&id);
    if (row->id[0] != '\0') {
        orl_msg_text(id.text, sizeof(id.text), row->id);
    }
    memcpy(new_row.id, id.text, sizeof(new_row.id));
    new_row.version = 1;
    new_row.want = row->want == ORL_WANT_NONE ? ORL_WANT_RUN : row->want;
    new_row.created_ms = new_row.changed_ms = now_ms;
    new_row.ready_ms = row->is_ready ? now_ms : 0;
    new_row.is_tainted = row->lease != ORL_LEASE_FREE;

    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : find_kind(store, row->pool, &new_row.kind, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_desktop_state state = orl_desktop_state_of(&new_row);
    bool is_start = row->lease == ORL_LEASE_FREE ||
                    (row->lease == ORL_LEASE_ASSIGNED && new_row.kind == ORL_POOL_DEDICATED);
    if (!is_start || !orl_desktop_state_is_legal(&state) || !orl_id_is_valid(new_row.id)) {
        return orl_err_set(err, ORL_E_INVAL, "a desktop does not start as %s, %s",
                orl_lease_name(row->lease), orl_power_name(row->power));
    }
    rc = write_new(store, &new_row, err);
    rc = rc < 0 ? rc : orl_store_stamp_raise(store, now_ms, err);
    struct orl_audit_event event = {.actor = actor,
            .action = "desktop.add",
            .kind = "desktop",
            .object = new_row.id,
            .detail = new_row.pool};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0 && ret_id != NULL) {
        *ret_id = id;
    }
    return rc;
}

/* The parts of a list: what narrows it, and its page, oldest first. Those of a person or of a pool have an index each;
 * any other is looked for along the list's own, without reading the rows. */
#define LIST                                                                                       \
    SELECT "WHERE ($1 = '' OR pool = $1) AND ($2 = '' OR user_name = $2)"                          \
           " AND ($3 = '' OR host = $3) AND ($4 = '' OR lease = $4) AND ($5 = '' OR power = $5)"
#define OLDEST                                                                                     \
    " AND (created_ms, id) > ($6, $7) AND (lower(user_name) LIKE ('' || $8) ESCAPE '\\'"           \
    " OR lower(domain) LIKE ('' || $8) ESCAPE '\\' OR id LIKE ('' || $8) ESCAPE '\\')"             \
    " ORDER BY created_ms, id LIMIT $9"

static const char *list_sql(const struct orl_desktop_filter *f)
{
    if (f->has_any_order) {
        return LIST;
    }
    if (f->user != NULL && f->user[0] != '\0') {
        return LIST " AND user_name = $2" OLDEST;
    }
    return f->pool != NULL && f->pool[0] != '\0' ? LIST " AND pool = $1" OLDEST : LIST OLDEST;
}

int orl_desktop_list(struct orl_store *store, const struct orl_desktop_filter *filter,
        orl_desktop_fn fn, void *ctx, struct orl_err *err)
{
    static const struct orl_desktop_filter everything;
    const struct orl_desktop_filter *f = filter != NULL ? filter : &everything;
    struct orl_page_key key;
    int bad = orl_page_key_timed(&f->page, false, 1, &key, err);
    if (bad < 0) {
        return bad;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, list_sql(f));
    orl_db_put_text(&q, f->pool);
    orl_db_put_text(&q, f->user);
    orl_db_put_text(&q, f->host);
    orl_db_put_text(&q, f->lease == ORL_LEASE_NONE ? "" : orl_lease_name(f->lease));
    orl_db_put_text(&q, f->power == ORL_POWER_NONE ? "" : orl_power_name(f->power));
    if (!f->has_any_order) {
        orl_db_put_u64(&q, key.number);
        orl_db_put_text(&q, key.part[0]);
        orl_page_put_like(&q, &f->page);
        orl_page_put_max(&q, &f->page);
    }
    for (;;) {
        struct orl_desktop_row row;
        int rc = orl_desktop_read_one(&q, &row, err);
        if (rc < 0) {
            return rc == ORL_E_NOTFOUND ? 0 : rc;
        }
        rc = fn(ctx, &row);
        if (rc != 0) {
            return rc;
        }
    }
}

int orl_desktop_find_slot(struct orl_store *store, const char *pool, const char *user,
        uint32_t slot, struct orl_desktop_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            SELECT "WHERE pool = $1 AND user_name = $2 AND slot = $3 AND user_name <> ''"
                   " AND lease <> 'ending'");
    orl_db_put_text(&q, pool);
    orl_db_put_text(&q, user);
    orl_db_put_u64(&q, slot);
    int rc = orl_desktop_read_one(&q, ret_row, err);
    return rc == ORL_E_NOTFOUND ? orl_store_no_such("desktop of", user, err) : rc;
}

int orl_desktop_find(struct orl_store *store, const char *pool, const char *user,
        struct orl_desktop_row *ret_row, struct orl_err *err)
{
    return orl_desktop_find_slot(store, pool, user, 1, ret_row, err);
}

int orl_desktop_set_want(struct orl_store *store, const char *id, enum orl_want want,
        const char *actor, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(
                store->db, "UPDATE desktop SET want = $1, changed_ms = $2 WHERE id = $3");
        orl_db_put_text(&q, orl_want_name(want));
        orl_db_put_u64(&q, now_ms);
        orl_db_put_text(&q, id);
        rc = orl_store_run_one(&q, "desktop", id, err);
    }
    struct orl_audit_event event = {.actor = actor,
            .action = "desktop.want",
            .kind = "desktop",
            .object = id,
            .detail = orl_want_name(want)};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static int write_restart(
        struct orl_store *store, const char *id, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE desktop SET restart_ms = $1 WHERE id = $2 AND power = 'running'"
            " AND lease NOT IN ('free', 'ending') AND kind <> 'static'");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, id);
    return orl_db_run(&q, err);
}

static int ask_restart(struct orl_store *store, const char *id, const char *actor, bool is_reset,
        uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get(store, id, &row, err);
    rc = rc < 0 ? rc : write_restart(store, id, is_reset ? ORL_RESTART_AT_ONCE : now_ms, err);
    if (rc == 0) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "The desktop does not run.");
    }
    struct orl_audit_event event = {.actor = actor,
            .action = is_reset ? "desktop.reset" : "desktop.restart",
            .kind = "desktop",
            .object = id,
            .user = row.user};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_desktop_ask_restart(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err)
{
    return ask_restart(store, id, actor, false, now_ms, err);
}

int orl_desktop_ask_reset(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err)
{
    return ask_restart(store, id, actor, true, now_ms, err);
}

int orl_desktop_set_maintenance(struct orl_store *store, const char *id, bool is_maintenance,
        const char *actor, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(
                store->db, "UPDATE desktop SET is_maintenance = $1, changed_ms = $2 WHERE id = $3");
        orl_db_put_bool(&q, is_maintenance);
        orl_db_put_u64(&q, now_ms);
        orl_db_put_text(&q, id);
        rc = orl_store_run_one(&q, "desktop", id, err);
    }
    struct orl_audit_event event = {.actor = actor,
            .action = "desktop.maintenance",
            .kind = "desktop",
            .object = id,
            .detail = is_maintenance ? "on" : "off"};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_desktop_count(struct orl_store *store, const char *pool,
        struct orl_desktop_counts *ret_counts, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT lease, power, count(*), sum(CASE WHEN lease = 'free' AND is_ready = 1"
            " AND is_maintenance = 0 AND want = 'run' THEN 1 ELSE 0 END)"
            " FROM desktop WHERE pool = $1 GROUP BY lease, power");
    orl_db_put_text(&q, pool);
    struct orl_desktop_counts counts = {0};
    int rc = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        enum orl_lease lease = ORL_LEASE_NONE;
        enum orl_power power = ORL_POWER_NONE;
        if (!orl_lease_parse(orl_db_get_peek(&q), &lease) ||
                !orl_power_parse(orl_db_get_peek(&q), &power)) {
            orl_db_fail(&q, "a desktop is in no known state");
            continue;
        }
        uint32_t n = orl_db_get_u32(&q);
        counts.by[lease][power] = n;
        counts.total += n;
        counts.ready += orl_db_get_u32(&q);
        if (lease != ORL_LEASE_FREE && lease != ORL_LEASE_ENDING) {
            counts.given += n;
        }
    }
    if (rc == 0) {
        *ret_counts = counts;
    }
    return rc;
}

#define VERSIONS "SELECT template, template_version, count(*) FROM desktop WHERE template <> ''"
#define BY_VERSION " GROUP BY template, template_version ORDER BY template, template_version DESC"

int orl_desktop_versions(struct orl_store *store, const char *pool, orl_desktop_version_fn fn,
        void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, pool != NULL ? VERSIONS " AND pool = $1" BY_VERSION : VERSIONS BY_VERSION);
    if (pool != NULL) {
        orl_db_put_text(&q, pool);
    }
    int rc = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        struct orl_desktop_version count = {0};
        orl_db_get_text(&q, count.template_name, sizeof(count.template_name));
        count.template_version = orl_db_get_u32(&q);
        count.desktops = orl_db_get_u32(&q);
        rc = orl_db_row_done(&q, err);
        rc = rc < 0 ? rc : fn(ctx, &count);
        if (rc != 0) {
            break;
        }
    }
    return rc;
}
