/* The certificate that browsers see: told to the broker, and changed by it. All of it works inside the sandbox. */
#include "base/clock.h"
#include "base/tls.h"
#include "web/server/web_priv.h"

int orl_web_use_certificate(struct orl_web *web, struct orl_err *err)
{
    struct orl_tls_keys *keys = NULL;
    const struct orl_cert_pair *pair = &web->shown->pair;
    int code = orl_tls_keys_new(pair->cert_pem, pair->key_pem, &keys, err);
    if (code == ORL_OK) {
        orl_tls_keys_free(web->keys);
        web->keys = keys;
    }
    return code;
}

static void tell(struct orl_web *web, uint32_t serial, const char *why)
{
    struct orl_msg msg;
    orl_shown_cert_tell(web->shown, &msg);
    msg.u.service.port = web->https_port;
    msg.u.service.other_port = web->http_port;
    msg.u.service.serial = serial;
    msg.u.service.is_refused = why != NULL ? 1 : 0;
    orl_msg_text(msg.u.service.why, sizeof(msg.u.service.why), why != NULL ? why : "");
    (void)orl_control_link_post(web->broker, &msg);
}

static void on_up(void *ctx)
{
    tell(ctx, 0, NULL);
}

static void on_down(void *ctx)
{
    (void)ctx; /* nothing waits for it */
}

static void on_msg(void *ctx, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_web *web = ctx;
    struct orl_err err = {0};
    (void)fds;
    if (msg->type != ORL_MSG_CERTIFICATE) {
        return;
    }
    int code = orl_shown_cert_take(web->shown, &msg->u.certificate, orl_clock_wall_ms(), &err);
    if (code == ORL_OK) {
        code = orl_web_use_certificate(web, &err);
    }
    if (code < 0) {
        orl_log_warn(&web->log, "a certificate was refused", "why", err.text);
    } else {
        orl_log_info(&web->log, "another certificate from now on", "fingerprint",
                web->shown->facts.fingerprint);
    }
    tell(web, msg->u.certificate.serial, code < 0 ? err.text : NULL);
}

int orl_web_open_broker(struct orl_web *web, const struct orl_web_opts *opts, struct orl_err *err)
{
    static const struct orl_control_link_events events = {
            .on_up = on_up, .on_down = on_down, .on_msg = on_msg};
    const struct orl_control_link_opts link = {
            .name = "broker", .path = opts->control_path, .uid = opts->broker_uid};
    return orl_control_link_new(web->loop, &link, &events, web, &web->broker, err);
}
