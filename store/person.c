#include "store/person.h"
#include "store/audit.h"
#include "store/desktop_priv.h"
#include <stdio.h>
#include <string.h>

enum { UID_FIRST = 10000 };

static int audit_person(struct orl_store *store, const struct orl_desktop_row *row,
        const char *action, enum orl_reason reason, const char *detail, uint64_t now_ms,
        struct orl_err *err)
{
    struct orl_audit_event event = {.actor = "vmpool",
            .action = action,
            .reason = reason,
            .kind = "desktop",
            .object = row->id,
            .user = row->user,
            .detail = detail};
    return orl_audit_append(store, &event, now_ms, NULL, err);
}

int orl_desktop_set_person(struct orl_store *store, const char *id, uint64_t version,
        enum orl_person person, enum orl_reason reason, const char *text, uint64_t now_ms,
        struct orl_err *err)
{
    struct orl_desktop_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get_fenced(store, id, version, &row, err);
    if (rc < 0 || row.person == person) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "UPDATE desktop SET person = $1, changed_ms = $2, reason = $3, reason_text = $4"
                " WHERE id = $5 AND version = $6");
        bool is_said = reason != ORL_REASON_NONE;
        orl_db_put_text(&q, orl_person_name(person));
        orl_db_put_u64(&q, now_ms);
        orl_store_put_reason(&q, is_said ? reason : row.reason);
        orl_db_put_text(&q, is_said ? text : row.reason_text);
        orl_db_put_text(&q, id);
        orl_db_put_u64(&q, row.version);
        rc = orl_store_run_one(&q, "desktop", id, err);
    }
    char action[32];
    (void)snprintf(action, sizeof(action), "person.%s", orl_person_name(person));
    rc = rc < 0 ? rc : audit_person(store, &row, action, reason, text, now_ms, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

static bool is_in(enum orl_guest_state state)
{
    return state == ORL_GUEST_LOGGED_ON || state == ORL_GUEST_LOCKED;
}

int orl_desktop_set_guest_state(struct orl_store *store, const char *id, uint64_t version,
        enum orl_guest_state state, uint64_t now_ms, struct orl_err *err)
{
    struct orl_desktop_row row;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_desktop_get_fenced(store, id, version, &row, err);
    if (rc < 0 || row.guest_state == state) {
        return rc;
    }
    {
        ORL_DB_AUTO q =
                orl_db_query(store->db, "UPDATE desktop SET guest_state = $1, changed_ms = $2"
                                        " WHERE id = $3 AND version = $4");
        orl_db_put_text(&q, orl_guest_state_name(state));
        orl_db_put_u64(&q, now_ms);
        orl_db_put_text(&q, id);
        orl_db_put_u64(&q, row.version);
        rc = orl_store_run_one(&q, "desktop", id, err);
    }
    /* A guest may lock and unlock itself as it likes: that is no event of an account. */
    if (rc == 0 && !(is_in(row.guest_state) && is_in(state))) {
        rc = audit_person(store, &row, "guest.state", ORL_REASON_NONE, orl_guest_state_name(state),
                now_ms, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_person_uid_find(
        struct orl_store *store, const char *user, uint32_t *ret_uid, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT uid FROM person_uid WHERE user_name = $1");
    orl_db_put_text(&q, user);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    *ret_uid = orl_db_get_u32(&q);
    return orl_db_row_done(&q, err);
}

int orl_person_uid(
        struct orl_store *store, const char *user, uint32_t *ret_uid, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_person_uid_find(store, user, ret_uid, err);
    if (rc != ORL_E_NOTFOUND) {
        return rc;
    }
    {
        ORL_DB_AUTO q =
                orl_db_query(store->db, "INSERT INTO person_uid (user_name, uid)"
                                        " SELECT $1, COALESCE(MAX(uid) + 1, $2) FROM person_uid");
        orl_db_put_text(&q, user);
        orl_db_put_u64(&q, UID_FIRST);
        rc = orl_db_run(&q, err);
    }
    rc = rc < 0 ? rc : orl_person_uid_find(store, user, ret_uid, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
