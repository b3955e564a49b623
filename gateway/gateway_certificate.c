/* The certificate that RDP and VNC clients see: told to the broker, and changed by it. */
#include "base/clock.h"
#include "gateway/gateway_priv.h"

int orl_gateway_seal_certificate(struct orl_gateway *gateway, struct orl_err *err)
{
    struct orl_cert_files files;
    int code = orl_cert_files_seal(&gateway->shown->pair, &files, err);
    if (code == ORL_OK) {
        orl_cert_files_fini(&gateway->certificate);
        gateway->certificate = files;
    }
    return code;
}

static void tell(struct orl_gateway *gateway, uint32_t serial, const char *why)
{
    struct orl_msg msg;
    orl_shown_cert_tell(gateway->shown, &msg);
    msg.u.service.port = gateway->rdp_port;
    msg.u.service.other_port = gateway->vnc_port;
    msg.u.service.serial = serial;
    msg.u.service.is_refused = why != NULL ? 1 : 0;
    orl_msg_text(msg.u.service.why, sizeof(msg.u.service.why), why != NULL ? why : "");
    (void)orl_control_link_post(gateway->broker, &msg);
}

void orl_gateway_tell_service(struct orl_gateway *gateway)
{
    tell(gateway, 0, NULL);
}

/* Writing waits for the disk, which is rare and short; sessions that run have their own copy of the former one. */
void orl_gateway_take_certificate(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    struct orl_err err = {0};
    int code = orl_shown_cert_take(gateway->shown, &msg->u.certificate, orl_clock_wall_ms(), &err);
    if (code == ORL_OK) {
        code = orl_gateway_seal_certificate(gateway, &err);
    }
    if (code < 0) {
        orl_log_warn(&gateway->log, "a certificate was refused", "why", err.text);
    } else {
        orl_log_info(&gateway->log, "another certificate from now on", "fingerprint",
                gateway->shown->facts.fingerprint);
    }
    tell(gateway, msg->u.certificate.serial, code < 0 ? err.text : NULL);
}
