/* The certificate that RDP and VNC clients see: told to the broker, and changed by it. */
#include "base/shown_cert_link.h"
#include "gateway/gateway_priv.h"

static int seal(void *ctx, struct orl_err *err)
{
    struct orl_gateway *gateway = ctx;
    struct orl_cert_files files;
    int code = orl_cert_files_seal(&gateway->shown->pair, &files, err);
    if (code == ORL_OK) {
        orl_cert_files_fini(&gateway->certificate);
        gateway->certificate = files;
    }
    return code;
}

int orl_gateway_seal_certificate(struct orl_gateway *gateway, struct orl_err *err)
{
    return seal(gateway, err);
}

static struct orl_shown_cert_link link_of(struct orl_gateway *gateway)
{
    return (struct orl_shown_cert_link){.shown = gateway->shown,
            .broker = gateway->broker,
            .log = &gateway->log,
            .port = gateway->rdp_port,
            .other_port = gateway->vnc_port,
            .use = seal,
            .ctx = gateway};
}

void orl_gateway_tell_service(struct orl_gateway *gateway)
{
    const struct orl_shown_cert_link link = link_of(gateway);
    orl_shown_cert_link_tell(&link);
}

/* Writing waits for the disk, which is rare and short; sessions that run have their own copy of the former one. */
void orl_gateway_take_certificate(struct orl_gateway *gateway, const struct orl_msg *msg)
{
    const struct orl_shown_cert_link link = link_of(gateway);
    orl_shown_cert_link_take(&link, &msg->u.certificate);
}
