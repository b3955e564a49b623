/* An administrator's words to people at their desktops: shown over the picture, read or gone in a while.
 * Not here: warnings of what ends soon (broker/session_policy.h). */
#ifndef ORL_BROKER_MESSAGE_H
#define ORL_BROKER_MESSAGE_H
#include "broker/gateway_sock.h"

#define ORL_MESSAGE_MAX 200            /* bytes; what stands before them has room, too */
#define ORL_MESSAGE_EACH_US 5000000    /* nobody reads two in less; the last one stays */
#define ORL_MESSAGE_TO_ALL_US 10000000 /* between two to many */

enum { ORL_MESSAGE_NAMES_MAX = 20 };

struct orl_message_sent {
    unsigned shown;
    unsigned skipped; /* have got one a moment ago */
    const char
            *skipped_users[ORL_MESSAGE_NAMES_MAX]; /* the first of them; until the loop goes on */
};
/* Until it may get the next one; 0: now. */
uint64_t orl_message_wait_us(const struct orl_conn *conn);
/* To one at a desktop. */
void orl_message_send(struct orl_conn *conn, const char *text);

/* To many, in bites: a gateway's link that gets too much at once is closed. */
struct orl_messages;
ORL_NODISCARD int orl_messages_new(
        struct orl_broker *broker, struct orl_messages **ret_messages, struct orl_err *err);
void orl_messages_free(struct orl_messages *messages); /* NULL is fine */
/* To all that are at a desktop; of this pool, where not NULL. */
struct orl_message_sent orl_messages_send(
        struct orl_messages *messages, const char *pool, const char *text);

#endif
