/* The certificate that browsers see: told to the broker, and changed by it. All of it works inside the sandbox. */
#include "base/shown_cert_link.h"
#include "base/tls.h"
#include "web/server/web_priv.h"

static int use(void *ctx, struct orl_err *err)
{
    struct orl_web *web = ctx;
    struct orl_tls_keys *keys = NULL;
    const struct orl_cert_pair *pair = &web->shown->pair;
    int code = orl_tls_keys_new(pair->cert_pem, pair->key_pem, &keys, err);
    if (code == ORL_OK) {
        orl_tls_keys_free(web->keys);
        web->keys = keys;
    }
    return code;
}

int orl_web_use_certificate(struct orl_web *web, struct orl_err *err)
{
    return use(web, err);
}

static struct orl_shown_cert_link link_of(struct orl_web *web)
{
    return (struct orl_shown_cert_link){.shown = web->shown,
            .broker = web->broker,
            .log = &web->log,
            .port = web->https_port,
            .other_port = web->http_port,
            .use = use,
            .ctx = web};
}

static void on_up(void *ctx)
{
    const struct orl_shown_cert_link link = link_of(ctx);
    orl_shown_cert_link_tell(&link);
}

static void on_down(void *ctx)
{
    (void)ctx; /* nothing waits for it */
}

static void on_msg(void *ctx, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    const struct orl_shown_cert_link link = link_of(ctx);
    (void)fds;
    if (msg->type == ORL_MSG_CERTIFICATE) {
        orl_shown_cert_link_take(&link, &msg->u.certificate);
    }
}

int orl_web_open_broker(struct orl_web *web, const struct orl_web_opts *opts, struct orl_err *err)
{
    static const struct orl_control_link_events events = {
            .on_up = on_up, .on_down = on_down, .on_msg = on_msg};
    const struct orl_control_link_opts link = {
            .name = "broker", .path = opts->control_path, .uid = opts->broker_uid};
    return orl_control_link_new(web->loop, &link, &events, web, &web->broker, err);
}
