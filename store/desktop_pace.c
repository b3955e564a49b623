#include "store/desktop_priv.h"
#include <stdlib.h>

static int read_making(struct orl_store *store, const char *pool, struct orl_desktop_pace *pace,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT created_ms FROM desktop WHERE pool = $1 AND lease = 'free' AND is_ready = 0"
            " AND power IN ('absent', 'cloning', 'starting', 'running') AND want = 'run'"
            " AND ready_ms = 0 ORDER BY created_ms LIMIT $2");
    orl_db_put_text(&q, pool);
    orl_db_put_u64(&q, ORL_PACE_MAKING_MAX);
    int rc = 0;
    while (pace->making < ORL_PACE_MAKING_MAX && (rc = orl_db_step(&q, err)) == 1) {
        pace->making_since_ms[pace->making++] = orl_db_get_u64(&q);
    }
    return rc < 0 ? rc : orl_db_row_done(&q, err);
}

static int read_took(struct orl_store *store, const char *pool, struct orl_desktop_pace *pace,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT ready_ms - created_ms FROM desktop WHERE pool = $1 AND ready_ms > created_ms"
            " ORDER BY ready_ms DESC LIMIT $2");
    orl_db_put_text(&q, pool);
    orl_db_put_u64(&q, ORL_PACE_TOOK_MAX);
    int rc = 0;
    while (pace->took < ORL_PACE_TOOK_MAX && (rc = orl_db_step(&q, err)) == 1) {
        pace->took_ms[pace->took++] = orl_db_get_u64(&q);
    }
    return rc < 0 ? rc : orl_db_row_done(&q, err);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int orl_desktop_pace(struct orl_store *store, const char *pool, struct orl_desktop_pace *ret_pace,
        struct orl_err *err)
{
    struct orl_desktop_pace pace = {.making = 0};
    int rc = read_making(store, pool, &pace, err);
    rc = rc < 0 ? rc : read_took(store, pool, &pace, err);
    if (rc == 0) {
        qsort(pace.took_ms, pace.took, sizeof(pace.took_ms[0]), compare);
        *ret_pace = pace;
    }
    return rc;
}
