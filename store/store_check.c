/* Invariants between tables, which no single row can break: orl_store_check(). */
#include "store/store.h"
#include "store/store_priv.h"

struct rule {
    const char *sql; /* selects the ids of rows that break it */
    const char *text;
};

static const struct rule rules[] = {
        {"SELECT s.id FROM session s LEFT JOIN desktop d ON d.id = s.desktop"
         " WHERE s.state <> 'ended' AND s.desktop <> ''"
         " AND (d.id IS NULL OR d.session <> s.id OR d.user_name <> s.user_name OR d.pool <> s.pool"
         " OR d.version <> s.desktop_version)",
                "a live session and its desktop do not name each other"},
        {"SELECT d.id FROM desktop d LEFT JOIN session s ON s.id = d.session"
         " WHERE d.session <> '' AND (s.id IS NULL OR s.state = 'ended' OR s.desktop <> d.id)",
                "a desktop names a session that is not on it"},
        {"SELECT d.id FROM desktop d JOIN session s ON s.id = d.session"
         " WHERE (d.lease = 'in_use') <> (s.state = 'active')"
         " OR (d.lease = 'disconnected') <> (s.state = 'disconnected')",
                "lease of a desktop and state of its session disagree"},
        {"SELECT d.id FROM desktop d WHERE d.lease = 'free' AND d.is_tainted = 1"
         " AND d.kind <> 'static'",
                "a desktop that was given is free"},
};

static int check_rule(struct orl_store *store, const struct rule *rule, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, rule->sql);
    int rc = orl_db_step(&q, err);
    return rc == 1 ? orl_err_set(
                             err, ORL_E_BACKEND, "store: %s: %s", rule->text, orl_db_get_peek(&q))
                   : rc;
}

int orl_store_check(struct orl_store *store, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : orl_db_check(store->db, err);
    for (size_t i = 0; rc == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
        rc = check_rule(store, &rules[i], err);
    }
    return rc;
}
