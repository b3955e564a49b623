/* PostgreSQL's roles: who may do what with which table. SQLite has its file's mode. */
#include "store/store_copy.h"
#include "store/store_priv.h"
#include <stdio.h>
#include <string.h>

struct rights {
    const char *verb; /* "GRANT ... ON ..." */
    bool is_in_schema;
    const char *way; /* "TO", "FROM" */
};

/* New tables come with the next call. */
static const struct rights broker_rights[] = {{"GRANT USAGE ON SCHEMA", true, "TO"},
        {"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA", true, "TO"},
        {"REVOKE INSERT, UPDATE, DELETE ON schema_version", false, "FROM"}, {NULL, false, NULL}};
/* No accounts, no tickets, no logins; people's sessions only to look at. */
static const struct rights vmpool_rights[] = {{"GRANT USAGE ON SCHEMA", true, "TO"},
        {"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA", true, "TO"},
        {"REVOKE ALL ON account, entitlement, group_person, person_pool, ticket, token, watch, "
         "weblogin",
                false, "FROM"},
        {"REVOKE INSERT, UPDATE, DELETE ON session, schema_version", false, "FROM"},
        {"REVOKE DELETE ON audit, meta", false, "FROM"}, {NULL, false, NULL}};

static int grant(struct orl_store *store, const struct rights *rights, const char *role,
        const char *schema, struct orl_err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    if (role[0] == '\0' || strlen(role) > 63 || role[strspn(role, allowed)] != '\0') {
        return orl_err_set(err, ORL_E_INVAL, "not a name for a role: %.63s", role);
    }
    int rc = 0;
    for (; rc == 0 && rights->verb != NULL; rights++) {
        char script[400];
        (void)snprintf(script, sizeof(script), "%s %s %s \"%s\"", rights->verb,
                rights->is_in_schema ? schema : "", rights->way, role);
        rc = orl_db_exec(store->db, script, err);
    }
    return rc;
}

int orl_store_grant(
        struct orl_store *store, const char *broker, const char *vmpool, struct orl_err *err)
{
    char schema[80];
    if (orl_db_kind(store->db) != ORL_DB_POSTGRES) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "only PostgreSQL has roles");
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "SELECT quote_ident(current_schema())");
        int rc = orl_db_step(&q, err);
        if (rc < 0) {
            return rc;
        }
        orl_db_get_text(&q, schema, sizeof(schema));
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc == 0 && broker != NULL) {
        rc = grant(store, broker_rights, broker, schema, err);
    }
    if (rc == 0 && vmpool != NULL) {
        rc = grant(store, vmpool_rights, vmpool, schema, err);
    }
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}
