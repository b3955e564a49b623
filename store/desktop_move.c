/* Every change of a desktop's two columns. */
#include "store/audit.h"
#include "store/desktop.h"
#include "store/desktop_priv.h"
#include <stdio.h>
#include <string.h>

static int write_row(struct orl_store *store, const struct orl_desktop_row *before,
        const struct orl_desktop_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE desktop SET host = $1, version = $2, lease = $3, power = $4, want = $5,"
            " is_tainted = $6, is_ready = $7, user_name = $8, session = $9, uuid = $10,"
            " domain = $11, overlay = $12, reason = $13, reason_text = $14, attempts = $15,"
            " retry_ms = $16, changed_ms = $17, ready_ms = $18, restart_ms = $19,"
            " has_hook = $20 WHERE id = $21 AND version = $22");
    orl_db_put_text(&q, row->host);
    orl_db_put_u64(&q, row->version);
    orl_db_put_text(&q, orl_lease_name(row->lease));
    orl_db_put_text(&q, orl_power_name(row->power));
    orl_db_put_text(&q, orl_want_name(row->want));
    orl_db_put_bool(&q, row->is_tainted);
    orl_db_put_bool(&q, row->is_ready);
    orl_db_put_text(&q, row->user);
    orl_db_put_text(&q, row->session);
    orl_db_put_text(&q, row->uuid);
    orl_db_put_text(&q, row->domain);
    orl_db_put_text(&q, row->overlay);
    orl_store_put_reason(&q, row->reason);
    orl_db_put_text(&q, row->reason_text);
    orl_db_put_u64(&q, row->attempts);
    orl_db_put_u64(&q, row->retry_ms);
    orl_db_put_u64(&q, row->changed_ms);
    orl_db_put_u64(&q, row->ready_ms);
    bool is_up = row->power == ORL_POWER_RUNNING && row->lease != ORL_LEASE_FREE &&
                 row->lease != ORL_LEASE_ENDING;
    orl_db_put_u64(&q, is_up ? row->restart_ms : 0);
    orl_db_put_bool(&q, row->has_hook);
    orl_db_put_text(&q, row->id);
    orl_db_put_u64(&q, before->version);
    int rc = orl_db_run(&q, err);
    if (rc == 0) {
        rc = orl_err_set(err, ORL_E_CONFLICT, "desktop %s was moved meanwhile", row->id);
    }
    return rc < 0 ? rc : 0;
}

static int refuse(
        const struct orl_desktop_row *from, const struct orl_desktop_row *to, struct orl_err *err)
{
    return orl_err_set(err, ORL_E_DENIED, "desktop %s can't go from %s, %s to %s, %s", from->id,
            orl_lease_name(from->lease), orl_power_name(from->power), orl_lease_name(to->lease),
            orl_power_name(to->power));
}

static enum orl_want want_after(const struct orl_desktop_row *from, enum orl_lease lease)
{
    if (lease != ORL_LEASE_ENDING || from->lease == ORL_LEASE_ENDING ||
            from->want == ORL_WANT_DELETE || from->kind == ORL_POOL_STATIC) {
        return from->want;
    }
    /* A dedicated spare that nobody ever had is not worth keeping. */
    bool is_kept = from->kind == ORL_POOL_DEDICATED && from->is_tainted;
    return is_kept ? ORL_WANT_STOP : ORL_WANT_DELETE;
}

/* 1: the machines of the desktop's pool are up whether somebody is there or not. */
static int has_autostart(
        struct orl_store *store, const struct orl_desktop_row *row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT 1 FROM pool WHERE name = $1 AND has_autostart = 1 AND is_deleted = 0");
    orl_db_put_text(&q, row->pool);
    return orl_db_step(&q, err);
}

static void apply(const struct orl_desktop_row *from, const struct orl_desktop_move *move,
        uint64_t now_ms, struct orl_desktop_row *to)
{
    *to = *from;
    to->lease = move->lease != ORL_LEASE_NONE ? move->lease : from->lease;
    to->power = move->power != ORL_POWER_NONE ? move->power : from->power;
    to->want = move->want != ORL_WANT_NONE ? move->want : want_after(from, to->lease);
    to->is_ready = from->is_ready && to->power == ORL_POWER_RUNNING;
    /* The row's reason is about the machine; why a lease moved is in the audit. */
    if (move->power != ORL_POWER_NONE && move->reason != from->reason) {
        to->reason = move->reason;
        to->reason_text[0] = '\0';
    }
    if (orl_desktop_move_is_fenced(from->lease, to->lease)) {
        to->version = from->version + 1;
    }
    if (to->lease == ORL_LEASE_ENDING || to->lease == ORL_LEASE_FREE) {
        to->session[0] = '\0';
    }
    if (to->lease == ORL_LEASE_FREE) {
        to->user[0] = '\0';
    }
    to->changed_ms = now_ms;
}

static bool is_allowed(const struct orl_desktop_row *from, const struct orl_desktop_row *to)
{
    struct orl_desktop_state a = orl_desktop_state_of(from);
    struct orl_desktop_state b = orl_desktop_state_of(to);
    if (!orl_desktop_move_is_legal(&a, &b)) {
        return false;
    }
    /* Giving and taking people is what claims and sessions do. */
    bool is_given = to->lease != ORL_LEASE_FREE && to->lease != ORL_LEASE_ENDING;
    if (is_given && to->user[0] == '\0') {
        return false;
    }
    bool needs_session = to->lease == ORL_LEASE_IN_USE || to->lease == ORL_LEASE_DISCONNECTED;
    if (needs_session && to->session[0] == '\0') {
        return false;
    }
    return from->lease != ORL_LEASE_ENDING || to->lease == ORL_LEASE_ENDING ||
           to->want != ORL_WANT_DELETE;
}

static int audit_move(struct orl_store *store, const struct orl_desktop_row *from,
        const struct orl_desktop_row *to, const struct orl_desktop_move *move, uint64_t now_ms,
        struct orl_err *err)
{
    char detail[ORL_STORE_PATH_MAX + 1];
    (void)snprintf(detail, sizeof(detail), "%s,%s to %s,%s version %llu%s%.400s",
            orl_lease_name(from->lease), orl_power_name(from->power), orl_lease_name(to->lease),
            orl_power_name(to->power), (unsigned long long)to->version,
            move->detail != NULL ? ": " : "", move->detail != NULL ? move->detail : "");
    struct orl_audit_event event = {.actor = move->actor,
            .action = from->lease != to->lease ? "desktop.lease" : "desktop.power",
            .reason = move->reason,
            .kind = "desktop",
            .object = to->id,
            .user = from->user,
            .detail = detail};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

int orl_desktop_step(struct orl_store *store, const struct orl_desktop_row *from,
        const struct orl_desktop_move *move, uint64_t now_ms, struct orl_desktop_row *ret_row,
        struct orl_err *err)
{
    struct orl_desktop_row to;
    apply(from, move, now_ms, &to);
    if (!is_allowed(from, &to)) {
        return refuse(from, &to, err);
    }
    /* Switched off for whom it was, so that nothing of theirs runs on, and on again. */
    bool is_left =
            move->want == ORL_WANT_NONE && from->want == ORL_WANT_RUN && to.want == ORL_WANT_STOP;
    int stays = is_left ? has_autostart(store, from, err) : 0;
    if (stays < 0) {
        return stays;
    }
    to.want = stays == 1 ? ORL_WANT_RUN : to.want;
    int rc = write_row(store, from, &to, err);
    if (rc == 0 && (from->lease != to.lease || from->power != to.power)) {
        rc = audit_move(store, from, &to, move, now_ms, err);
    }
    rc = rc < 0 ? rc : orl_store_stamp_raise(store, now_ms, err);
    if (rc == 0 && ret_row != NULL) {
        *ret_row = to;
    }
    return rc;
}

int orl_desktop_move(struct orl_store *store, const struct orl_desktop_move *move, uint64_t now_ms,
        struct orl_desktop_row *ret_row, struct orl_err *err)
{
    if (move->version == 0 && move->lease != ORL_LEASE_NONE) {
        return orl_err_set(err, ORL_E_INVAL, "a lease moves only with its version");
    }
    struct orl_desktop_row from;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get_fenced(store, move->id, move->version, &from, err);
    if (rc < 0) {
        return rc;
    }
    if (from.session[0] != '\0' && move->lease != ORL_LEASE_NONE && move->lease != from.lease) {
        return orl_err_set(err, ORL_E_DENIED, "desktop %s has a session: end that", from.id);
    }
    struct orl_desktop_row to;
    rc = orl_desktop_step(store, &from, move, now_ms, &to, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0 && ret_row != NULL) {
        *ret_row = to;
    }
    return rc;
}

static bool take_text(char *dst, size_t dst_size, const char *src)
{
    if (src == NULL || strcmp(dst, src) == 0) {
        return false;
    }
    orl_msg_text(dst, dst_size, src);
    return true;
}

/* true: something differs from what the row has. */
static bool take_seen(
        const struct orl_desktop_seen *seen, uint64_t now_ms, struct orl_desktop_row *row)
{
    bool is_new = take_text(row->host, sizeof(row->host), seen->host);
    is_new = take_text(row->uuid, sizeof(row->uuid), seen->uuid) || is_new;
    is_new = take_text(row->domain, sizeof(row->domain), seen->domain) || is_new;
    is_new = take_text(row->overlay, sizeof(row->overlay), seen->overlay) || is_new;
    is_new = take_text(row->reason_text, sizeof(row->reason_text), seen->reason_text) || is_new;
    enum orl_power power = seen->power != ORL_POWER_NONE ? seen->power : row->power;
    bool is_ready = seen->is_ready && power == ORL_POWER_RUNNING;
    if (power != row->power || is_ready != row->is_ready || seen->has_hook != row->has_hook ||
            seen->reason != row->reason || seen->attempts != row->attempts ||
            seen->retry_ms != row->retry_ms) {
        is_new = true;
    }
    row->power = power;
    row->is_ready = is_ready;
    row->has_hook = seen->has_hook;
    if (is_ready && row->ready_ms == 0) {
        row->ready_ms = now_ms;
    }
    row->reason = seen->reason;
    row->attempts = seen->attempts;
    row->retry_ms = seen->retry_ms;
    return is_new;
}

int orl_desktop_observe(struct orl_store *store, const struct orl_desktop_seen *seen,
        uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row from;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get_fenced(store, seen->id, seen->version, &from, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_desktop_row to = from;
    if (!take_seen(seen, now_ms, &to)) {
        return 0;
    }
    to.changed_ms = now_ms;
    if (!is_allowed(&from, &to)) {
        return refuse(&from, &to, err);
    }
    rc = write_row(store, &from, &to, err);
    if (rc == 0 && from.power != to.power) {
        struct orl_desktop_move move = {
                .actor = "vmpool", .reason = seen->reason, .detail = seen->reason_text};
        rc = audit_move(store, &from, &to, &move, now_ms, err);
    }
    rc = rc < 0 ? rc : orl_store_stamp_raise(store, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static uint64_t slot_of(const struct orl_desktop_claim *claim)
{
    return claim->slot > 0 ? claim->slot : 1;
}

/* Nobody new is put on a host that is emptied; who has a desktop there keeps it. */
#define NOT_DRAINING                                                                               \
    " AND NOT EXISTS (SELECT 1 FROM host h WHERE h.name = desktop.host AND h.is_draining = 1)"

/* 1: the person has a machine here that is not free to be given again right now. */
static int has_other(
        struct orl_store *store, const struct orl_desktop_claim *claim, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT 1 FROM desktop WHERE pool = $1 AND user_name = "
                                            "$2 AND slot = $3 AND (lease <> 'ending'"
                                            " OR (kind = 'dedicated' AND want <> 'delete'))");
    orl_db_put_text(&q, claim->pool);
    orl_db_put_text(&q, claim->user);
    orl_db_put_u64(&q, slot_of(claim));
    return orl_db_step(&q, err);
}

static int find_own(struct orl_store *store, const struct orl_desktop_claim *claim,
        struct orl_desktop_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT " ORL_DESKTOP_COLUMNS " FROM desktop WHERE pool = $1 AND user_name = $2"
            " AND slot = $3 AND lease = 'assigned' AND session = '' AND is_maintenance = 0"
            " AND want <> 'delete'");
    orl_db_put_text(&q, claim->pool);
    orl_db_put_text(&q, claim->user);
    orl_db_put_u64(&q, slot_of(claim));
    return orl_desktop_read_one(&q, ret_row, err);
}

#define FREE                                                                                       \
    "SELECT " ORL_DESKTOP_COLUMNS " FROM desktop WHERE pool = $1 AND lease = 'free'"               \
    " AND power = 'running' AND is_ready = 1 AND is_maintenance = 0 AND want = 'run'"              \
    " AND EXISTS (SELECT 1 FROM pool p WHERE p.name = desktop.pool AND p.is_deleted = "            \
    "0)" NOT_DRAINING " ORDER BY ready_ms, id LIMIT 1"

/* A row that somebody holds, who is none of our programs, is not waited for. */
static int find_free(struct orl_store *store, const struct orl_desktop_claim *claim,
        struct orl_desktop_row *ret_row, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_kind(store->db) == ORL_DB_POSTGRES
                            ? orl_db_query(store->db, FREE " FOR UPDATE SKIP LOCKED")
                            : orl_db_query(store->db, FREE);
    orl_db_put_text(&q, claim->pool);
    return orl_desktop_read_one(&q, ret_row, err);
}

/* Whom the guest is to be told of, where its hook can, and where they must not be in without their home in any
 * case: a hook that was slow may be there by now. */
#define PERSON_WANTED                                                                              \
    "CASE WHEN kind <> 'static' AND EXISTS (SELECT 1 FROM pool p WHERE p.name = desktop.pool"      \
    " AND p.person = 'auto' AND (desktop.has_hook = 1 OR p.home <> 'none'))"                       \
    " THEN 'wanted' ELSE 'none' END"

/* The conditional update: whoever comes second changes no row. */
static int take_free(struct orl_store *store, const struct orl_desktop_row *row,
        const struct orl_desktop_claim *claim, uint64_t now_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE desktop SET lease = 'assigned', is_tainted = 1, version = version + 1,"
            " user_name = $1, slot = $2, want = 'run', changed_ms = $3, guest_state = '',"
            " person = " PERSON_WANTED " WHERE id = $4 AND version = $5"
            " AND lease = 'free' AND power = 'running' AND is_ready = 1");
    orl_db_put_text(&q, claim->user);
    orl_db_put_u64(&q, slot_of(claim));
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, row->id);
    orl_db_put_u64(&q, row->version);
    int rc = orl_db_run(&q, err);
    return rc == 0 ? ORL_E_NOTFOUND : rc < 0 ? rc : 0;
}

static int take_own(struct orl_store *store, const struct orl_desktop_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE desktop SET want = 'run', changed_ms = $1, guest_state = '',"
            " person = " PERSON_WANTED " WHERE id = $2 AND version = $3");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_text(&q, row->id);
    orl_db_put_u64(&q, row->version);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int claim_any(struct orl_store *store, const struct orl_desktop_claim *claim,
        uint64_t now_ms, struct orl_desktop_row *ret_row, struct orl_err *err)
{
    int rc = find_own(store, claim, ret_row, err);
    if (rc == 0) {
        return take_own(store, ret_row, now_ms, err);
    }
    if (rc != ORL_E_NOTFOUND) {
        return rc;
    }
    rc = has_other(store, claim, err);
    if (rc != 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    rc = find_free(store, claim, ret_row, err);
    return rc < 0 ? rc : take_free(store, ret_row, claim, now_ms, err);
}

int orl_desktop_claim(struct orl_store *store, const struct orl_desktop_claim *claim,
        uint64_t now_ms, struct orl_desktop_row *ret_row, struct orl_err *err)
{
    if (claim->user == NULL || claim->user[0] == '\0') {
        return orl_err_set(err, ORL_E_INVAL, "a desktop is claimed for a person");
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_desktop_row row;
    rc = claim_any(store, claim, now_ms, &row, err);
    if (rc < 0) {
        return rc != ORL_E_NOTFOUND
                       ? rc
                       : orl_err_set(err, rc, "no desktop of pool %s is free now", claim->pool);
    }
    rc = orl_desktop_get(store, row.id, &row, err);
    struct orl_audit_event event = {.actor = claim->actor != NULL ? claim->actor : "broker",
            .action = "desktop.claim",
            .kind = "desktop",
            .object = row.id,
            .user = claim->user,
            .detail = claim->pool};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    rc = rc < 0 ? rc : orl_store_stamp_raise(store, now_ms, err);
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        *ret_row = row;
    }
    return rc;
}

int orl_desktop_remove(struct orl_store *store, const char *id, uint64_t version, const char *actor,
        uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get_fenced(store, id, version, &row, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_desktop_state state = orl_desktop_state_of(&row);
    if (!orl_desktop_state_is_removable(&state)) {
        return orl_err_set(err, ORL_E_DENIED, "desktop %s is %s, %s: not gone yet", id,
                orl_lease_name(row.lease), orl_power_name(row.power));
    }
    {
        ORL_DB_AUTO q =
                orl_db_query(store->db, "DELETE FROM desktop WHERE id = $1 AND version = $2");
        orl_db_put_text(&q, id);
        orl_db_put_u64(&q, row.version);
        rc = orl_store_run_one(&q, "desktop", id, err);
    }
    struct orl_audit_event event = {.actor = actor,
            .action = "desktop.remove",
            .kind = "desktop",
            .object = id,
            .user = row.user,
            .detail = row.pool};
    rc = rc < 0 ? rc : orl_audit_append(store, &event, now_ms, NULL, err);
    rc = rc < 0 ? rc : orl_store_stamp_raise(store, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
