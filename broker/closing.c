#include "broker/closing.h"

#include "base/clock.h"
#include "broker/events.h"
#include "broker/gateway_sock.h"
#include "broker/session_lease.h"

#include <stdlib.h>
#include <string.h>

struct orl_closing {
    char session[ORL_ID_LEN + 1];
    struct orl_id audit;
    enum orl_reason reason;
    bool is_end;
    struct orl_closing *next;
};

static void run(struct orl_broker *broker, const struct orl_closing *closing)
{
    struct orl_session_row row;
    orl_log_info(&broker->log, closing->is_end ? "session.end" : "session.disconnect", "session",
            closing->session, "reason", orl_reason_code(closing->reason), "audit",
            closing->audit.text);
    struct orl_conn *conn = orl_conn_find_session(broker->gateways, closing->session);
    if (conn != NULL) {
        orl_conn_close(conn, closing->reason, closing->audit.text, NULL);
    }
    if (closing->is_end) {
        broker->counters.session_ends[closing->reason]++;
        if (orl_session_get(broker->store, closing->session, &row, NULL) == 0) {
            orl_events_poke(broker->events, row.user);
        }
        orl_leases_poke_vmpool(broker->leases);
    }
}

int orl_closing_add(struct orl_broker *broker, const char *session, enum orl_reason reason,
        bool is_end, struct orl_err *err)
{
    struct orl_closing closing = {.reason = reason, .is_end = is_end};
    orl_msg_text(closing.session, sizeof(closing.session), session);
    orl_msg_text(closing.audit.text, sizeof(closing.audit.text), orl_audit_last_id(broker->store));
    if (!orl_store_is_in_tx(broker->store)) {
        run(broker, &closing);
        return 0;
    }
    struct orl_closing *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    *kept = closing;
    kept->next = broker->closings;
    broker->closings = kept;
    return 0;
}

static struct orl_closing *pop(struct orl_closing **list)
{
    struct orl_closing *first = *list;
    *list = first->next;
    return first;
}

void orl_closings_run(struct orl_broker *broker)
{
    while (broker->closings != NULL) {
        struct orl_closing *closing = pop(&broker->closings);
        run(broker, closing);
        free(closing);
    }
}

void orl_closings_drop(struct orl_broker *broker)
{
    while (broker->closings != NULL) {
        free(pop(&broker->closings));
    }
}

/* A report of the connection may have taken the session up again between the commit and now. */
void orl_closings_run_late(struct orl_broker *broker, struct orl_closing *list)
{
    while (list != NULL) {
        struct orl_err err = {0};
        struct orl_closing *closing = pop(&list);
        if (!closing->is_end && orl_session_disconnect(broker->store, closing->session, 0,
                                        closing->reason, orl_clock_wall_ms(), &err) < 0) {
            orl_broker_log_store(broker, "disconnecting a session", &err);
        }
        run(broker, closing);
        free(closing);
    }
}
