/* Whether waiting for a desktop of a pool makes sense now: the one place that tells a full pool from
 * one that will have a desktop soon, and passes on what vmpool says about it. */
#ifndef ORL_BROKER_POOL_OUTLOOK_H
#define ORL_BROKER_POOL_OUTLOOK_H
#include "broker/broker.h"
#include "store/desktop.h"
#include "store/pool.h"

struct orl_outlook {
    enum orl_reason reason;      /* 0: wait; else why not */
    char text[ORL_TEXT_MAX + 1]; /* empty: the reason's own */
    uint32_t ready;              /* free ones that could be given now */
};
/* Facts in, verdict out: pure. waiting: how many want a desktop, this one included. */
enum orl_reason orl_outlook_judge(const struct orl_pool_row *pool,
        const struct orl_desktop_counts *counts, unsigned waiting, bool has_host);
/* Asks the store. */
ORL_NODISCARD int orl_pool_outlook(struct orl_broker *broker, const char *pool, uint64_t now_ms,
        struct orl_outlook *ret_outlook, struct orl_err *err);

#endif
