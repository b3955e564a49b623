/* Who looks at whose desktop now: asks the person or tells them, gives the watcher a ticket for one connection, and
 * ends it when either wants, when the person is not connected any more, or when the watcher may not any more. In memory:
 * what was open when we died has ended. Not here: the rows (store/watch.h), the band (session/consent.h). */
#ifndef ORL_BROKER_WATCHING_H
#define ORL_BROKER_WATCHING_H
#include "broker/gateway_sock.h"
#include "store/watch.h"

#define ORL_WATCHING_MAX 64
#define ORL_WATCHING_PER_SESSION 4
#define ORL_WATCHING_ANSWER_S 60 /* no answer is a no */
#define ORL_WATCHING_OPEN_S 60   /* who was allowed to comes within that */
#define ORL_WATCHING_ASK_S 10    /* between two questions at one desktop */

struct orl_watching;
ORL_NODISCARD int orl_watching_new(
        struct orl_broker *broker, struct orl_watching **ret_watching, struct orl_err *err);
void orl_watching_free(struct orl_watching *watching); /* NULL is fine */

/* A new one, of row's session, watcher, is_break_glass and why; the rest of *row is filled in. The person sees it before
 * this returns. ORL_E_CONFLICT: nobody is at the desktop. ORL_E_LIMIT: too many look. ORL_E_EXISTS; ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_watching_start(struct orl_broker *broker, struct orl_watch_row *row,
        const struct orl_watch_by *by, struct orl_err *err);
/* Until that session may be asked the next question; 0: now. */
uint64_t orl_watching_wait_us(const struct orl_conn *person);
/* One connection's ticket, bound to the watcher's login at the portal; the former one is void. ORL_E_CONFLICT: not
 * granted, or begun. ORL_E_DENIED: somebody else's. ORL_E_NOTFOUND: it is over. */
ORL_NODISCARD int orl_watching_ticket(struct orl_broker *broker, const char *id, const char *user,
        const char *binding, struct orl_ticket_issued *ret_issued, struct orl_err *err);
/* True: it was such a ticket, and conn has its plan, or is refused and gone. */
bool orl_watching_redeem(struct orl_broker *broker, struct orl_conn *conn, const char *ticket,
        const char *password, const char *binding);
/* The person at conn answered. */
void orl_watching_answer(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_consent *answer);
/* Somebody ends it. ORL_E_NOTFOUND: it is over. */
ORL_NODISCARD int orl_watching_stop(struct orl_broker *broker, const char *id,
        const struct orl_watch_by *by, struct orl_err *err);
/* Who looks at that session now, or may begin to, for the person to read; empty: nobody. */
void orl_watching_say(
        const struct orl_broker *broker, const char *session, char ret_text[ORL_TEXT_MAX + 1]);
/* As "not any longer" in the session: all who look. How many. */
unsigned orl_watching_stop_all(
        struct orl_broker *broker, const char *session, const struct orl_watch_by *by);
/* A connection came back after a restart of ours: nobody looks at it. */
void orl_watching_clear(struct orl_conn *conn);
/* A connection has gone, or rights have changed: look later in this wake. */
void orl_watching_poke(struct orl_watching *watching);

#endif
