#include "store/rdp_login.h"
#include "store/store_priv.h"
#include <string.h>

const char *orl_rdp_target(const char *target)
{
    const size_t len = strlen(ORL_RDP_TARGET_PREFIX);
    if (strncmp(target, ORL_RDP_TARGET_PREFIX, len) == 0) {
        return target + len;
    }
    const char *beside = strncmp(target, "domain:", strlen("domain:")) == 0
                                 ? strstr(target, ORL_RDP_TARGET_BESIDE)
                                 : NULL;
    return beside != NULL ? beside + strlen(ORL_RDP_TARGET_BESIDE) : NULL;
}

int orl_rdp_login_set(struct orl_store *store, const char *desktop,
        const struct orl_rdp_login *login, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO rdp_login (desktop, user_name, domain, fingerprint) VALUES ($1, $2, $3, "
            "$4)"
            " ON CONFLICT (desktop) DO UPDATE SET user_name = excluded.user_name,"
            " domain = excluded.domain, fingerprint = excluded.fingerprint");
    orl_db_put_text(&q, desktop);
    orl_db_put_text(&q, login->user);
    orl_db_put_text(&q, login->domain);
    orl_db_put_text(&q, login->fingerprint);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_rdp_login_give(struct orl_store *store, const char *desktop, uint64_t version,
        const struct orl_rdp_login *login, const char *sealed_password, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q =
                orl_db_query(store->db, "UPDATE desktop SET vnc_password = $1"
                                        " WHERE id = $2 AND version = $3 AND kind <> 'static'");
        orl_db_put_text(&q, sealed_password);
        orl_db_put_text(&q, desktop);
        orl_db_put_u64(&q, version);
        rc = orl_db_run(&q, err);
    }
    if (rc == 0) {
        return orl_err_set(err, ORL_E_CONFLICT, "the desktop is another's by now");
    }
    rc = rc < 0 ? rc : orl_rdp_login_set(store, desktop, login, err);
    return rc < 0 ? rc : orl_store_tx_commit(&tx, err);
}

int orl_rdp_login_get(struct orl_store *store, const char *desktop, struct orl_rdp_login *ret_login,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT user_name, domain, fingerprint FROM rdp_login WHERE desktop = $1");
    orl_db_put_text(&q, desktop);
    *ret_login = (struct orl_rdp_login){.user = ""};
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc;
    }
    orl_db_get_text(&q, ret_login->user, sizeof(ret_login->user));
    orl_db_get_text(&q, ret_login->domain, sizeof(ret_login->domain));
    orl_db_get_text(&q, ret_login->fingerprint, sizeof(ret_login->fingerprint));
    return orl_db_row_done(&q, err);
}
