#include "base/shown_cert_link.h"

#include "base/clock.h"

static void tell(const struct orl_shown_cert_link *link, uint32_t serial, const char *why)
{
    struct orl_msg msg;
    struct orl_msg_service *service = &msg.u.service;
    orl_shown_cert_tell(link->shown, &msg);
    service->port = link->port;
    service->other_port = link->other_port;
    service->serial = serial;
    service->is_refused = why != NULL ? 1 : 0;
    orl_msg_text(service->why, sizeof(service->why), why != NULL ? why : "");
    (void)orl_control_link_post(link->broker, &msg);
}

void orl_shown_cert_link_tell(const struct orl_shown_cert_link *link)
{
    tell(link, 0, NULL);
}

void orl_shown_cert_link_take(
        const struct orl_shown_cert_link *link, const struct orl_msg_certificate *msg)
{
    struct orl_err err = {0};
    int code = orl_shown_cert_take(link->shown, msg, orl_clock_wall_ms(), &err);
    if (code == ORL_OK) {
        code = link->use(link->ctx, &err);
    }
    if (code < 0) {
        orl_log_warn(link->log, "a certificate was refused", "why", err.text);
    } else {
        orl_log_info(link->log, "another certificate from now on", "fingerprint",
                link->shown->facts.fingerprint);
    }
    tell(link, msg->serial, code < 0 ? err.text : NULL);
}
