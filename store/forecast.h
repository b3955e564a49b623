/* How many people begin a session with a pool in each quarter of an hour of the week, from what the last
 * weeks were like: the newest week counts a quarter, each older one three quarters of the next.
 * Weeks are local wall-clock weeks. */
#ifndef ORL_STORE_FORECAST_H
#define ORL_STORE_FORECAST_H
#include "store/store.h"

#define ORL_FORECAST_SLOT_MS 900000U
#define ORL_FORECAST_SLOTS 672 /* of a week */

/* The slot that wall_ms is in, by the host's local time. */
unsigned orl_forecast_slot(uint64_t wall_ms);
/* Spares for those who come before one that is begun now is ready. mean_milli: people, in thousandths, of
 * the slot that began into_ms ago and those that follow it. A slot that begins within window_ms counts
 * whole: people come at the hour. Pure. */
uint32_t orl_forecast_need(
        const uint32_t *mean_milli, size_t count, uint64_t into_ms, uint64_t window_ms);

/* Takes what the slot from from_ms on brought into every pool's forecast, once: what was sampled at the
 * same time or later is left alone. */
ORL_NODISCARD int orl_forecast_sample(
        struct orl_store *store, unsigned slot, uint64_t from_ms, struct orl_err *err);
/* 0 where nothing is known. */
ORL_NODISCARD int orl_forecast_mean(struct orl_store *store, const char *pool, unsigned slot,
        uint32_t *ret_mean_milli, struct orl_err *err);
/* When the newest sample began; 0: there is none. */
ORL_NODISCARD int orl_forecast_newest(
        struct orl_store *store, uint64_t *ret_from_ms, struct orl_err *err);

#endif
