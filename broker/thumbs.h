/* The last small picture of each session whose person looks at the portal; in memory only, shown to nobody else.
 * Asked for when somebody looks, at most every few seconds; bounded in number and bytes. */
#ifndef ORL_BROKER_THUMBS_H
#define ORL_BROKER_THUMBS_H
#include "broker/gateway_sock.h"

struct orl_thumbs;
ORL_NODISCARD int orl_thumbs_new(
        struct orl_broker *broker, struct orl_thumbs **ret_thumbs, struct orl_err *err);
void orl_thumbs_free(struct orl_thumbs *thumbs); /* NULL is fine */
/* Its pool shows pictures. What cannot be read is not shown. */
bool orl_thumbs_has_pool(const struct orl_thumbs *thumbs, const char *pool);
/* The session's person looks: a newer one is asked for if the last is old. As often as wanted. */
void orl_thumbs_ask(struct orl_thumbs *thumbs, const char *session);
/* The person's page is open: of sessions that have no picture yet, the first is asked for. */
void orl_thumbs_ask_first(struct orl_thumbs *thumbs, const char *user);
/* One came. false: it was not asked for, is not of this connection's session, or is no JPEG. */
bool orl_thumbs_put(
        struct orl_thumbs *thumbs, struct orl_conn *conn, const struct orl_msg_thumb *msg);
bool orl_thumbs_has(const struct orl_thumbs *thumbs, const char *session);
/* A copy on the heap, for the caller. ORL_E_NOTFOUND, ORL_E_NOMEM. */
ORL_NODISCARD int orl_thumbs_get(
        const struct orl_thumbs *thumbs, const char *session, char **ret_jpeg, size_t *ret_len);
/* Forgets those whose session is over; looks at a few each time. */
void orl_thumbs_sweep(struct orl_thumbs *thumbs);

#endif
