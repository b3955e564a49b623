#include "store/forecast.h"
#include "store/store_priv.h"
#include <time.h>

enum { SLOT_MINUTES = 15, HOUR_SLOTS = 4, DAY_SLOTS = 96, MILLI = 1000 };

unsigned orl_forecast_slot(uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local = {0};
    (void)localtime_r(&seconds, &local);
    int slot = local.tm_wday * DAY_SLOTS + local.tm_hour * HOUR_SLOTS + local.tm_min / SLOT_MINUTES;
    return (unsigned)slot % ORL_FORECAST_SLOTS;
}

uint32_t orl_forecast_need(
        const uint32_t *mean_milli, size_t count, uint64_t into_ms, uint64_t window_ms)
{
    uint64_t into = into_ms < ORL_FORECAST_SLOT_MS ? into_ms : ORL_FORECAST_SLOT_MS;
    uint64_t left_ms = ORL_FORECAST_SLOT_MS - into;
    uint64_t now_ms = left_ms < window_ms ? left_ms : window_ms;
    uint64_t milli = count > 0 ? mean_milli[0] * now_ms / ORL_FORECAST_SLOT_MS : 0;
    for (size_t i = 1; i < count && left_ms + (i - 1) * ORL_FORECAST_SLOT_MS < window_ms; i++) {
        milli += mean_milli[i];
    }
    uint64_t need = (milli + MILLI - 1) / MILLI;
    return need < UINT32_MAX ? (uint32_t)need : UINT32_MAX;
}

int orl_forecast_sample(
        struct orl_store *store, unsigned slot, uint64_t from_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "INSERT INTO forecast (pool, slot, mean_milli, sampled_ms)"
            " SELECT p.name, $1, 1000 * (SELECT count(*) FROM session s WHERE s.pool = p.name"
            " AND s.started_ms >= $2 AND s.started_ms < $3), $2 FROM pool p"
            " WHERE p.kind <> 'static' AND p.is_deleted = 0 AND p.created_ms <= $2"
            " ON CONFLICT (pool, slot) DO UPDATE SET"
            " mean_milli = (forecast.mean_milli * 3 + excluded.mean_milli) / 4,"
            " sampled_ms = excluded.sampled_ms WHERE forecast.sampled_ms < excluded.sampled_ms");
    orl_db_put_u64(&q, slot);
    orl_db_put_u64(&q, from_ms);
    orl_db_put_u64(&q, from_ms + ORL_FORECAST_SLOT_MS);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

int orl_forecast_mean(struct orl_store *store, const char *pool, unsigned slot,
        uint32_t *ret_mean_milli, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT mean_milli FROM forecast WHERE pool = $1 AND slot = $2");
    orl_db_put_text(&q, pool);
    orl_db_put_u64(&q, slot);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_mean_milli = rc == 1 ? orl_db_get_u32(&q) : 0;
    return 0;
}

int orl_forecast_newest(struct orl_store *store, uint64_t *ret_from_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT coalesce(max(sampled_ms), 0) FROM forecast");
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_from_ms = rc == 1 ? orl_db_get_u64(&q) : 0;
    return 0;
}
