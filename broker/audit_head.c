#include "broker/audit_head.h"

#include "base/clock.h"
#include "store/audit_chain.h"

#include <stdlib.h>
#include <string.h>

#define TICK_US (UINT64_C(60) * ORL_US_PER_S)

struct orl_audit_teller {
    struct orl_broker *broker;
    struct orl_timer *tick;
    uint64_t told_us; /* 0: not yet */
    uint64_t told_seq;
};

static void tell(struct orl_audit_teller *teller, uint64_t now_us)
{
    struct orl_err err = {0};
    struct orl_broker *broker = teller->broker;
    struct orl_audit_link head;
    if (orl_audit_head(broker->store, &head, &err) < 0) {
        orl_broker_log_store(broker, "the audit's head", &err);
        return;
    }
    if (head.seq != teller->told_seq) {
        teller->told_us = now_us;
        teller->told_seq = head.seq;
        orl_log_info(&broker->log, "audit head", "seq", ORL_LOG_NUM((int64_t)head.seq), "head",
                head.chain);
    }
}

static void on_tick(void *ctx)
{
    struct orl_err err = {0};
    struct orl_audit_teller *teller = ctx;
    uint64_t now_us = orl_loop_now_us(teller->broker->loop);
    uint64_t every_us = (uint64_t)teller->broker->cfg->audit_head_min * TICK_US;
    if (orl_audit_close(teller->broker->store, orl_clock_wall_ms(), &err) < 0) {
        orl_broker_log_store(teller->broker, "closing the audit's counters", &err);
    }
    if (every_us > 0 && (teller->told_us == 0 || now_us - teller->told_us >= every_us)) {
        tell(teller, now_us);
    }
}

int orl_audit_teller_new(
        struct orl_broker *broker, struct orl_audit_teller **ret_teller, struct orl_err *err)
{
    struct orl_audit_teller *teller = calloc(1, sizeof(*teller));
    if (teller == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "audit: out of memory");
    }
    teller->broker = broker;
    int rc = orl_timer_new(broker->loop, on_tick, teller, &teller->tick, err);
    if (rc < 0) {
        free(teller);
        return rc;
    }
    orl_timer_start(teller->tick, ORL_US_PER_S, TICK_US);
    *ret_teller = teller;
    return 0;
}

void orl_audit_teller_free(struct orl_audit_teller *teller)
{
    if (teller != NULL) {
        orl_timer_free(teller->tick);
        free(teller);
    }
}
