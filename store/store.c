#include "store/store.h"

#include "store/store_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MS 10000

int orl_store_tx_begin(struct orl_store *store, struct orl_store_tx *tx, struct orl_err *err)
{
    orl_assert(tx->store == NULL);
    int rc = orl_db_begin(store->db, store->tx_depth, err);
    if (rc == 0) {
        store->tx_depth++;
        tx->store = store;
    }
    return rc;
}

int orl_store_tx_commit(struct orl_store_tx *tx, struct orl_err *err)
{
    struct orl_store *store = tx->store;
    orl_assert(store != NULL && store->tx_depth > 0);
    int rc = orl_db_commit(store->db, store->tx_depth - 1, err);
    if (rc < 0) {
        orl_store_tx_end(tx);
        return rc;
    }
    store->tx_depth--;
    tx->store = NULL;
    return 0;
}

void orl_store_tx_end(struct orl_store_tx *tx)
{
    struct orl_store *store = tx->store;
    if (store == NULL) {
        return;
    }
    orl_assert(store->tx_depth > 0);
    store->tx_depth--;
    tx->store = NULL;
    orl_db_rollback(store->db, store->tx_depth);
}

bool orl_store_is_in_tx(const struct orl_store *store)
{
    return store->tx_depth > 0;
}

static int migrate_one(struct orl_store *store, int version, struct orl_err *err)
{
    const struct orl_store_migration *step = &orl_store_migrations[version - 1];
    int rc = orl_db_exec(store->db,
            orl_db_kind(store->db) == ORL_DB_POSTGRES ? step->postgres : step->sqlite, err);
    if (rc < 0) {
        return rc;
    }
    return orl_db_schema_set(store->db, version, err);
}

/* Another process may migrate at the same moment: what is there is read inside the transaction. */
static int migrate(struct orl_store *store, struct orl_err *err)
{
    for (;;) {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        int rc = orl_db_schema(store->db, &store->schema, err);
        if (rc == 0 && store->schema < orl_store_migration_count) {
            rc = orl_store_tx_begin(store, &tx, err);
            rc = rc < 0 ? rc : orl_db_schema(store->db, &store->schema, err);
        }
        if (rc < 0) {
            return rc;
        }
        if (store->schema > orl_store_migration_count) {
            return orl_err_set(err, ORL_E_UNSUPPORTED,
                    "its schema is version %d, this program knows %d: use the newer program",
                    store->schema, orl_store_migration_count);
        }
        if (store->schema == orl_store_migration_count) {
            return 0;
        }
        int version = store->schema + 1;
        rc = migrate_one(store, version, err);
        rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
        if (rc < 0) {
            orl_err_prefix(err, "migration %d", version);
            return rc;
        }
    }
}

static int load_installation(struct orl_store *store, struct orl_err *err)
{
    char uuid[ORL_UUID_LEN + 1];
    orl_uuid_new(uuid);
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "INSERT INTO meta (key, value) VALUES ('installation', $1) ON CONFLICT DO NOTHING");
        orl_db_put_text(&q, uuid);
        int rc = orl_db_run(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    int rc = orl_store_meta_get(
            store, "installation", store->installation, sizeof(store->installation), err);
    if (rc == 0 && !orl_uuid_is_valid(store->installation)) {
        rc = orl_err_set(err, ORL_E_BACKEND, "installation is not a UUID");
    }
    return rc;
}

int orl_store_open(const char *target, struct orl_store **ret_store, struct orl_err *err)
{
    struct orl_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    int rc = orl_db_open(target, BUSY_MS, &store->db, err);
    if (rc == 0) {
        rc = migrate(store, err);
        rc = rc < 0 ? rc : load_installation(store, err);
        rc = rc < 0 ? rc : orl_store_adopt_copy(store, err);
        if (rc < 0) {
            orl_err_prefix(err, "store %s", target);
        }
    }
    if (rc < 0) {
        orl_store_close(store);
        return rc;
    }
    *ret_store = store;
    return 0;
}

void orl_store_close(struct orl_store *store)
{
    if (store != NULL) {
        orl_db_close(store->db);
        free(store);
    }
}

const char *orl_store_installation(const struct orl_store *store)
{
    return store->installation;
}

const char *orl_store_kind(const struct orl_store *store)
{
    return orl_db_kind(store->db) == ORL_DB_POSTGRES ? "postgresql" : "sqlite";
}

int orl_store_schema(const struct orl_store *store)
{
    return store->schema;
}

int orl_store_stamp(struct orl_store *store, uint64_t *ret_ms, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'stamp'");
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_err_set(err, ORL_E_BACKEND, "store has no stamp");
    }
    *ret_ms = orl_db_get_u64(&q);
    return orl_db_row_done(&q, err);
}

int orl_store_stamp_raise(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)now_ms);
    ORL_DB_AUTO q = orl_db_query(store->db,
            "UPDATE meta SET value = $1 WHERE key = 'stamp' AND CAST(value AS BIGINT) < $2");
    orl_db_put_text(&q, text);
    orl_db_put_u64(&q, now_ms);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_store_stamp_set(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    return orl_store_stamp_raise(store, now_ms, err);
}

int orl_store_clock(struct orl_store *store, uint64_t *ret_ms, struct orl_err *err)
{
    if (orl_db_kind(store->db) != ORL_DB_POSTGRES) {
        return orl_err_set(err, ORL_E_UNSUPPORTED, "a file has no clock");
    }
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)");
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_store_no_such("clock", "of the database", err);
    }
    uint64_t ms = orl_db_get_u64(&q);
    rc = orl_db_row_done(&q, err);
    *ret_ms = rc < 0 ? *ret_ms : ms;
    return rc;
}

int orl_store_generation(struct orl_store *store, uint64_t *ret_generation, struct orl_err *err)
{
    return orl_db_generation(store->db, ret_generation, err);
}

int orl_store_meta_get(struct orl_store *store, const char *key, char *ret_value, size_t value_size,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT value FROM meta WHERE key = $1");
    orl_db_put_text(&q, key);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_store_no_such("fact", key, err);
    }
    orl_db_get_text(&q, ret_value, value_size);
    return orl_db_row_done(&q, err);
}

int orl_store_meta_set(
        struct orl_store *store, const char *key, const char *value, struct orl_err *err)
{
    if (key[0] == '\0' || strlen(key) > ORL_STORE_CODE_MAX) {
        return orl_err_set(err, ORL_E_INVAL, "key of 1 to %d bytes wanted", ORL_STORE_CODE_MAX);
    }
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO meta (key, value) VALUES ($1, $2)"
                                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    orl_db_put_text(&q, key);
    orl_db_put_text(&q, value);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

void orl_store_put_reason(struct orl_db_query *q, enum orl_reason reason)
{
    orl_db_put_text(q, reason == ORL_REASON_NONE ? "" : orl_reason_code(reason));
}

enum orl_reason orl_store_get_reason(struct orl_db_query *q)
{
    const char *code = orl_db_get_peek(q);
    enum orl_reason reason = ORL_REASON_NONE;
    /* A newer broker may know more reasons than we do. */
    if (code[0] != '\0' && !orl_reason_parse(code, &reason)) {
        reason = ORL_REASON_INTERNAL;
    }
    return reason;
}

int orl_store_no_such(const char *thing, const char *name, struct orl_err *err)
{
    return orl_err_set(err, ORL_E_NOTFOUND, "no such %s: %s", thing, name);
}

int orl_store_run_one(
        struct orl_db_query *q, const char *thing, const char *name, struct orl_err *err)
{
    int rc = orl_db_run(q, err);
    if (rc < 0) {
        return rc;
    }
    return rc > 0 ? 0 : orl_store_no_such(thing, name, err);
}
