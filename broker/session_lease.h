/* Sessions are leases: renewed by the statistics of their connection, disconnected when nobody
 * renews them, ended when their time is over or their machine was switched off. One tick a second,
 * and at once when vmpool or the API has changed something. */
#ifndef ORL_BROKER_SESSION_LEASE_H
#define ORL_BROKER_SESSION_LEASE_H
#include "broker/gateway_sock.h"

ORL_NODISCARD int orl_leases_new(
        struct orl_broker *broker, struct orl_leases **ret_leases, struct orl_err *err);
void orl_leases_free(struct orl_leases *lease); /* NULL is fine */
/* The store has news: look at everything later in this wake. */
void orl_leases_poke(struct orl_leases *lease);
/* Tell vmpool that the store has news, later in this wake; it need not be there. */
void orl_leases_poke_vmpool(struct orl_leases *lease);

/* How long nobody could write to the store, if it is still away or came back less than forgiven_us ago; else 0. What is
 * that much older than it should be, is not old. */
uint64_t orl_leases_gap_ms(const struct orl_leases *lease, uint64_t forgiven_us);

/* May this connection of a gateway go on as its session's, after a restart of ours? NONE: yes, and
 * *ret_conn says whose it is, LIVE or WAITING; else why it is over. */
enum orl_reason orl_leases_adopt(struct orl_broker *broker, const char *gateway, uint32_t number,
        const char *session, struct orl_conn *ret_conn);
/* Written later in this wake, in one transaction with what others say in it. */
void orl_leases_renew(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_stats *stats);
/* The connection is gone; conn stays the caller's. */
void orl_leases_lost(struct orl_broker *broker, struct orl_conn *conn, enum orl_reason reason);
/* The same of one that we know only from the store, after a restart of ours; false: it had none. */
bool orl_leases_lost_unheard(
        struct orl_broker *broker, const char *gateway, uint32_t number, enum orl_reason reason);
/* Ends a session and closes its connection, if it has one; inside a transaction when that is committed (broker/closing.h). */
ORL_NODISCARD int orl_leases_end(struct orl_broker *broker, const char *session,
        enum orl_reason reason, const char *actor, struct orl_err *err);
/* Disconnects it, likewise. */
ORL_NODISCARD int orl_leases_disconnect(struct orl_broker *broker, const char *session,
        enum orl_reason reason, struct orl_err *err);
/* Why a session is over, seen from its desktop: LOGGED_OFF (powered off from inside), GUEST_DIED;
 * NONE: it goes on. Pure. */
enum orl_reason orl_leases_end_of(
        const struct orl_session_row *session, const struct orl_desktop_row *desktop);

#endif
