/* What a program that shows a certificate says of it to the broker, and hears from there.
 * Not here: which one it is, and where it is kept (base/shown_cert.h). */
#ifndef ORL_BASE_SHOWN_CERT_LINK_H
#define ORL_BASE_SHOWN_CERT_LINK_H
#include "base/control_link.h"
#include "base/shown_cert.h"

struct orl_shown_cert_link {
    struct orl_shown_cert *shown; /* all borrowed for the call */
    struct orl_control_link *broker;
    const struct orl_log_ctx *log;
    uint16_t port, other_port;
    int (*use)(void *ctx, struct orl_err *err); /* shown->pair, for clients that come */
    void *ctx;
};
/* Unasked, when the link is up. */
void orl_shown_cert_link_tell(const struct orl_shown_cert_link *link);
/* Another one, or back to its own; the broker gets the answer. */
void orl_shown_cert_link_take(
        const struct orl_shown_cert_link *link, const struct orl_msg_certificate *msg);

#endif
