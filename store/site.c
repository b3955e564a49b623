#include "store/site.h"

#include "store/store_priv.h"

int orl_site_get(struct orl_store *store, const char *key, char ret_value[ORL_TEXT_MAX + 1],
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT value FROM site WHERE key = $1");
    orl_db_put_text(&q, key);
    int rc = orl_db_step(&q, err);
    ret_value[0] = '\0';
    if (rc <= 0) {
        return rc;
    }
    orl_db_get_text(&q, ret_value, ORL_TEXT_MAX + 1);
    return orl_db_row_done(&q, err);
}

static int remove_row(struct orl_store *store, const char *key, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM site WHERE key = $1");
    orl_db_put_text(&q, key);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_site_set(struct orl_store *store, const char *key, const char *value, struct orl_err *err)
{
    if (value[0] == '\0') {
        return remove_row(store, key, err);
    }
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO site (key, value) VALUES ($1, $2)"
                                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    orl_db_put_text(&q, key);
    orl_db_put_text(&q, value);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_site_list(struct orl_store *store, orl_site_fn fn, void *ctx, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT key, value FROM site ORDER BY key");
    for (;;) {
        char key[ORL_SITE_KEY_MAX + 1];
        char value[ORL_TEXT_MAX + 1];
        int rc = orl_db_step(&q, err);
        if (rc <= 0) {
            return rc;
        }
        orl_db_get_text(&q, key, sizeof(key));
        orl_db_get_text(&q, value, sizeof(value));
        rc = orl_db_row_done(&q, err);
        rc = rc < 0 ? rc : fn(ctx, key, value);
        if (rc < 0) {
            return rc;
        }
    }
}
